/** Takes fields out of a value (structured-merge-diff typed/remove.go). */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { setOwn } from "#machinery/json/value.ts";
import type { FieldSet } from "./field-set.ts";
import { anyItemElement } from "./list-items.ts";
import { fieldElement } from "./path-element.ts";
import { deducedType, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { asList, asMap, isEmptyMap, kindsOf } from "./values.ts";

/**
 * The value without the fields and items of the set. What loses all of its content becomes null; only an item of a list, whose key may be
 * all defaults, stays an item. (Upstream makes it null, too, finds no key in that, and loses the item.)
 */
export const removeFields = (node: TypedNode, value: JsonValue, set: FieldSet): JsonValue =>
  set.isEmpty ? value : walk(node, value, set);

function walk(node: TypedNode, value: JsonValue, set: FieldSet): JsonValue {
  const kinds = kindsOf(node, value);
  if ((kinds & mapKind) !== 0) return walkMap(node, value, set);
  if ((kinds & scalarKind) !== 0) return value;
  return walkList(node, value, set);
}

function walkMap(node: TypedNode, value: JsonValue, set: FieldSet): JsonValue {
  const map = asMap(value);
  if (map === undefined) return null;
  const atom = node.map!;
  if (isEmptyMap(map) || atom.atomic) return null;
  const kept: JsonObject = {};
  for (const key of Object.keys(map)) {
    const field = atom.fields.get(key);
    const type = field?.type ?? atom.element ?? deducedType;
    const inSet = set.nodes.get(field?.element ?? fieldElement(key));
    const member = map[key]!;
    if (inSet === undefined) setOwn(kept, key, member);
    else if (!inSet.owned) setOwn(kept, key, walk(type, member, inSet.children!));
  }
  return isEmptyMap(kept) ? null : kept;
}

function walkList(node: TypedNode, value: JsonValue, set: FieldSet): JsonValue {
  const list = asList(value);
  if (list === undefined) return null;
  const atom = node.list!;
  if (list.length === 0 || atom.atomic) return null;
  const kept: JsonValue[] = [];
  for (const item of list) {
    const inSet = set.nodes.get(anyItemElement(atom, item));
    if (inSet === undefined) kept.push(item);
    else if (!inSet.owned) kept.push(walk(atom.items, item, inSet.children!) ?? {});
  }
  return kept.length === 0 ? null : kept;
}

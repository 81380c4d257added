/**
 * What a new value adds: every field of it, and all that contains fields (structured-merge-diff typed/compare.go where there is
 * no left side). The value was validated.
 */
import type { JsonValue } from "#machinery/json/value.ts";
import type { FieldSet } from "./field-set.ts";
import { anyItemElement, noElement } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";
import { SharedLevel } from "./shared-level.ts";
import { listKind, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { asList, asMap, kindsOf } from "./values.ts";

/** Thrown where a list has an item that cannot be told from others. */
export const notComparable: Error = new Error("a list has an item that cannot be told from others");

/** What is owned below a value that was not there before; undefined: nothing, it is owned as a whole. @throws notComparable */
export function addedBelow(node: TypedNode, value: JsonValue): FieldSet | undefined {
  const kinds = kindsOf(node, value);
  if ((kinds & mapKind) !== 0) return node.map!.atomic ? undefined : addedMembers(node, value);
  if ((kinds & scalarKind) !== 0 || (kinds & listKind) === 0 || node.list!.atomic) return undefined;
  return addedItems(node, value);
}

function addedMembers(node: TypedNode, value: JsonValue): FieldSet | undefined {
  const map = asMap(value);
  if (map === undefined) return undefined;
  const { fields, element: rest } = node.map!;
  const level = new SharedLevel();
  for (const key in map) {
    const field = fields.get(key);
    const type = field?.type ?? rest;
    if (type !== undefined) level.own(field?.element ?? fieldElement(key), addedBelow(type, map[key]!));
  }
  return level.build();
}

function addedItems(node: TypedNode, value: JsonValue): FieldSet | undefined {
  const items = asList(value);
  if (items === undefined || items.length === 0) return undefined;
  const atom = node.list!;
  const first = new Map<PathElement, number>();
  let repeated: Set<PathElement> | undefined;
  for (let i = 0; i < items.length; i++) {
    const element = anyItemElement(atom, items[i]!);
    if (element === noElement) throw notComparable;
    if (first.has(element)) {
      repeated ??= new Set();
      repeated.add(element);
    } else first.set(element, i);
  }
  const level = new SharedLevel();
  for (const [element, index] of first)
    level.own(element, repeated?.has(element) === true ? undefined : addedBelow(atom.items, items[index]!));
  return level.build();
}

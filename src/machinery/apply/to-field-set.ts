/** All that a value says, as a set of fields (structured-merge-diff typed/tofieldset.go). The value was validated. */
import type { JsonValue } from "#machinery/json/value.ts";
import { FieldSet, FieldSetBuilder } from "./field-set.ts";
import { anyItemElement } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";
import { mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { asList, asMap, isEmptyMap, kindsOf } from "./values.ts";

export function toFieldSet(node: TypedNode, value: JsonValue): FieldSet {
  const root = new FieldSetBuilder();
  if ((kindsOf(node, value) & mapKind) !== 0 && node.map?.atomic !== true) addMembers(node, value, root);
  return root.build() ?? FieldSet.empty;
}

/** Adds a value that stands at `element` to the set of its container. */
function add(node: TypedNode, value: JsonValue, element: PathElement, into: FieldSetBuilder): void {
  const kinds = kindsOf(node, value);
  if ((kinds & mapKind) !== 0) {
    if (node.map!.atomic) into.own(element);
    else {
      const inner = new FieldSetBuilder();
      addMembers(node, value, inner);
      into.under(element, inner.build());
    }
  } else if ((kinds & scalarKind) !== 0) into.own(element);
  else if (node.list!.atomic) into.own(element);
  else {
    const inner = new FieldSetBuilder();
    addItems(node, value, inner);
    into.under(element, inner.build());
  }
}

function addMembers(node: TypedNode, value: JsonValue, into: FieldSetBuilder): void {
  const map = asMap(value);
  if (map === undefined) return;
  const { fields, element: rest } = node.map!;
  for (const key of Object.keys(map)) {
    const field = fields.get(key);
    const type = field?.type ?? rest;
    if (type === undefined) continue;
    const element = field?.element ?? fieldElement(key);
    const member = map[key]!;
    add(type, member, element, into);
    const inner = asMap(member);
    if (member === null || field === undefined || (inner !== undefined && isEmptyMap(inner)))
      into.own(element);
  }
}

/** Items that stand twice are owned as a whole. */
function addItems(node: TypedNode, value: JsonValue, into: FieldSetBuilder): void {
  const list = asList(value);
  if (list === undefined) return;
  const atom = node.list!;
  const elements = list.map((item) => anyItemElement(atom, item));
  const repeated = repeatedOf(elements);
  for (let i = 0; i < list.length; i++) {
    const element = elements[i]!;
    if (repeated?.has(element) !== true) add(atom.items, list[i]!, element, into);
    into.own(element);
  }
}

/** The elements that occur more than once; undefined when there are none. */
function repeatedOf(elements: readonly PathElement[]): Set<PathElement> | undefined {
  const seen = new Set(elements);
  if (seen.size === elements.length) return undefined;
  const repeated = new Set<PathElement>();
  for (const element of elements) if (!seen.delete(element)) repeated.add(element);
  return repeated;
}

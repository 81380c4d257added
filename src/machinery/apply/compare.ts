/** What differs between two values of a type (structured-merge-diff typed/compare.go). Both were validated. */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { addedBelow, notComparable } from "./added.ts";
import { FieldSet, FieldSetBuilder } from "./field-set.ts";
import { anyItemElement, noElement } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";
import { listKind, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { scalarComplaint, validateTyped } from "./validate.ts";
import { asList, asMap, isEmptyMap, kindsOf, type MaybeValue } from "./values.ts";

export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

const sameValues: Comparison = {
  removed: FieldSet.empty,
  modified: FieldSet.empty,
  added: FieldSet.empty,
};

export const isSame = ({ removed, modified, added }: Comparison): boolean =>
  removed.isEmpty && modified.isEmpty && added.isEmpty;

/** Applies an operation to all three sets. */
export const mapComparison = (from: Comparison, change: (set: FieldSet) => FieldSet): Comparison => ({
  removed: change(from.removed),
  modified: change(from.modified),
  added: change(from.added),
});

/** The three sets of one level. */
class Level {
  #removed: FieldSetBuilder | undefined;
  #modified: FieldSetBuilder | undefined;
  #added: FieldSetBuilder | undefined;

  get removed(): FieldSetBuilder {
    this.#removed ??= new FieldSetBuilder();
    return this.#removed;
  }

  get modified(): FieldSetBuilder {
    this.#modified ??= new FieldSetBuilder();
    return this.#modified;
  }

  get added(): FieldSetBuilder {
    this.#added ??= new FieldSetBuilder();
    return this.#added;
  }

  putInto(parent: Level, element: PathElement): void {
    if (this.#removed !== undefined) parent.removed.under(element, this.#removed.build());
    if (this.#modified !== undefined) parent.modified.under(element, this.#modified.build());
    if (this.#added !== undefined) parent.added.under(element, this.#added.build());
  }

  finish(): Comparison {
    return {
      removed: this.#removed?.build() ?? FieldSet.empty,
      modified: this.#modified?.build() ?? FieldSet.empty,
      added: this.#added?.build() ?? FieldSet.empty,
    };
  }
}

/** @throws TypedErrors when lists have items that cannot be told from others */
export function compareTyped(node: TypedNode, left: JsonValue, right: JsonValue): Comparison {
  if (left === right) return sameValues;
  try {
    return compare(node, left, right);
  } catch (error) {
    if (error !== notComparable) throw error;
    for (const value of [left, right]) validateTyped(node, value, { allowDuplicates: true });
    throw error;
  }
}

function compare(node: TypedNode, left: JsonValue, right: JsonValue): Comparison {
  const root = new Level();
  const map = node.map;
  // The root of an object is a map; anything else has no path that could be owned.
  if (map !== undefined && !map.atomic) compareMembers(node, asMap(left), asMap(right), root);
  return root.finish();
}

/** Compares what stands at `element` of a container; one of both may be absent. */
function compareAt(
  node: TypedNode,
  left: MaybeValue,
  right: MaybeValue,
  element: PathElement,
  into: Level,
): void {
  if (left === right) return;
  if (left === undefined && right !== undefined) {
    into.added.own(element);
    into.added.under(element, addedBelow(node, right));
    return;
  }
  let leaf: boolean;
  if (right === undefined) leaf = compareAs(node, kindsOf(node, left), left, right, element, into);
  else {
    const rightKinds = kindsOf(node, right);
    if (left !== undefined) {
      const leftKinds = kindsOf(node, left);
      if (leftKinds !== rightKinds) compareAs(node, leftKinds, left, right, element, into);
    }
    leaf = compareAs(node, rightKinds, left, right, element, into);
  }
  if (!leaf && right === undefined) into.removed.own(element);
}

/** True when the value was taken as a whole. */
function compareAs(
  node: TypedNode,
  kinds: number,
  left: MaybeValue,
  right: MaybeValue,
  element: PathElement,
  into: Level,
): boolean {
  if ((kinds & mapKind) !== 0) {
    const a = asMap(left);
    const b = asMap(right);
    const bothEmpty = (a === undefined || isEmptyMap(a)) && (b === undefined || isEmptyMap(b));
    if (node.map!.atomic || bothEmpty) return compareLeaf(left, right, element, into);
    const inner = new Level();
    compareMembers(node, a, b, inner);
    inner.putInto(into, element);
    return false;
  }
  if ((kinds & scalarKind) !== 0) {
    const scalar = node.scalar!;
    const fits = (value: MaybeValue): boolean =>
      value === undefined || scalarComplaint(scalar, value) === undefined;
    if (!fits(left) && !fits(right)) return false;
    return compareLeaf(left, right, element, into);
  }
  if ((kinds & listKind) === 0) return false;
  const a = asList(left);
  const b = asList(right);
  const bothEmpty = (a === undefined || a.length === 0) && (b === undefined || b.length === 0);
  if (node.list!.atomic || bothEmpty) return compareLeaf(left, right, element, into);
  const inner = new Level();
  compareItems(node, a ?? [], b ?? [], inner);
  inner.putInto(into, element);
  return false;
}

function compareLeaf(left: MaybeValue, right: MaybeValue, element: PathElement, into: Level): true {
  if (left === undefined) into.added.own(element);
  else if (right === undefined) into.removed.own(element);
  else if (!jsonEqual(left, right)) into.modified.own(element);
  return true;
}

function compareMembers(
  node: TypedNode,
  left: JsonObject | undefined,
  right: JsonObject | undefined,
  into: Level,
): void {
  const { fields, element: rest } = node.map!;
  const compare = (key: string, a: MaybeValue, b: MaybeValue): void => {
    const field = fields.get(key);
    const type = field?.type ?? rest;
    if (type !== undefined) compareAt(type, a, b, field?.element ?? fieldElement(key), into);
  };
  let common = 0;
  if (left !== undefined) {
    for (const key in left) {
      const a = left[key]!;
      if (right === undefined || !Object.hasOwn(right, key)) compare(key, a, undefined);
      else {
        common++;
        const b = right[key]!;
        if (a !== b) compare(key, a, b);
      }
    }
  }
  // Mostly both have the same members, and none needs to be looked up again.
  if (right === undefined || Object.keys(right).length === common) return;
  for (const key in right)
    if (left === undefined || !Object.hasOwn(left, key)) compare(key, undefined, right[key]!);
}

function compareItems(
  node: TypedNode,
  left: readonly JsonValue[],
  right: readonly JsonValue[],
  into: Level,
): void {
  const atom = node.list!;
  const index = (items: readonly JsonValue[]): Map<PathElement, JsonValue[]> => {
    const found = new Map<PathElement, JsonValue[]>();
    for (const item of items) {
      const element = anyItemElement(atom, item);
      if (element === noElement) throw notComparable;
      const same = found.get(element);
      if (same === undefined) found.set(element, [item]);
      else same.push(item);
    }
    return found;
  };
  const before = index(left);
  const after = index(right);
  const compare = (element: PathElement, a: readonly JsonValue[], b: readonly JsonValue[]): void => {
    if (a.length <= 1 && b.length <= 1) compareAt(atom.items, a[0], b[0], element, into);
    else if (a.length >= 2 && b.length >= 2) {
      if (!jsonEqual([...a], [...b])) into.modified.own(element);
    } else if (a.length >= 2) {
      if (b.length > 0) compareAt(atom.items, undefined, b[0], element, into);
      into.removed.own(element);
    } else {
      if (a.length > 0) compareAt(atom.items, a[0], undefined, element, into);
      into.added.own(element);
    }
  };
  for (const [element, items] of before) compare(element, items, after.get(element) ?? none);
  for (const [element, items] of after) if (!before.has(element)) compare(element, none, items);
}

const none: readonly JsonValue[] = [];

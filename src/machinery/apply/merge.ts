/**
 * Puts a partial value over another one (structured-merge-diff typed/merge.go): what it says wins, nothing is removed; the items of
 * associative lists keep the order of the old list where it says nothing new.
 */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { setOwn } from "#machinery/json/value.ts";
import { anyItemElement } from "./list-items.ts";
import type { PathElement } from "./path-element.ts";
import { listKind, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { scalarComplaint } from "./validate.ts";
import { asList, asMap, isEmptyMap, kindsOf, type MaybeValue } from "./values.ts";

/** Both were validated; the partial value has no duplicates. The result shares what it can with both. */
export const mergeTyped = (node: TypedNode, value: JsonValue, partial: JsonValue): JsonValue =>
  merge(node, value, partial) ?? null;

/** Undefined: nothing is left of the value. */
function merge(node: TypedNode, left: MaybeValue, right: MaybeValue): MaybeValue {
  if (right === undefined) return mergeAs(node, kindsOf(node, left), left, right);
  const rightKinds = kindsOf(node, right);
  // Of a value that changes its kind only the new one remains.
  return mergeAs(node, rightKinds, left, right);
}

function mergeAs(node: TypedNode, kinds: number, left: MaybeValue, right: MaybeValue): MaybeValue {
  const whole = (): MaybeValue => (right !== undefined ? right : left);
  if ((kinds & mapKind) !== 0) {
    const a = asMap(left);
    const b = asMap(right);
    const bothEmpty = (a === undefined || isEmptyMap(a)) && (b === undefined || isEmptyMap(b));
    return node.map!.atomic || bothEmpty ? whole() : mergeMaps(node, a, b);
  }
  if ((kinds & scalarKind) !== 0) {
    const scalar = node.scalar!;
    const fits = (value: MaybeValue): boolean =>
      value === undefined || scalarComplaint(scalar, value) === undefined;
    return fits(left) || fits(right) ? whole() : undefined;
  }
  if ((kinds & listKind) === 0) return undefined;
  const a = asList(left);
  const b = asList(right);
  const bothEmpty = (a === undefined || a.length === 0) && (b === undefined || b.length === 0);
  return node.list!.atomic || bothEmpty ? whole() : mergeLists(node, a ?? [], b ?? []);
}

function mergeMaps(node: TypedNode, left: JsonObject | undefined, right: JsonObject | undefined): MaybeValue {
  const { fields, element } = node.map!;
  const merged: JsonObject = {};
  const take = (key: string, a: MaybeValue, b: MaybeValue): void => {
    const type = fields.get(key)?.type ?? element;
    if (type === undefined) return;
    const value = merge(type, a, b);
    if (value !== undefined) setOwn(merged, key, value);
  };
  for (const key of left === undefined ? [] : Object.keys(left)) {
    take(key, left![key]!, right !== undefined && Object.hasOwn(right, key) ? right[key]! : undefined);
  }
  for (const key of right === undefined ? [] : Object.keys(right)) {
    if (left === undefined || !Object.hasOwn(left, key)) take(key, undefined, right![key]!);
  }
  return isEmptyMap(merged) ? undefined : merged;
}

/**
 * Upstream's walk over both lists: new items go where the partial list has them, relative to the items that both have; items that
 * only the old list has stay before what follows them there.
 */
function mergeLists(node: TypedNode, left: readonly JsonValue[], right: readonly JsonValue[]): MaybeValue {
  const atom = node.list!;
  const leftElements = left.map((item) => anyItemElement(atom, item));
  const rightElements = right.map((item) => anyItemElement(atom, item));
  // Items that stand twice in the old list are not merged with the new one: null stands for them.
  const leftItems = new Map<PathElement, JsonValue>();
  leftElements.forEach((element, i) => {
    leftItems.set(element, leftItems.has(element) ? null : left[i]!);
  });
  const rightItems = new Map(rightElements.map((element, i) => [element, right[i]!]));
  const shared = rightElements.filter((element) => leftItems.has(element));
  let nextShared = 0;
  const merged: JsonValue[] = [];
  const taken = new Set<PathElement>();
  const put = (element: PathElement, a: MaybeValue, b: MaybeValue): void => {
    const value = merge(atom.items, a, b);
    if (value !== undefined) merged.push(value);
    if (b !== undefined) taken.add(element);
  };
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const a = leftElements[l];
    const b = rightElements[r];
    if (a !== undefined && b !== undefined) {
      if (a === b) {
        put(a, leftItems.get(a), rightItems.get(a));
        l++;
        r++;
        nextShared++;
        continue;
      }
      if (rightItems.has(a) && nextShared < shared.length && shared[nextShared] !== a) {
        // Shared, but not the one whose turn it is.
        l++;
        continue;
      }
    }
    if (a !== undefined) {
      if (!rightItems.has(a)) {
        put(a, left[l], undefined);
        l++;
        continue;
      }
      if (taken.has(a)) l++;
    }
    if (b !== undefined) {
      put(b, leftItems.get(b), rightItems.get(b));
      r++;
      if (shared[nextShared] === b) nextShared++;
    }
  }
  return merged.length === 0 ? undefined : merged;
}

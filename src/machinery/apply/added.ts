/**
 * What a new value adds: every field of it, and all that contains fields (structured-merge-diff typed/compare.go where there is
 * no left side).
 */
import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { FieldSet } from "./field-set.ts";
import { anyItemElement, noElement } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";
import { SharedLevel } from "./shared-level.ts";
import { listKind, type MapAtom, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";
import { scalarComplaint } from "./validate.ts";
import { asMap, isEmptyMap } from "./values.ts";

/** Thrown where a list has an item that cannot be told from others. */
export const notComparable: Error = new Error("a list has an item that cannot be told from others");
/** Thrown where a new object is not of its type, or where comparing is not plain. */
const notPlain: Error = new Error("not of its type");

/**
 * What is owned below a value that was not there before; undefined: nothing, it is owned as a whole. The value was validated.
 * @throws notComparable
 */
export const addedBelow = (node: TypedNode, value: JsonValue): FieldSet | undefined =>
  added(node, value, false);

/** `validates`: finds out on the way whether the value is of its type, as `validate.ts` does. @throws notPlain, notComparable */
function added(node: TypedNode, value: JsonValue, validates: boolean): FieldSet | undefined {
  if (value === null) return undefined;
  if (typeof value !== "object" || isRawNumber(value)) {
    if (validates && !isScalarOf(node, value)) throw notPlain;
    return undefined;
  }
  const kind = Array.isArray(value) ? listKind : mapKind;
  if ((node.kinds & kind) === 0) {
    if (validates) throw notPlain;
    return undefined;
  }
  return Array.isArray(value)
    ? addedItems(node, value, validates)
    : addedMembers(node.map!, value, validates);
}

const isScalarOf = ({ kinds, scalar }: TypedNode, value: JsonValue): boolean =>
  (kinds & scalarKind) !== 0 && scalarComplaint(scalar!, value) === undefined;

function addedMembers(
  { atomic, fields, element: rest, hint }: MapAtom,
  map: JsonObject,
  validates: boolean,
): FieldSet | undefined {
  if (atomic && !validates) return undefined;
  const level = new SharedLevel(hint);
  for (const key in map) {
    const field = fields.get(key);
    const type = field?.type ?? rest;
    if (type !== undefined) level.own(field?.element ?? fieldElement(key), added(type, map[key]!, validates));
    else if (validates) throw notPlain;
  }
  return atomic ? undefined : level.build();
}

function addedItems(node: TypedNode, items: readonly JsonValue[], validates: boolean): FieldSet | undefined {
  const atom = node.list!;
  if (atom.atomic) {
    if (validates) for (const item of items) added(atom.items, item, true);
    return undefined;
  }
  const found = new Map<PathElement, FieldSet | undefined>();
  let repeated: Set<PathElement> | undefined;
  for (const item of items) {
    const element = anyItemElement(atom, item);
    if (element === noElement) throw notComparable;
    const below = added(atom.items, item, validates);
    if (found.has(element)) {
      repeated ??= new Set();
      repeated.add(element);
    } else found.set(element, below);
  }
  const level = new SharedLevel();
  for (const [element, below] of found)
    level.own(element, repeated?.has(element) === true ? undefined : below);
  return level.build();
}

/**
 * What a new object has beside that which every new one of its kind has, in one walk that validates it, too. Undefined where it is
 * not of its type, or does not begin as all others do: then both must be validated and compared.
 */
export function addedToEmpty(node: TypedNode, empty: JsonObject, object: JsonObject): FieldSet | undefined {
  const { map } = node;
  if (map === undefined || map.atomic) return undefined;
  try {
    return addedTo(map, empty, object);
  } catch (error) {
    if (error !== notPlain && error !== notComparable) throw error;
    return undefined;
  }
}

function addedTo({ fields, element: rest, hint }: MapAtom, empty: JsonObject, object: JsonObject): FieldSet {
  for (const key in empty) if (!Object.hasOwn(object, key)) throw notPlain;
  const level = new SharedLevel(hint);
  for (const key in object) {
    const field = fields.get(key);
    const type = field?.type ?? rest;
    if (type === undefined) throw notPlain;
    const value = object[key]!;
    const below = added(type, value, true);
    const element = field?.element ?? fieldElement(key);
    if (!Object.hasOwn(empty, key)) level.own(element, below);
    else if (value !== empty[key]) {
      if (!isEmptied(empty[key]!) || asMap(value) === undefined || type.map?.atomic !== false) throw notPlain;
      level.under(element, below);
    }
  }
  return level.build() ?? FieldSet.empty;
}

const isEmptied = (value: JsonValue): boolean => {
  const map = asMap(value);
  return map !== undefined && isEmptyMap(map);
};

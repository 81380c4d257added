/** Checks a value against its type (structured-merge-diff typed/validate.go). */
import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { sortedKeys } from "#machinery/schema/order.ts";
import { goPlain, goSyntax, goTypeName } from "./go-text.ts";
import { ItemError, itemElement } from "./list-items.ts";
import { elementText, fieldElement, type PathElement } from "./path-element.ts";
import { type TypedError, TypedErrors } from "./typed-errors.ts";
import {
  listKind,
  type MapAtom,
  mapKind,
  type ScalarAtom,
  scalarKind,
  type TypedNode,
} from "./typed-node.ts";
import { asList, asMap, kindsOf } from "./values.ts";

interface Walk {
  readonly allowDuplicates: boolean;
  readonly errors: TypedError[];
  readonly path: PathElement[];
}

/**
 * Live objects may have duplicates in their lists, applied ones may not.
 * @throws TypedErrors
 */
export function validateTyped(
  node: TypedNode,
  value: JsonValue,
  options: { readonly allowDuplicates: boolean },
): void {
  const walk: Walk = { ...options, errors: [], path: [] };
  visit(node, value, walk);
  if (walk.errors.length > 0) throw new TypedErrors(walk.errors);
}

function complain(walk: Walk, text: string, ...below: readonly PathElement[]): void {
  walk.errors.push({ path: [...walk.path, ...below].map(elementText).join(""), text });
}

function visit(node: TypedNode, value: JsonValue, walk: Walk): void {
  const kinds = kindsOf(node, value);
  if ((kinds & mapKind) !== 0) visitMap(node, value, walk);
  else if ((kinds & scalarKind) !== 0) {
    const text = scalarComplaint(node.scalar!, value);
    if (text !== undefined) complain(walk, text);
  } else if ((kinds & listKind) !== 0) visitList(node, value, walk);
}

/** The value, as Go prints the wrapper that upstream puts around it. */
const wrapped = (value: JsonValue): string => `&{${goPlain(value)}}`;

/** Undefined when the value is a scalar of this type (or null). */
export function scalarComplaint(scalar: ScalarAtom, value: JsonValue): string | undefined {
  if (value === null) return undefined;
  const isNumber = typeof value === "number" || isRawNumber(value);
  switch (scalar) {
    case "numeric":
      return isNumber ? undefined : `expected numeric (int or float), got ${goTypeName(value)}`;
    case "string":
      if (typeof value === "string") return undefined;
      return `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `expected boolean, got ${wrapped(value)}`;
    default:
      if (isNumber || typeof value !== "object") return undefined;
      return `expected any scalar, got ${wrapped(value)}`;
  }
}

function visitMap(node: TypedNode, value: JsonValue, walk: Walk): void {
  if (value === null) return;
  const map = asMap(value);
  if (map === undefined) {
    complain(walk, `expected map, got ${wrapped(value)}`);
    return;
  }
  const before = walk.errors.length;
  if (visitMembers(node.map!, map, Object.keys(map), walk)) return;
  // Only for the error text: what Go says first depends on the order of a hash map; here it is the order of bytes.
  walk.errors.length = before;
  visitMembers(node.map!, map, sortedKeys(map), walk, true);
}

/** False when a member is unknown: the rest was not looked at then. */
function visitMembers(
  { fields, element }: MapAtom,
  map: JsonObject,
  keys: readonly string[],
  walk: Walk,
  tell = false,
): boolean {
  for (const key of keys) {
    const field = fields.get(key);
    const type = field?.type ?? element;
    if (type === undefined) {
      if (tell) complain(walk, "field not declared in schema", fieldElement(key));
      return false;
    }
    walk.path.push(field?.element ?? fieldElement(key));
    visit(type, map[key]!, walk);
    walk.path.pop();
  }
  return true;
}

function visitList(node: TypedNode, value: JsonValue, walk: Walk): void {
  if (value === null) return;
  const list = asList(value);
  if (list === undefined) {
    complain(walk, `expected list, got ${wrapped(value)}`);
    return;
  }
  const atom = node.list!;
  const seen = atom.atomic ? undefined : new Set<PathElement>();
  for (let i = 0; i < list.length; i++) {
    let element: PathElement | ItemError = `i:${i}`;
    if (seen !== undefined) {
      element = itemElement(atom, list[i]!);
      if (element instanceof ItemError) {
        complain(walk, `element ${i}: ${element.text}`);
        return;
      }
      if (seen.has(element) && !walk.allowDuplicates)
        complain(walk, `duplicate entries for key ${elementText(element)}`);
      seen.add(element);
    }
    walk.path.push(element);
    visit(atom.items, list[i]!, walk);
    walk.path.pop();
  }
}

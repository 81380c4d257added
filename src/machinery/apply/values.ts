/** What values are to apply: their kinds, and when two are equal. */
import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { listKind, mapKind, scalarKind, type TypedNode } from "./typed-node.ts";

/** Absent is undefined; null is a value. */
export type MaybeValue = JsonValue | undefined;

/** The kinds that a value of this node can be seen as: one where the value decides, else all that the node allows. */
export function kindsOf(node: TypedNode, value: MaybeValue): number {
  if (value === undefined || value === null) return node.kinds;
  const kind = kindOf(value);
  return (node.kinds & kind) === 0 ? node.kinds : kind;
}

function kindOf(value: Exclude<JsonValue, null>): number {
  if (typeof value !== "object") return scalarKind;
  if (Array.isArray(value)) return listKind;
  return isRawNumber(value) ? scalarKind : mapKind;
}

export const asList = (value: MaybeValue): readonly JsonValue[] | undefined =>
  Array.isArray(value) ? value : undefined;

export function asMap(value: MaybeValue): JsonObject | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isRawNumber(value))
    return undefined;
  return value;
}

export function isEmptyMap(map: JsonObject): boolean {
  for (const _ in map) return false;
  return true;
}

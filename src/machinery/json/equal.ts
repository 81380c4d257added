import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";

/** Equality by content: the order of keys does not matter, numbers compare by value, raw numbers by their digits. */
export function jsonEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return sameNumber(a, b);
  }
  if (Array.isArray(a)) return Array.isArray(b) && equalArrays(a, b);
  if (Array.isArray(b)) return false;
  if (isRawNumber(a) || isRawNumber(b)) return isRawNumber(a) && isRawNumber(b) && a.rawJSON === b.rawJSON;
  return equalObjects(a, b);
}

/** A raw number and a double are equal when they print the same. */
function sameNumber(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (typeof a === "number" && isRawNumber(b)) return String(a) === b.rawJSON;
  if (typeof b === "number" && isRawNumber(a)) return String(b) === a.rawJSON;
  return false;
}

function equalArrays(a: readonly JsonValue[], b: readonly JsonValue[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!jsonEqual(a[i], b[i])) return false;
  return true;
}

function equalObjects(a: JsonObject, b: JsonObject): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (!Object.hasOwn(b, key) || !jsonEqual(a[key], b[key])) return false;
  return true;
}

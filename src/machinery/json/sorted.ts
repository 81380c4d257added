import { compareBytes } from "#base/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";

/** A copy with the keys of all objects in the order of their bytes, as Go writes maps. (JavaScript puts keys that are integers first.) */
export function sortedCopy(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortedCopy);
  return isJsonObject(value) ? sortedObject(value, sortedCopy) : value;
}

/** The object with its own keys sorted like that, and what `inner` makes of their values. */
export function sortedObject(
  value: JsonObject,
  inner: (member: JsonValue) => JsonValue = (member) => member,
): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(value).sort(compareBytes)) setOwn(copy, key, inner(value[key]!));
  return copy;
}

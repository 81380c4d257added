import { isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";

/** A deep copy. Keys such as `__proto__` stay plain keys; raw numbers are immutable and shared. */
export function cloneJson<T extends JsonValue>(value: T): T {
  return copy(value) as T;
}

function copy(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  if (isRawNumber(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(out, key, copy(value[key]!));
  return out;
}

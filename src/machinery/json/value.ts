/**
 * JSON as this server holds it in memory.
 *
 * Integers that a double cannot hold are `JSON.rawJSON` values (frozen, null-prototype, with the digits as `rawJSON`),
 * so `JSON.stringify` writes them back unchanged. Everything else is what `JSON.parse` gives: plain objects whose own
 * keys are user data (`__proto__` may be an own key; never write `target[userKey] = x`, use {@link setOwn}).
 */
export type JsonValue = null | boolean | number | string | RawNumber | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}
/** A number kept as its digits because a double would change it. */
export interface RawNumber {
  readonly rawJSON: string;
}

const { isRawJSON, rawJSON } = JSON as unknown as {
  isRawJSON(value: unknown): boolean;
  rawJSON(text: string): RawNumber;
};

export const isRawNumber = (value: unknown): value is RawNumber => isRawJSON(value);
export const rawNumber = (digits: string): RawNumber => rawJSON(digits);

/** True for JSON objects, false for arrays, null, raw numbers and scalars. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/** Sets an own property whatever the key is: assigning to `__proto__` would change the prototype instead. */
export function setOwn(target: JsonObject, key: string, value: JsonValue): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** An own property, never an inherited one (`constructor`, `toString`). */
export function getOwn(target: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

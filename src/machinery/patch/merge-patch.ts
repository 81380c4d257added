import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";

/**
 * JSON merge patch (RFC 7386) with the habit of evanphx/json-patch, which Kubernetes uses: where there was no object before, nulls go
 * from objects inside lists too. The target is not changed; untouched parts are shared with the result.
 */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(target)) return withoutNulls(patch);
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = { ...target };
  for (const key of Object.keys(patch)) {
    const value = patch[key] as JsonValue;
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

/** A value without the members of its objects that are null; a null in a list stays. */
function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key] as JsonValue;
    if (member !== null) setOwn(result, key, withoutNulls(member));
  }
  return result;
}

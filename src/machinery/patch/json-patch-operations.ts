/** What a JSON patch must look like, with the texts of Go's decoders. */
import { badRequest, requestEntityTooLargeFor } from "#machinery/errors/errors.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";

/** More operations are answered with 413. */
export const maxJsonPatchOperations = 10_000;

/**
 * The operations of a patch. `null` among them is one without a kind.
 * @throws StatusError 400 for what is no list of objects, 413 for too many of them
 */
export function jsonPatchOperations(patch: JsonValue): readonly JsonObject[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) {
    throw badRequest(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type jsonpatch.Patch`);
  }
  if (patch.length > maxJsonPatchOperations) {
    throw requestEntityTooLargeFor(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  return patch.map((operation) => {
    if (operation === null) return {};
    if (isJsonObject(operation)) return operation;
    throw badRequest(
      `json: cannot unmarshal ${jsonKind(operation)} into Go value of type jsonpatch.Operation`,
    );
  });
}

/** What Go calls the kind of a JSON value. */
export function jsonKind(value: JsonValue): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return isRawNumber(value) ? "number" : typeof value;
}

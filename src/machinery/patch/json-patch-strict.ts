/** What field validation says about a JSON patch itself (apiserver endpoints/handlers/patch.go, applyJSPatch). */
import { quote } from "#base/quote.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { jsonKind } from "./json-patch-operations.ts";

const texts: ReadonlySet<string> = new Set(["op", "path", "from"]);

/**
 * Unknown and doubled fields, as strict errors. `duplicates` are paths of the patch.
 * @throws StatusError 400 for values that upstream's type of an operation does not take
 */
export function jsonPatchProblems(patch: JsonValue, duplicates: readonly string[]): string[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) throw undecodable(patch, "value of type []handlers.jsonPatchOp");
  const unknown: string[] = [];
  patch.forEach((operation, index) => {
    if (operation === null) return;
    if (!isJsonObject(operation)) throw undecodable(operation, "value of type handlers.jsonPatchOp");
    checkTexts(operation);
    for (const key of Object.keys(operation))
      if (!texts.has(key) && key !== "value") unknown.push(`[${index}].${key}`);
  });
  // What is in an unknown field is not looked at.
  const isTold = (path: string): boolean =>
    !unknown.some((field) => path.startsWith(field) && /^[.[]/.test(path.slice(field.length)));
  return [
    ...duplicates.filter(isTold).map((path) => `duplicate field ${quote(path)}`),
    ...unknown.map((path) => `unknown field ${quote(path)}`),
  ].map((text) => `json patch ${text}`);
}

function checkTexts(operation: JsonObject): void {
  for (const key of Object.keys(operation)) {
    const value = operation[key]!;
    if (texts.has(key) && value !== null && typeof value !== "string")
      throw undecodable(value, `struct field jsonPatchOp.${key} of type string`);
  }
}

export const undecodable = (value: JsonValue, into: string): Error =>
  badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(value)} into Go ${into}`);

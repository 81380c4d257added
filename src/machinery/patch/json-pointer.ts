/** JSON pointers as evanphx/json-patch, which Kubernetes uses, reads them. */
import { quote } from "#base/quote.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";

/** The unescaped parts of a pointer: what stands before the first slash does not count. None for the whole document. */
export const pointerParts = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

export type Container = JsonObject | JsonValue[];

export const isContainer = (value: JsonValue | undefined): value is Container =>
  Array.isArray(value) || isJsonObject(value);

/** The container that holds a pointer's last part; undefined when the way there does not exist. */
export function containerOf(document: JsonValue, parts: readonly string[]): Container | undefined {
  if (parts.length === 0) return undefined;
  let node: JsonValue | undefined = document;
  for (const part of parts.slice(0, -1)) {
    if (Array.isArray(node)) {
      const index = parseIndex(part);
      node = typeof index === "number" ? node[index < 0 ? index + node.length : index] : undefined;
    } else node = isJsonObject(node) ? getOwn(node, part) : undefined;
  }
  return isContainer(node) ? node : undefined;
}

/**
 * A member of a container; undefined when an object does not have it.
 * @throws PointerError for what is no index of an array
 */
export function memberOf(container: Container, part: string): JsonValue | undefined {
  return Array.isArray(container) ? container[existingIndex(container, part)] : getOwn(container, part);
}

/** Why a part of a pointer leads nowhere, with the library's text. */
export class PointerError extends Error {
  override readonly name = "PointerError";
}

/** The index of an element that exists. Negative ones count from the end. @throws PointerError */
export function existingIndex(list: readonly JsonValue[], part: string): number {
  const index = parseIndex(part);
  if (typeof index !== "number") throw new PointerError(index.error);
  if (index >= list.length || index < -list.length) throw invalidIndex(part);
  return index < 0 ? index + list.length : index;
}

/** The place where a new element goes: `-` is the end, and negative ones count from behind it. @throws PointerError */
export function insertionIndex(list: readonly JsonValue[], part: string): number {
  if (part === "-") return list.length;
  const index = parseIndex(part);
  if (typeof index !== "number") {
    throw new PointerError(
      `value was not a proper array index: '${part.slice(0, maxShown)}': ${index.error}`,
    );
  }
  if (index > list.length || index < -(list.length + 1)) throw invalidIndex(part);
  return index < 0 ? index + list.length + 1 : index;
}

/** Characters of a part that messages show. */
const maxShown = 256;

const invalidIndex = (part: string): PointerError =>
  new PointerError(
    `Unable to access invalid index: ${BigInt(part.replace("+", ""))}: invalid index referenced`,
  );

/** Digits of the largest int64. */
const maxIndexDigits = 19;

/** As Go's strconv.Atoi; what is beyond every list is only told apart from what is beyond int64. */
function parseIndex(part: string): number | { readonly error: string } {
  const digits = /^[+-]?0*([0-9]+)$/.exec(part)?.[1];
  const failed = (why: string): { readonly error: string } => ({
    error: `strconv.Atoi: parsing ${quote(part.slice(0, maxShown))}: ${why}`,
  });
  if (digits === undefined) return failed("invalid syntax");
  if (digits.length > maxIndexDigits) return failed("value out of range");
  const exact = BigInt(part.replace("+", ""));
  return BigInt.asIntN(64, exact) === exact ? Number(exact) : failed("value out of range");
}

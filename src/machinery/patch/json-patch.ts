/** JSON Patch (RFC 6902) as upstream's library behaves (evanphx/json-patch with kube-apiserver's limits). */
import { badRequest, invalidPatch, requestEntityTooLargeFor } from "#machinery/errors/errors.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";

/** More operations answer 413. */
export const maxJsonPatchOperations = 10_000;
/** Bytes that `copy` operations of one patch may add to the document. */
export const maxCopiedBytes = 3 * 1_024 * 1_024;

interface Operation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: readonly string[];
  readonly from: readonly string[];
  /** Undefined where the operation has none. */
  readonly value: JsonValue | undefined;
}

/**
 * Applies a patch to a copy of the document.
 * @throws StatusError 400 for a malformed patch, 413 above the limits, 422 for an operation that cannot be done
 */
export function applyJsonPatch(document: JsonValue, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch is a list of operations");
  if (patch.length > maxJsonPatchOperations) {
    throw requestEntityTooLargeFor(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  const operations = patch.map(parseOperation);
  // The root stands in a holder, so that it can be replaced like anything else.
  const holder: JsonObject = { root: cloneJson(document) };
  let copiedBytes = 0;
  for (const operation of operations) {
    if (operation.op === "copy") {
      const value = read(holder, operation.from, "copy");
      copiedBytes += Buffer.byteLength(writeJson(value));
      if (copiedBytes > maxCopiedBytes) {
        throw requestEntityTooLargeFor(`copy operations may add ${maxCopiedBytes} bytes to the document`);
      }
      add(holder, operation.path, cloneJson(value));
    } else perform(holder, operation);
  }
  return holder.root as JsonValue;
}

function perform(holder: JsonObject, { op, path, from, value }: Operation): void {
  switch (op) {
    case "add":
      add(holder, path, value as JsonValue);
      return;
    case "remove":
      remove(holder, path);
      return;
    case "replace":
      read(holder, path, "replace");
      replace(holder, path, value as JsonValue);
      return;
    case "move": {
      if (path.length > from.length && from.every((segment, index) => path[index] === segment)) {
        throw impossible(`move operation cannot move ${pointer(from)} into itself`);
      }
      const moved = read(holder, from, "move");
      remove(holder, from);
      add(holder, path, moved);
      return;
    }
    case "test": {
      const found = find(holder, path);
      // Upstream takes a missing value and null for the same.
      if (!jsonEqual(found ?? null, value ?? null))
        throw impossible(`testing value ${pointer(path)} failed: test failed`);
      return;
    }
    default:
  }
}

const withValue: readonly string[] = ["add", "replace", "test"];
const withFrom: readonly string[] = ["move", "copy"];

function parseOperation(operation: JsonValue): Operation {
  if (!isJsonObject(operation)) throw badRequest("error decoding patch: an operation is an object");
  const op = getOwn(operation, "op");
  if (typeof op !== "string" || ![...withValue, ...withFrom, "remove"].includes(op)) {
    throw badRequest(`error decoding patch: unexpected kind: ${writeJson(op ?? "unknown")}`);
  }
  const value = getOwn(operation, "value");
  if (withValue.includes(op) && value === undefined && op !== "test") {
    throw badRequest(`error decoding patch: operation ${op} has no value`);
  }
  return {
    op: op as Operation["op"],
    path: parsePointer(getOwn(operation, "path"), "path"),
    from: withFrom.includes(op) ? parsePointer(getOwn(operation, "from"), "from") : [],
    value,
  };
}

function parsePointer(text: JsonValue | undefined, field: string): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw badRequest(`error decoding patch: ${field} is not a JSON pointer: ${writeJson(text ?? null)}`);
  }
  const segments = text.split("/").slice(1);
  return ["root", ...segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"))];
}

const pointer = (path: readonly string[]): string => `/${path.slice(1).join("/")}`;
const impossible = (why: string): StatusError => invalidPatch(why);

/** The container that holds the last segment. */
function parent(holder: JsonObject, path: readonly string[]): JsonObject | JsonValue[] {
  const container = find(holder, path.slice(0, -1), holder);
  if (Array.isArray(container) || isJsonObject(container)) return container;
  throw impossible(`add operation does not apply: doc is missing path: ${pointer(path)}: missing value`);
}

function find(holder: JsonObject, path: readonly string[], start: JsonValue = holder): JsonValue | undefined {
  let value: JsonValue | undefined = start;
  for (const segment of path) {
    if (Array.isArray(value)) value = value[arrayIndex(segment, value.length - 1)];
    else if (isJsonObject(value)) value = getOwn(value, segment);
    else return undefined;
  }
  return value;
}

function read(holder: JsonObject, path: readonly string[], op: string): JsonValue {
  const value = find(holder, path);
  if (value === undefined)
    throw impossible(`${op} operation does not apply: doc is missing key: ${pointer(path)}`);
  return value;
}

function add(holder: JsonObject, path: readonly string[], value: JsonValue): void {
  const container = parent(holder, path);
  const segment = path.at(-1) as string;
  if (!Array.isArray(container)) setOwn(container, segment, value);
  else if (segment === "-") container.push(value);
  else {
    const index = arrayIndex(segment, container.length);
    if (index < 0) throw impossible(`add operation does not apply: invalid index: ${segment}`);
    container.splice(index, 0, value);
  }
}

function replace(holder: JsonObject, path: readonly string[], value: JsonValue): void {
  const container = parent(holder, path);
  const segment = path.at(-1) as string;
  if (Array.isArray(container)) container[arrayIndex(segment, container.length - 1)] = value;
  else setOwn(container, segment, value);
}

function remove(holder: JsonObject, path: readonly string[]): void {
  read(holder, path, "remove");
  if (path.length === 1)
    throw impossible("remove operation does not apply: the document itself cannot be removed");
  const container = parent(holder, path);
  const segment = path.at(-1) as string;
  if (Array.isArray(container)) container.splice(arrayIndex(segment, container.length - 1), 1);
  else delete container[segment];
}

/** An index up to `last`, or -1. Leading zeros and signs are none. */
function arrayIndex(segment: string, last: number): number {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(segment)) return -1;
  const index = Number(segment);
  return index <= last ? index : -1;
}

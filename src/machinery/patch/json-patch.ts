/**
 * JSON patch (RFC 6902) with the habits of evanphx/json-patch v4, which Kubernetes uses: negative indices count from the end,
 * `replace` of a missing member adds it, a missing member tests and copies as null, an empty path can only be tested or
 * replaced.
 */
import { badRequest, invalidPatch, requestEntityTooLargeFor } from "#machinery/errors/errors.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { maxJsonDepth } from "#machinery/json/limits.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import {
  type Container,
  containerOf,
  existingIndex,
  insertionIndex,
  isContainer,
  memberOf,
  pointerParts,
} from "#machinery/patch/json-pointer.ts";

/** More operations are answered with 413. */
export const maxJsonPatchOperations = 10_000;
/** Bytes that `copy` operations may add in all. */
export const maxCopiedBytes = 3 * 1_024 * 1_024;
/**
 * Elements that inserting into and removing from arrays may move in all, and values that are visited to check the depth. A patch
 * is one turn of the event loop: this many take some tens of milliseconds.
 */
export const maxJsonPatchWork = 20_000_000;

/**
 * The patched document; `current` is not changed. Throws StatusError: 400 for what is no patch, 413 for too many operations, 422
 * for an operation that cannot be done.
 */
export function applyJsonPatch(current: JsonValue, patch: JsonValue): JsonValue {
  if (patch === null) return cloneJson(current);
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch is an array of operations");
  if (patch.length > maxJsonPatchOperations) {
    throw requestEntityTooLargeFor(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  const patcher = new Patcher(cloneJson(current));
  for (const operation of patch) {
    if (!isJsonObject(operation))
      throw badRequest("error decoding patch: an operation of a JSON patch is an object");
    patcher.apply(operation);
  }
  return patcher.document;
}

class Patcher {
  document: JsonValue;
  #copied = 0;
  #work = 0;
  /** The document is at most this deep. */
  #depth: number;

  constructor(document: JsonValue) {
    this.document = document;
    this.#depth = maxJsonDepth;
    this.#depth = this.#measure(document);
  }

  apply(operation: JsonObject): void {
    const kind = getOwn(operation, "op");
    switch (kind) {
      case "add":
        this.#add(pathOf(operation, "path"), cloneJson(givenValue(operation)), kind);
        return;
      case "remove":
        this.#remove(pathOf(operation, "path"), kind);
        return;
      case "replace":
        this.#replace(pathOf(operation, "path"), cloneJson(givenValue(operation)));
        return;
      case "move":
        this.#move(pathOf(operation, "from"), pathOf(operation, "path"));
        return;
      case "copy":
        this.#copy(pathOf(operation, "from"), pathOf(operation, "path"));
        return;
      case "test":
        this.#test(pathOf(operation, "path"), getOwn(operation, "value") ?? null);
        return;
      default:
        throw invalidPatch(`Unexpected kind: ${typeof kind === "string" ? kind.slice(0, 64) : "unknown"}`);
    }
  }

  #add(path: string, value: JsonValue, kind: string, depth?: number): void {
    const parts = pointerParts(path);
    const container = this.#container(parts, path, kind);
    const part = parts.at(-1)!;
    if (Array.isArray(container)) {
      const index = insertionIndex(container, part);
      this.#spend(container.length - index);
      container.splice(index, 0, value);
    } else setOwn(container, part, value);
    this.#deepen(parts.length + (depth ?? this.#measure(value)));
  }

  #remove(path: string, kind: string): JsonValue {
    const parts = pointerParts(path);
    const container = this.#container(parts, path, kind);
    const part = parts.at(-1)!;
    if (Array.isArray(container)) {
      const index = existingIndex(container, part);
      this.#spend(container.length - index);
      return container.splice(index, 1)[0]!;
    }
    const value = getOwn(container, part);
    if (value === undefined)
      throw invalidPatch(`Unable to remove nonexistent key: ${shown(part)}: missing value`);
    delete container[part];
    return value;
  }

  #replace(path: string, value: JsonValue): void {
    const parts = pointerParts(path);
    if (path === "") {
      if (!isContainer(value)) throw invalidPatch("replace operation value must be object or array");
      this.document = value;
      this.#depth = this.#measure(value);
      return;
    }
    const container = this.#container(parts, path, "replace");
    const part = parts.at(-1)!;
    if (Array.isArray(container)) container[existingIndex(container, part)] = value;
    else setOwn(container, part, value);
    this.#deepen(parts.length + this.#measure(value));
  }

  #move(from: string, path: string): void {
    const depth = this.#depthBelow(from);
    this.#add(path, this.#remove(from, "move"), "move", depth);
  }

  #copy(from: string, path: string): void {
    const parts = pointerParts(from);
    const value = memberOf(this.#container(parts, from, "copy"), parts.at(-1)!) ?? null;
    const depth = this.#depthBelow(from);
    this.#copied += Buffer.byteLength(writeJson(value));
    if (this.#copied > maxCopiedBytes) {
      throw invalidPatch(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${maxCopiedBytes}`,
      );
    }
    this.#add(path, cloneJson(value), "copy", depth);
  }

  #test(path: string, expected: JsonValue): void {
    const parts = pointerParts(path);
    const actual =
      path === "" ? this.document : (memberOf(this.#container(parts, path, "test"), parts.at(-1)!) ?? null);
    if (!jsonEqual(actual, expected)) throw invalidPatch(`testing value ${shown(path)} failed: test failed`);
  }

  #container(parts: readonly string[], path: string, kind: string): Container {
    const container = containerOf(this.document, parts);
    if (container === undefined) {
      throw invalidPatch(
        `${kind} operation does not apply: doc is missing path: "${shown(path)}": missing value`,
      );
    }
    return container;
  }

  /** A bound for the depth of the value at a path, without visiting it. */
  #depthBelow(path: string): number {
    return Math.max(this.#depth - pointerParts(path).length, 0);
  }

  /** The document may have become this deep: when that is too much, look closely. */
  #deepen(depth: number): void {
    if (depth <= this.#depth) return;
    this.#depth = depth > maxJsonDepth ? this.#measure(this.document) : depth;
  }

  /** The exact depth of a value. */
  #measure(value: JsonValue, level = 0): number {
    this.#spend(1);
    if (!isContainer(value)) return 0;
    if (level >= maxJsonDepth) throw invalidPatch("the patched document is nested too deep");
    let deepest = 0;
    const members = Array.isArray(value) ? value : Object.values(value);
    for (const member of members) deepest = Math.max(deepest, this.#measure(member, level + 1));
    return deepest + 1;
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work > maxJsonPatchWork) throw invalidPatch("the patch takes too much work");
  }
}

function pathOf(operation: JsonObject, field: "path" | "from"): string {
  const path = getOwn(operation, field);
  if (typeof path !== "string") throw invalidPatch(`operation missing ${field} field: missing value`);
  return path;
}

function givenValue(operation: JsonObject): JsonValue {
  const value = getOwn(operation, "value");
  if (value === undefined) throw invalidPatch("operation, missing value field: missing value");
  return value;
}

/** Paths come from the client: only their beginning goes into messages. */
const shown = (text: string): string => (text.length > 256 ? `${text.slice(0, 256)}...` : text);

/**
 * JSON patch (RFC 6902) with the habits of evanphx/json-patch v4, which Kubernetes uses: negative indices count from the end,
 * `replace` of a missing member adds it, a missing member and a missing value are null, an empty path can only be tested or
 * replaced.
 */
import { byteLength } from "#base/bytes.ts";
import { invalidPatch } from "#machinery/errors/errors.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { maxJsonDepth } from "#machinery/json/limits.ts";
import { getOwn, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import { jsonKind, jsonPatchOperations } from "#machinery/patch/json-patch-operations.ts";
import {
  type Container,
  containerOf,
  existingIndex,
  insertionIndex,
  isContainer,
  memberOf,
  PointerError,
  pointerParts,
} from "#machinery/patch/json-pointer.ts";

/** Bytes that `copy` operations may add in all. */
const maxCopiedBytes = 3 * 1_024 * 1_024;
/**
 * Elements that inserting into and removing from arrays may move in all, and values that are visited to check the depth. A patch
 * is one turn of the event loop: this many take some tens of milliseconds.
 */
const maxJsonPatchWork = 20_000_000;

/**
 * The patched document; `current` is not changed. Throws StatusError: 400 for what is no patch, 413 for too many operations, 422
 * for an operation that cannot be done.
 */
export function applyJsonPatch(current: JsonValue, patch: JsonValue): JsonValue {
  const operations = jsonPatchOperations(patch);
  const patcher = new Patcher(cloneJson(current));
  for (const operation of operations) patcher.apply(operation);
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
        this.#add(operation);
        return;
      case "remove":
        this.#remove(operation);
        return;
      case "replace":
        this.#replace(operation);
        return;
      case "move":
        this.#move(operation);
        return;
      case "copy":
        this.#copy(operation);
        return;
      case "test":
        this.#test(operation);
        return;
      default:
        throw invalidPatch(`Unexpected kind: ${typeof kind === "string" ? kind.slice(0, 64) : "unknown"}`);
    }
  }

  #add(operation: JsonObject): void {
    const path = pathOf(operation, "path", () => `add operation failed to decode path: ${missing}`);
    const value = cloneJson(givenValue(operation));
    const target = this.#find(path, `add operation does not apply: doc is missing path: "${shown(path)}"`);
    doing(`error in add for path: '${shown(path)}'`, () => this.#insert(target, value, this.#measure(value)));
  }

  #remove(operation: JsonObject): void {
    const path = pathOf(operation, "path", () => `remove operation failed to decode path: ${missing}`);
    const target = this.#find(path, `remove operation does not apply: doc is missing path: "${shown(path)}"`);
    doing(`error in remove for path: '${shown(path)}'`, () => this.#cut(target));
  }

  #replace(operation: JsonObject): void {
    const path = pathOf(operation, "path", (why) => `replace operation failed to decode path: ${why}`);
    const value = cloneJson(givenValue(operation));
    if (path === "") {
      // Go prints that no cause was given for this error.
      if (!isContainer(value))
        throw invalidPatch("replace operation value must be object or array: %!w(<nil>)");
      this.document = value;
      this.#depth = this.#measure(value);
      return;
    }
    const { container, part, depth } = this.#find(
      path,
      `replace operation does not apply: doc is missing path: ${shown(path)}`,
    );
    if (Array.isArray(container)) {
      try {
        container[existingIndex(container, part)] = value;
      } catch (error) {
        if (!(error instanceof PointerError)) throw error;
        throw invalidPatch(
          `replace operation does not apply: doc is missing key: ${shown(path)}: ${missing}`,
        );
      }
    } else setOwn(container, part, value);
    this.#deepen(depth + this.#measure(value));
  }

  #move(operation: JsonObject): void {
    const from = pathOf(operation, "from", (why) => `move operation failed to decode from: ${why}`);
    const source = this.#find(
      from,
      `move operation does not apply: doc is missing from path: ${shown(from)}`,
    );
    const depth = this.#depthBelow(source.depth);
    const value = doing(`error in move for path: '${shown(source.part)}'`, () => this.#cut(source));
    const path = pathOf(operation, "path", (why) => `move operation failed to decode path: ${why}`);
    const target = this.#find(
      path,
      `move operation does not apply: doc is missing destination path: ${shown(path)}`,
    );
    doing(`error in move for path: '${shown(path)}'`, () => this.#insert(target, value, depth));
  }

  #copy(operation: JsonObject): void {
    const from = pathOf(operation, "from", (why) => `copy operation failed to decode from: ${why}`);
    const source = this.#find(
      from,
      `copy operation does not apply: doc is missing from path: ${shown(from)}`,
    );
    const value = doing(
      `error in copy for from: '${shown(from)}'`,
      () => memberOf(source.container, source.part) ?? null,
    );
    const path = pathOf(operation, "path", () => `copy operation failed to decode path: ${missing}`);
    const target = this.#find(
      path,
      `copy operation does not apply: doc is missing destination path: ${shown(path)}`,
    );
    if (value !== null) this.#copied += byteLength(goJson(value));
    if (this.#copied > maxCopiedBytes) {
      throw invalidPatch(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${maxCopiedBytes}`,
      );
    }
    const depth = this.#depthBelow(source.depth);
    doing("error while adding value during copy", () => this.#insert(target, cloneJson(value), depth));
  }

  #test(operation: JsonObject): void {
    const path = pathOf(operation, "path", (why) => `test operation failed to decode path: ${why}`);
    let actual: JsonValue = this.document;
    if (path !== "") {
      const { container, part } = this.#find(
        path,
        `test operation does not apply: is missing path: ${shown(path)}`,
      );
      actual = doing(`error in test for path: '${shown(path)}'`, () => memberOf(container, part) ?? null);
    }
    if (!jsonEqual(actual, givenValue(operation)))
      throw invalidPatch(`testing value ${shown(path)} failed: test failed`);
  }

  #find(path: string, complaint: string): Target {
    const parts = pointerParts(path);
    const container = containerOf(this.document, parts);
    if (container === undefined) throw invalidPatch(`${complaint}: ${missing}`);
    return { container, part: parts.at(-1)!, depth: parts.length };
  }

  #insert({ container, part, depth }: Target, value: JsonValue, valueDepth: number): void {
    if (Array.isArray(container)) {
      const index = insertionIndex(container, part);
      this.#spend(container.length - index);
      container.splice(index, 0, value);
    } else setOwn(container, part, value);
    this.#deepen(depth + valueDepth);
  }

  #cut({ container, part }: Target): JsonValue {
    if (Array.isArray(container)) {
      const index = existingIndex(container, part);
      this.#spend(container.length - index);
      return container.splice(index, 1)[0]!;
    }
    const value = getOwn(container, part);
    if (value === undefined)
      throw new PointerError(`Unable to remove nonexistent key: ${shown(part)}: ${missing}`);
    delete container[part];
    return value;
  }

  /** A bound for the depth of a value so far down, without visiting it. */
  #depthBelow(level: number): number {
    return Math.max(this.#depth - level, 0);
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

/** Where an operation takes place. */
interface Target {
  readonly container: Container;
  readonly part: string;
  /** How many parts its pointer has. */
  readonly depth: number;
}

const missing = "missing value";

/** Carries out a step; what is wrong with a pointer is told after what was being done. */
function doing<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof PointerError) throw invalidPatch(`${what}: ${error.message}`);
    throw error;
  }
}

function pathOf(operation: JsonObject, field: "path" | "from", complaint: (why: string) => string): string {
  const path = getOwn(operation, field) ?? null;
  if (typeof path === "string") return path;
  throw invalidPatch(
    complaint(
      path === null
        ? `operation${field === "from" ? "," : ""} missing ${field} field: ${missing}`
        : `json: cannot unmarshal ${jsonKind(path)} into Go value of type string`,
    ),
  );
}

/** A value that is not given is null, as upstream takes it. */
const givenValue = (operation: JsonObject): JsonValue => getOwn(operation, "value") ?? null;

/** Paths come from the client: only their beginning goes into messages. */
const shown = (text: string): string => (text.length > 256 ? `${text.slice(0, 256)}...` : text);

/** JSON pointers as evanphx/json-patch, which Kubernetes uses, reads them. */
import { invalidPatch } from "#machinery/errors/errors.ts";
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
      node = index === undefined ? undefined : node[index < 0 ? index + node.length : index];
    } else node = isJsonObject(node) ? getOwn(node, part) : undefined;
  }
  return isContainer(node) ? node : undefined;
}

/** A member of a container; undefined when it is not there. Throws for what is no index of an array. */
export function memberOf(container: Container, part: string): JsonValue | undefined {
  return Array.isArray(container) ? container[existingIndex(container, part)] : getOwn(container, part);
}

/** The index of an element that exists. Negative ones count from the end. */
export function existingIndex(list: readonly JsonValue[], part: string): number {
  const index = indexOf(part);
  if (index >= list.length || index < -list.length) throw invalidIndex(index);
  return index < 0 ? index + list.length : index;
}

/** The place where a new element goes: `-` is the end, and negative ones count from behind it. */
export function insertionIndex(list: readonly JsonValue[], part: string): number {
  if (part === "-") return list.length;
  const index = indexOf(part);
  if (index > list.length || index < -(list.length + 1)) throw invalidIndex(index);
  return index < 0 ? index + list.length + 1 : index;
}

const invalidIndex = (index: number): Error =>
  invalidPatch(`Unable to access invalid index: ${index}: invalid index referenced`);

function indexOf(part: string): number {
  const index = parseIndex(part);
  if (index === undefined) throw invalidPatch(`value was not a proper array index: '${part.slice(0, 256)}'`);
  return index;
}

const parseIndex = (part: string): number | undefined =>
  /^[+-]?[0-9]{1,15}$/.test(part) ? Number(part) : undefined;

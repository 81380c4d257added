/**
 * Removing what a schema does not know (apiextensions-apiserver pkg/apiserver/schema/pruning), and nulls that it neither
 * allows nor defaults (schema/defaulting/prunenulls.go). In place; what is clean is only looked at.
 */
import { compareBytes } from "#base/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { flags, type SchemaNode } from "./node.ts";

const isMetaField = (key: string): boolean => key === "apiVersion" || key === "kind" || key === "metadata";

/** True when {@link prune} and {@link pruneNulls} would leave the object as it is. */
export function isClean(object: JsonObject, schema: SchemaNode): boolean {
  return clean(object, schema, true, schema.has(flags.preserve));
}

/** `preserving`: unknown keys of this value stay. */
function clean(
  value: JsonValue,
  schema: SchemaNode | undefined,
  isRoot: boolean,
  preserving: boolean,
): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) {
    const items = schema?.items;
    if (items === undefined && preserving) return true;
    for (const item of value) {
      if (!clean(item, items, false, preserving || (items?.has(flags.preserve) ?? false))) return false;
    }
    return true;
  }
  if (!isJsonObject(value)) return true;
  if (schema === undefined) {
    if (preserving) return true;
    for (const _ in value) return false;
    return true;
  }
  const keepsMeta = isRoot || schema.has(flags.embedded);
  const { additional, nodes } = schema;
  let next = 0;
  for (const key in value) {
    const at = schema.position(key, next);
    let child: SchemaNode | undefined;
    if (at !== undefined) {
      child = nodes[at];
      next = at + 1;
    } else {
      if (keepsMeta && isMetaField(key)) continue;
      if (additional === undefined) {
        if (!preserving) return false;
        continue;
      }
      if (typeof additional === "object") child = additional;
    }
    const inner = value[key]!;
    if (inner === null) {
      if (child !== undefined && !child.has(flags.nullable) && child.default === undefined) return false;
    } else if (typeof inner === "object") {
      // Metadata is not pruned here, but its nulls are.
      const meta = keepsMeta && isMetaField(key);
      if (!clean(inner, child, false, meta || (child?.has(flags.preserve) ?? false))) return false;
    }
  }
  return true;
}

/** Removes unknown fields; answers their paths, sorted. The root's and embedded resources' own three fields stay. */
export function prune(value: JsonValue, schema: SchemaNode | undefined, isRoot: boolean): string[] {
  const unknown: string[] = [];
  pruneValue(value, schema, isRoot, "", unknown);
  return unknown.sort(compareBytes);
}

function pruneValue(
  value: JsonValue,
  schema: SchemaNode | undefined,
  isRoot: boolean,
  path: string,
  unknown: string[],
): void {
  if (typeof value !== "object" || value === null) return;
  if (schema?.has(flags.preserve) === true) {
    pruneBelow(value, schema, isRoot, path, unknown);
    return;
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++)
      pruneValue(value[i]!, schema?.items, false, `${path}[${i}]`, unknown);
    return;
  }
  if (!isJsonObject(value)) return;
  const keepsMeta = isRoot || (schema?.has(flags.embedded) ?? false);
  for (const key of Object.keys(value)) {
    if (keepsMeta && isMetaField(key)) continue;
    const child = schema?.property(key);
    const at = path === "" ? key : `${path}.${key}`;
    if (child !== undefined) pruneValue(value[key]!, child, false, at, unknown);
    else if (schema?.additional !== undefined) {
      const { additional } = schema;
      pruneValue(value[key]!, typeof additional === "object" ? additional : undefined, false, at, unknown);
    } else {
      if (!isMetaField(key) || path !== "") unknown.push(at);
      delete value[key];
    }
  }
}

/** Unknown fields of the value itself stay; what the schema knows is pruned by it. */
function pruneBelow(
  value: JsonValue,
  schema: SchemaNode | undefined,
  isRoot: boolean,
  path: string,
  unknown: string[],
): void {
  if (schema === undefined || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++)
      pruneBelow(value[i]!, schema.items, false, `${path}[${i}]`, unknown);
    return;
  }
  if (!isJsonObject(value)) return;
  const keepsMeta = isRoot || schema.has(flags.embedded);
  for (const key of Object.keys(value)) {
    if (keepsMeta && isMetaField(key)) continue;
    const at = path === "" ? key : `${path}.${key}`;
    const child = schema.property(key);
    if (child !== undefined) pruneValue(value[key]!, child, false, at, unknown);
    else if (schema.additional !== undefined) {
      const { additional } = schema;
      pruneValue(value[key]!, typeof additional === "object" ? additional : undefined, false, at, unknown);
    }
  }
}

/** Removes nulls that are neither nullable nor defaulted. Items of lists stay. */
export function pruneNulls(value: JsonValue, schema: SchemaNode | undefined): void {
  if (schema === undefined || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(item, schema.items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const key of Object.keys(value)) {
    const child = schema.child(key);
    if (child === undefined) continue;
    const inner = value[key]!;
    if (inner === null && !child.has(flags.nullable) && child.default === undefined) delete value[key];
    else pruneNulls(inner, child);
  }
}

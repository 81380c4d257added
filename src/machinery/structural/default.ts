/** Structural defaults (apiextensions-apiserver pkg/apiserver/schema/defaulting/algorithm.go). */
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { flags, type SchemaNode } from "./node.ts";

/**
 * Fills in defaults below a value, in place: missing keys, and nulls that the schema does not allow (which become null again where
 * it has no default for them). Defaults inside a defaulted value apply too.
 */
export function applyDefaults(value: JsonValue, schema: SchemaNode | undefined): void {
  if (schema === undefined || typeof value !== "object" || value === null) return;
  if (!schema.has(flags.defaultsBelow)) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (let i = 0; i < value.length; i++) {
      if (value[i] === null && items.default !== undefined && !items.has(flags.nullable)) {
        value[i] = cloneJson(items.default);
      }
      applyDefaults(value[i]!, items);
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const { names, nodes, additional } = schema;
  for (let i = 0; i < names.length; i++) {
    const node = nodes[i]!;
    if (node.default === undefined && !node.has(flags.defaultsBelow)) continue;
    const name = names[i]!;
    let present = Object.hasOwn(value, name) ? value[name] : undefined;
    if (
      node.default !== undefined &&
      (present === undefined || (present === null && !node.has(flags.nullable)))
    ) {
      present = cloneJson(node.default);
      setOwn(value, name, present);
    }
    if (present !== undefined) applyDefaults(present, node);
  }
  if (typeof additional !== "object") return;
  if (additional.default === undefined && !additional.has(flags.defaultsBelow)) return;
  for (const key of Object.keys(value)) {
    if (schema.property(key) !== undefined) continue;
    if (value[key] === null && additional.default !== undefined && !additional.has(flags.nullable)) {
      setOwn(value, key, cloneJson(additional.default));
    }
    applyDefaults(value[key]!, additional);
  }
}

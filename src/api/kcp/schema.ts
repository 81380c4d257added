/**
 * Nodes as a CustomResourceDefinition's schema would give them: kcp serves its kinds as custom resources, so what a user
 * writes stays written, zero values included, and nothing is added but defaults.
 */
import type { JsonValue } from "#machinery/json/value.ts";
import type { Field, ListSchema, MapSchema, ObjectSchema, Schema } from "#machinery/schema/types.ts";

export const text: Schema = { kind: "string" };
export const time: Schema = { kind: "string", format: "time" };
export const boolean: Schema = { kind: "boolean" };
export const listOf = (items: Schema): ListSchema => ({ kind: "list", items });
export const mapOf = (values: Schema): MapSchema => ({ kind: "map", values });
export const oneOf = (...values: string[]): Schema => ({ kind: "string", enum: values });
export const withDefault = (schema: Schema, value: JsonValue): Schema => ({ ...schema, default: value });

/** An object with these fields; `required` names those that must be present. */
export function object(
  fields: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): ObjectSchema {
  const map = new Map<string, Field>();
  for (const [name, schema] of Object.entries(fields)) {
    map.set(name, {
      name,
      schema,
      omitEmpty: true,
      pointer: true,
      ...(required.includes(name) && { required: true }),
    });
  }
  return { kind: "object", fields: map };
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** A kind: type and object metadata around spec and status. */
export function kindOf(spec: Schema, status: Schema, required: readonly string[] = []): ObjectSchema {
  const { fields } = object({ apiVersion: text, kind: text, spec, status }, required);
  const all = new Map<string, Field>();
  for (const name of ["apiVersion", "kind"]) all.set(name, { name, schema: text, omitEmpty: true });
  all.set("metadata", { name: "metadata", schema: { kind: "ref", ref: `${meta}.ObjectMeta` } });
  for (const name of ["spec", "status"]) all.set(name, fields.get(name)!);
  return { kind: "object", fields: all };
}

/** The list of a kind. */
export function listKind(item: string): ObjectSchema {
  const all = new Map<string, Field>();
  for (const name of ["apiVersion", "kind"]) all.set(name, { name, schema: text, omitEmpty: true });
  all.set("metadata", { name: "metadata", schema: { kind: "ref", ref: `${meta}.ListMeta` } });
  all.set("items", { name: "items", schema: listOf({ kind: "ref", ref: item }), required: true });
  return { kind: "object", fields: all };
}

/** `LogicalClusterPhaseType` of core.kcp.io/v1alpha1, which Workspace shares. */
export const phase: Schema = withDefault(
  oneOf("Scheduling", "Initializing", "Ready", "Unavailable", "Inactive", "Terminating", "Deleting"),
  "Scheduling",
);

/** kcp's own condition type: like meta/v1's, with `severity` and without `observedGeneration`. */
export const conditions: Schema = listOf(
  object(
    { type: text, status: text, severity: text, lastTransitionTime: time, reason: text, message: text },
    ["type", "status", "lastTransitionTime"],
  ),
);

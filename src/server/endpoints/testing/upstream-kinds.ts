/** Built-in kinds for comparisons with upstream, and what of their objects can be compared. */
import { isDeepStrictEqual } from "node:util";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { deref, type Schema, type TypeName } from "#machinery/schema/types.ts";
import type { ExpectedType } from "../decode-body.ts";

export const catalogue = loadCatalogue();
export const codecs = {
  protobuf: new ProtobufCodec(catalogue),
  compiler: new TypeCompiler(catalogue),
  yaml: { read: readYaml },
};

/** All that the oracle has Go types of. */
export const upstreamKinds: readonly ExpectedType[] = kubernetesResources()
  .flatMap(({ group, versions }) =>
    versions.map(({ version, kind, type }) => ({ group, version, kind, type })),
  )
  .filter(({ group }) => !/(^|\.)(kcp\.io|apiregistration\.k8s\.io)$/.test(group));

/**
 * An object of a type as it can be compared: lists, maps and bytes that are always written, or stand in a map, are `null` when they
 * are empty. Here they become so at once, upstream in the store (docs/differences.md).
 */
export const comparable = (object: JsonValue, type: TypeName): JsonValue =>
  emptied(object, { kind: "ref", ref: type });

function emptied(value: JsonValue, schema: Schema): JsonValue {
  const node = deref(schema, catalogue);
  if (Array.isArray(value))
    return node.kind === "list" ? value.map((item) => emptied(item, node.items)) : value;
  if (!isJsonObject(value)) return value;
  if (node.kind === "map")
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, orNull(emptied(member, node.values), node.values)]),
    );
  if (node.kind !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const field = node.fields.get(name);
      if (field === undefined) return [[name, member]];
      // An `items` that is neither a schema nor has any: null until it was stored, then none.
      if (field.schema.kind === "any" && field.schema.either !== undefined && isNothing(member)) return [];
      // The zero time behind a pointer is dropped at once.
      if (member === null && field.pointer === true && isTime(field.schema)) return [];
      const inner = emptied(member, field.schema);
      const always = field.pointer !== true && field.omitEmpty !== true;
      return [[name, always ? orNull(inner, field.schema) : inner]];
    }),
  );
}

const isTime = (schema: Schema): boolean =>
  schema.kind === "string" && (schema.format === "time" || schema.format === "micro-time");

const isNothing = (value: JsonValue): boolean =>
  value === null || (Array.isArray(value) && value.length === 0);

function orNull(value: JsonValue, schema: Schema): JsonValue {
  const node = deref(schema, catalogue);
  const isEmpty =
    node.kind === "list" || node.kind === "map"
      ? value !== null && Object.keys(value as object).length === 0
      : node.kind === "string" && node.format === "byte" && value === "";
  return isEmpty ? null : value;
}

/** Upstream shows an empty list of schemas as null, which is gone after its way through the store. */
export function differInNoSchemas(own: object, theirs: object): boolean {
  const bare = (told: object): unknown =>
    JSON.parse(JSON.stringify(told), (key, value) => (key === "items" && value === null ? undefined : value));
  return "object" in theirs && isDeepStrictEqual(bare(own), bare(theirs));
}

/**
 * Schemas of custom resources as both OpenAPI documents publish them (k8s.io/apiextensions-apiserver
 * pkg/controller/openapi/builder, pkg/apiserver/schema/kubeopenapi.go and unfold.go).
 */
import { jsonEqual } from "#machinery/json/equal.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { type CustomServed, versionOf } from "#server/endpoints/served-set.ts";
import { refTo } from "./schemas.ts";
import { type SchemaMaker, slicedSchema } from "./sliced.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const objectMetaType: TypeName = `${meta}.ObjectMeta`;
export const listMetaType: TypeName = `${meta}.ListMeta`;

/** `Foo` of example.com/v1 is `com.example.v1.Foo`. */
export const customTypeName = (group: string, version: string, kind: string): TypeName =>
  `${group.split(".").reverse().join(".")}.${version}.${kind}`;

/** Members that are published when they say something: not when false, empty or null. */
const plainMembers: readonly string[] = [
  "description",
  "type",
  "format",
  "title",
  "nullable",
  "exclusiveMaximum",
  "exclusiveMinimum",
  "pattern",
  "uniqueItems",
  "required",
  "externalDocs",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-validations",
];
/** Members that are published whatever their value. */
const exactMembers: readonly string[] = [
  "default",
  "example",
  "maximum",
  "minimum",
  "maxLength",
  "minLength",
  "maxItems",
  "minItems",
  "multipleOf",
  "maxProperties",
  "minProperties",
  "enum",
];
const junctors: readonly string[] = ["allOf", "anyOf", "oneOf"];
type MemberRule = "plain" | "exact" | "junctor" | "not";
const rules = new Map<string, MemberRule>([
  ...plainMembers.map((name) => [name, "plain"] as const),
  ...exactMembers.map((name) => [name, "exact"] as const),
  ...junctors.map((name) => [name, "junctor"] as const),
  ["not", "not"],
]);

const published: SchemaMaker = {
  whole(schema) {
    const out = publishedSchema(schema);
    addEmbedded(out, true);
    return out;
  },
  shape: publishedSchema,
  finish: (schema) => addEmbeddedHere(schema, true),
};

/** The schemas of a kind and of its list, by name; `undefined` where others may have their turn. */
export function* customSchemas(served: CustomServed): Generator<CustomEntry | undefined> {
  yield* yield* schemasOf(served, function* (schema) {
    const root = yield* slicedSchema(schema, published);
    addMembers(root);
    return root;
  });
}

export type CustomEntry = readonly [name: TypeName, schema: JsonObject];

/** The same from a root schema that was made ready for its document; undefined: nothing is known of the fields. */
export function* schemasOf(
  served: CustomServed,
  rootOf: (schema: JsonObject) => Generator<undefined, JsonObject | undefined>,
): Generator<undefined, readonly [kind: CustomEntry, list: CustomEntry]> {
  const { info, version, listKind } = served;
  const { kind } = versionOf(served);
  const schema = served.openApiSchema();
  yield;
  const root = (schema === undefined ? undefined : yield* rootOf(schema)) ?? { type: "object" };
  const name = customTypeName(info.group, version, kind);
  const selectable: JsonObject =
    served.selectableFields.length === 0
      ? {}
      : {
          "x-kubernetes-selectable-fields": served.selectableFields.map((path) => ({
            fieldPath: path.replace(/^\./, ""),
          })),
        };
  const marks = (of: string): JsonObject => ({
    "x-kubernetes-group-version-kind": [{ group: info.group, kind: of, version }],
    ...selectable,
  });
  return [
    [name, { ...root, ...marks(kind) }],
    [
      customTypeName(info.group, version, listKind),
      {
        description: `${listKind} is a list of ${kind}`,
        type: "object",
        properties: {
          apiVersion: { type: "string" },
          items: { type: "array", items: refTo(name) },
          kind: { type: "string" },
          metadata: { allOf: [refTo(listMetaType)] },
        },
        required: ["items"],
        ...marks(listKind),
      },
    ],
  ];
}

/** A structural schema as it is published, int-or-string unfolded. */
export function publishedSchema(schema: JsonObject): JsonObject {
  const out = values(schema);
  const items = getOwn(schema, "items");
  if (isJsonObject(items)) out.items = publishedSchema(items);
  const properties = getOwn(schema, "properties");
  if (isJsonObject(properties)) out.properties = mapMembers(properties, publishedSchema);
  const additional = getOwn(schema, "additionalProperties");
  if (isJsonObject(additional)) out.additionalProperties = publishedSchema(additional);
  else if (typeof additional === "boolean") out.additionalProperties = additional;
  if (out["x-kubernetes-int-or-string"] === true) unfold(out);
  return out;
}

/** A schema below a junctor: without additionalProperties, as upstream leaves them out. */
function nested(schema: JsonObject): JsonObject {
  const out = values(schema);
  const items = getOwn(schema, "items");
  if (isJsonObject(items)) out.items = nested(items);
  const properties = getOwn(schema, "properties");
  if (isJsonObject(properties)) out.properties = mapMembers(properties, nested);
  return out;
}

function values(schema: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    const rule = rules.get(name);
    if (rule === undefined || value === null) continue;
    if (rule === "exact") out[name] = value;
    else if (rule === "plain") {
      const says = value !== false && value !== "" && !(Array.isArray(value) && value.length === 0);
      if (says) out[name] = value;
    } else if (rule === "not") {
      if (isJsonObject(value)) out.not = nested(value);
    } else if (Array.isArray(value) && value.length > 0)
      out[name] = value.map((branch) => (isJsonObject(branch) ? nested(branch) : {}));
  }
  return out;
}

const intOrString: JsonValue[] = [{ type: "integer" }, { type: "string" }];

/** Says what int-or-string means unless the author already did. */
function unfold(schema: JsonObject): void {
  const { anyOf, allOf } = schema;
  if (anyOf === undefined) {
    const first = Array.isArray(allOf) ? allOf[0] : undefined;
    if (isJsonObject(first) && jsonEqual(getOwn(first, "anyOf"), intOrString)) return;
    schema.anyOf = intOrString;
  } else if (!jsonEqual(anyOf, intOrString)) {
    const first = Array.isArray(allOf) ? allOf[0] : undefined;
    if (isJsonObject(first) && jsonEqual(getOwn(first, "anyOf"), intOrString)) return;
    schema.allOf = [{ anyOf: intOrString }, ...(Array.isArray(allOf) ? allOf : [])];
  }
}

/**
 * Adds what every object has to embedded resources. Changes its argument.
 * @param embedsUnknown also those that keep unknown fields get the members. Swagger's do not, or kubectl would refuse the unknown
 */
export function addEmbedded(schema: JsonObject, embedsUnknown: boolean): void {
  const { items, properties, additionalProperties } = schema;
  if (isJsonObject(properties)) {
    for (const member of Object.values(properties)) addEmbedded(member as JsonObject, embedsUnknown);
  }
  if (isJsonObject(items)) addEmbedded(items, embedsUnknown);
  if (isJsonObject(additionalProperties)) addEmbedded(additionalProperties, embedsUnknown);
  addEmbeddedHere(schema, embedsUnknown);
}

/** {@link addEmbedded} without what is below. */
export function addEmbeddedHere(schema: JsonObject, embedsUnknown: boolean): void {
  if (schema["x-kubernetes-embedded-resource"] !== true) return;
  if (!embedsUnknown && schema["x-kubernetes-preserve-unknown-fields"] === true) return;
  addMembers(schema);
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  schema.required = [...required.add("kind").add("apiVersion")];
}

/** Their types are ours; what the author says about them stays. */
export function addMembers(schema: JsonObject): void {
  const properties: JsonObject = isJsonObject(schema.properties) ? schema.properties : {};
  const described = (name: string): JsonObject => {
    const own = getOwn(properties, name);
    const description = isJsonObject(own) ? getOwn(own, "description") : undefined;
    return description === undefined ? {} : { description };
  };
  schema.properties = Object.assign(properties, {
    apiVersion: { type: "string", ...described("apiVersion") },
    kind: { type: "string", ...described("kind") },
    metadata: { allOf: [refTo(objectMetaType)], ...described("metadata") },
  });
}

export function mapMembers(members: JsonObject, map: (member: JsonObject) => JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(members))
    setOwn(out, name, isJsonObject(member) ? map(member) : {});
  return out;
}

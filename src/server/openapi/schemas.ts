/** Catalogue nodes as OpenAPI v3 schemas, in the form that upstream publishes (kube-openapi's builder). */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { eitherName } from "#machinery/schema/either.ts";
import { publishedZero } from "#machinery/schema/scalars.ts";
import type {
  AnySchema,
  Field,
  ObjectSchema,
  ScalarSchema,
  Schema,
  TypeName,
} from "#machinery/schema/types.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const apiextensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";
const jsonType = `${apiextensions}.JSON`;
const schemaType = `${apiextensions}.JSONSchemaProps`;

/** Types that Go code describes itself. */
export const wellKnown: Readonly<Record<TypeName, JsonObject>> = {
  [`${meta}.Time`]: { type: "string", format: "date-time" },
  [`${meta}.MicroTime`]: { type: "string", format: "date-time" },
  [`${meta}.Duration`]: { type: "string" },
  [`${meta}.FieldsV1`]: { type: "object" },
  [`${meta}.Patch`]: { type: "object" },
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { oneOf: [{ type: "string" }, { type: "number" }] },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": { type: "object" },
  [jsonType]: {},
  ...Object.fromEntries(["Array", "Bool", "StringArray"].map((other) => [`${schemaType}Or${other}`, {}])),
};

const scalarRefs: Readonly<Record<string, TypeName>> = {
  time: `${meta}.Time`,
  "micro-time": `${meta}.MicroTime`,
  duration: `${meta}.Duration`,
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  "int-or-string": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
};

const anyRefs: Readonly<Record<string, TypeName>> = {
  "raw-extension": "io.k8s.apimachinery.pkg.runtime.RawExtension",
  "fields-v1": `${meta}.FieldsV1`,
  json: jsonType,
};

/** The named type of a value that is kept as it is, or reads itself. */
const anyName = ({ format, either }: AnySchema): TypeName | undefined =>
  either !== undefined ? eitherName(either) : format === undefined ? undefined : anyRefs[format];

export const refTo = (name: TypeName): JsonObject => ({ $ref: `#/components/schemas/${name}` });

/** The component of a struct. */
export function objectSchema(schema: ObjectSchema): JsonObject {
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const field of schema.fields.values()) {
    if (field.inline === true) continue;
    properties[field.name] = property(field);
    if (field.required === true) required.push(field.name);
  }
  return {
    type: "object",
    ...(schema.fields.size > 0 && { properties }),
    ...(required.length > 0 && { required }),
    ...(schema.atomic === true && { "x-kubernetes-map-type": "atomic" }),
  };
}

function property(field: Field): JsonObject {
  const { schema } = field;
  const fallback =
    schema.default ??
    zeroOf(schema, field.pointer === true, field.omitEmpty === true && field.zeroDefault !== true);
  const shape = valueSchema(schema);
  const ref = shape.$ref;
  return {
    // A reference has no siblings in OpenAPI 3.0; what is said about the field goes around it.
    ...(ref === undefined ? shape : { allOf: [shape] }),
    ...(fallback !== undefined && { default: fallback }),
    ...(field.patchStrategy !== undefined && {
      "x-kubernetes-patch-strategy": field.patchStrategy.join(","),
    }),
    ...(field.patchMergeKey !== undefined && { "x-kubernetes-patch-merge-key": field.patchMergeKey }),
  };
}

/** What Go holds in a field that no one set, where that is a value: the published documents call it the default. */
function zeroOf(schema: Schema, pointer: boolean, leftOut: boolean): JsonValue | undefined {
  if (pointer) return undefined;
  if (schema.kind === "ref") return {};
  if (leftOut) return undefined;
  return publishedZero(schema);
}

/** Items of lists and values of maps. */
function memberSchema(schema: Schema): JsonObject {
  if (schema.kind === "ref") return { allOf: [refTo(schema.ref)], default: {} };
  const zero = schema.default ?? publishedZero(schema);
  return { ...valueSchema(schema), ...(zero !== undefined && { default: zero }) };
}

function valueSchema(schema: Schema): JsonObject {
  switch (schema.kind) {
    case "ref":
      return refTo(schema.ref);
    case "any":
      return anyName(schema) === undefined ? {} : refTo(anyName(schema)!);
    case "object":
      return objectSchema(schema);
    case "map":
      return {
        type: "object",
        additionalProperties: memberSchema(schema.values),
        ...(schema.atomic === true && { "x-kubernetes-map-type": "atomic" }),
      };
    case "list":
      return {
        type: "array",
        items: memberSchema(schema.items),
        ...(schema.listType !== undefined && { "x-kubernetes-list-type": schema.listType }),
        ...(schema.listMapKeys !== undefined && { "x-kubernetes-list-map-keys": [...schema.listMapKeys] }),
      };
    default:
      return scalarSchema(schema);
  }
}

function scalarSchema(schema: ScalarSchema): JsonObject {
  const ref = schema.format === undefined ? undefined : scalarRefs[schema.format];
  if (ref !== undefined) return refTo(ref);
  return {
    type: schema.kind,
    ...(schema.format !== undefined && { format: schema.format }),
    ...(schema.enum !== undefined && { enum: [...schema.enum] }),
  };
}

/** Names of all types a schema mentions, one level deep. */
export function mentioned(schema: Schema): TypeName[] {
  switch (schema.kind) {
    case "ref":
      return [schema.ref];
    case "any":
      return anyName(schema) === undefined ? [] : [anyName(schema)!];
    case "object":
      return [...schema.fields.values()]
        .filter((field) => field.inline !== true)
        .flatMap((field) => mentioned(field.schema));
    case "map":
      return mentioned(schema.values);
    case "list":
      return mentioned(schema.items);
    default: {
      const ref = schema.format === undefined ? undefined : scalarRefs[schema.format];
      return ref === undefined ? [] : [ref];
    }
  }
}

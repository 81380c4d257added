/** CEL types of schemas, with the sizes that cost estimates need (k8s.io/apiserver/pkg/cel/common/schemas.go). */
import { getOwn, isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { escapeName } from "./escape.ts";
import { viewOf } from "./json-view.ts";
import {
  boolType,
  bytesType,
  type CelField,
  type CelJsonReading,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  maxRequestSizeBytes,
  stringType,
  structType,
  timestampType,
} from "./types.ts";
import type { CelResult } from "./values.ts";

export interface SchemaTypeOptions {
  /** The schema is that of a whole resource: apiVersion, kind and metadata's name and generateName are there. */
  readonly isResourceRoot: boolean;
  /** The name of the object type; those within are named after it. */
  readonly typeName?: string;
}

/** Bytes of the longest durations and times in JSON. */
const maxDurationSize = 32;
const maxDateTimeSize = 32;
const dateSize = 12;
const minDateTimeSize = 21;

/** The type of a structural schema, undefined when expressions cannot see such values. */
export function celTypeOfSchema(schema: JsonObject, options: SchemaTypeOptions): CelType | undefined {
  return typeOfSchema(schema, options.isResourceRoot, options.typeName ?? "object");
}

/** A view on JSON by its declared type; an error when the value does not have it. */
export function toCel(value: JsonValue, type: CelType): CelResult {
  return viewOf(value, type);
}

function typeOfSchema(schema: JsonObject, isRoot: boolean, name: string): CelType | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) {
    const length = sizeLimit(schema, "maxLength");
    const maxElements = length === undefined ? maxRequestSizeBytes - 2 : length * 4;
    return { ...dynType, maxElements, json: { intOrString: true, ...nullability(schema) } };
  }
  const type = typeWithoutNull(isRoot ? withTypeAndObjectMeta(schema) : schema, name);
  if (type === undefined) return undefined;
  return schema.nullable === true ? { ...type, json: { ...type.json, nullable: true } } : type;
}

function nullability(schema: JsonObject): CelJsonReading {
  return schema.nullable === true ? { nullable: true } : {};
}

function typeWithoutNull(schema: JsonObject, name: string): CelType | undefined {
  switch (schema.type) {
    case "array":
      return typeOfArray(schema, name);
    case "object":
      return typeOfObject(schema, name);
    case "string":
      return typeOfString(schema);
    case "boolean":
      return boolType;
    case "number":
      return doubleType;
    case "integer":
      return intType;
    default:
      return undefined;
  }
}

function typeOfArray(schema: JsonObject, name: string): CelType | undefined {
  const items = objectAt(schema, "items");
  const elements = items === undefined ? undefined : typeOfPart(items, `${name}.@idx`);
  if (elements === undefined) return undefined;
  const maxItems =
    sizeLimit(schema, "maxItems") ?? Math.trunc((maxRequestSizeBytes - 2) / (elements.minSerializedSize + 1));
  const type = listType(elements, maxItems);
  const kind = schema["x-kubernetes-list-type"];
  if (kind !== "set" && kind !== "map") return type;
  const keys = schema["x-kubernetes-list-map-keys"];
  const mapKeys = Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
  return { ...type, json: { listType: kind, mapKeys } };
}

function typeOfPart(schema: JsonObject, name: string): CelType | undefined {
  return typeOfSchema(schema, schema["x-kubernetes-embedded-resource"] === true, name);
}

function typeOfObject(schema: JsonObject, name: string): CelType | undefined {
  const additional = objectAt(schema, "additionalProperties");
  if (additional !== undefined) {
    const values = typeOfPart(additional, `${name}.@elem`);
    if (values === undefined) return undefined;
    const maxProperties =
      sizeLimit(schema, "maxProperties") ??
      Math.trunc((maxRequestSizeBytes - 2) / (values.minSerializedSize + 6));
    return mapType(stringType, values, maxProperties);
  }
  const requiredList = schema.required;
  const required = new Set(Array.isArray(requiredList) ? requiredList : []);
  const fields = new Map<string, CelField>();
  let minSerializedSize = 2;
  for (const [property, part] of Object.entries(objectAt(schema, "properties") ?? {})) {
    if (!isJsonObject(part)) continue;
    const fieldName = escapeName(property);
    const type = typeOfPart(part, `${name}.${fieldName ?? property}`);
    if (type === undefined) continue;
    const isRequired = required.has(property);
    if (fieldName !== undefined) fields.set(fieldName, { type, property, required: isRequired });
    if (isRequired && (getOwn(part, "default") ?? null) === null)
      minSerializedSize += Buffer.byteLength(property) + type.minSerializedSize + 4;
  }
  return structType(name, fields, minSerializedSize);
}

function typeOfString(schema: JsonObject): CelType {
  const length = sizeLimit(schema, "maxLength");
  switch (schema.format) {
    case "byte":
      return { ...bytesType, maxElements: length ?? maxRequestSizeBytes - 2, json: { format: "byte" } };
    case "duration":
      return { ...durationType, maxElements: maxDurationSize, json: { format: "duration" } };
    case "date":
      return { ...timestampType, maxElements: dateSize, json: { format: "date" } };
    case "date-time":
      return {
        ...timestampType,
        maxElements: maxDateTimeSize,
        minSerializedSize: minDateTimeSize,
        json: { format: "date-time" },
      };
  }
  if (length !== undefined) return { ...stringType, maxElements: length * 4 };
  const { enum: values } = schema;
  if (!Array.isArray(values) || values.length === 0)
    return { ...stringType, maxElements: maxRequestSizeBytes - 2 };
  const lengths = values.map((value) => (typeof value === "string" ? Buffer.byteLength(value) : 0));
  return { ...stringType, maxElements: Math.max(...lengths) };
}

const stringSchema: JsonObject = { type: "string" };

/** What every resource has, whatever its schema says. */
function withTypeAndObjectMeta(schema: JsonObject): JsonObject {
  return {
    ...schema,
    properties: {
      ...objectAt(schema, "properties"),
      kind: stringSchema,
      apiVersion: stringSchema,
      metadata: metadataSchema(objectAt(objectAt(schema, "properties") ?? {}, "metadata")),
    },
  };
}

function metadataSchema(declared: JsonObject | undefined): JsonObject {
  const properties = objectAt(declared ?? {}, "properties") ?? {};
  const isComplete =
    declared?.type === "object" &&
    objectAt(properties, "name")?.type === "string" &&
    objectAt(properties, "generateName")?.type === "string";
  if (isComplete) return declared;
  return { type: "object", properties: { name: stringSchema, generateName: stringSchema } };
}

function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = getOwn(object, key);
  return isJsonObject(value) ? value : undefined;
}

/** A limit of sizes, not below 0. */
function sizeLimit(schema: JsonObject, key: string): number | undefined {
  const value = getOwn(schema, key);
  if (typeof value === "number") return Math.max(value, 0);
  return isRawNumber(value) ? Math.max(Number(value.rawJSON), 0) : undefined;
}

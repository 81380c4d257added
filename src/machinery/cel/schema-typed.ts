/**
 * CEL types of schemas, with the sizes that cost estimates need (k8s.io/apiserver/pkg/cel/common/schemas.go). Types of fields are made
 * when they are asked for: a schema may have thousands, and its rules use few of them.
 */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { escapeName, unescapeName } from "./escape.ts";
import { jsonSchema } from "./json-schema.ts";
import { viewOf } from "./json-view.ts";
import {
  boolType,
  bytesType,
  type CelField,
  type CelFields,
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
  /**
   * For schemas as they are published: the type of the metadata of resources, by its name. Default: one with name and generateName,
   * where the schema has not both.
   */
  readonly metadata?: ((typeName: string) => CelType | undefined) | undefined;
}

/** Limits of sizes, none below 0. */
export type SizeLimit = "maxLength" | "maxItems" | "maxProperties";

/** What types need to know of a schema, in whatever form it is. */
export interface SchemaReader<S> {
  type(schema: S): string | undefined;
  format(schema: S): string | undefined;
  isIntOrString(schema: S): boolean;
  isNullable(schema: S): boolean;
  isEmbedded(schema: S): boolean;
  /** A default that is not null. */
  hasDefault(schema: S): boolean;
  limit(schema: S, name: SizeLimit): number | undefined;
  enum(schema: S): readonly JsonValue[] | undefined;
  listType(schema: S): CelJsonReading["listType"];
  mapKeys(schema: S): readonly string[];
  items(schema: S): S | undefined;
  /** The schema of additional properties, if they have one. */
  additional(schema: S): S | undefined;
  property(schema: S, name: string): S | undefined;
  required(schema: S): readonly string[];
}

/** Bytes of the longest durations and times in JSON. */
const maxDurationSize = 32;
const maxDateTimeSize = 32;
const dateSize = 12;
const minDateTimeSize = 21;

/** The type of a structural schema, undefined when expressions cannot see such values. */
export const celTypeOfSchema = (schema: JsonObject, options: SchemaTypeOptions): CelType | undefined =>
  celTypeOf(schema, jsonSchema, options);

/** The same for a schema in any form. */
export const celTypeOf = <S>(
  schema: S,
  reader: SchemaReader<S>,
  { isResourceRoot, typeName = "object", metadata }: SchemaTypeOptions,
): CelType | undefined => new SchemaTypes(reader, metadata).typeOf(schema, isResourceRoot, typeName);

/** A view on JSON by its declared type; an error when the value does not have it. */
export function toCel(value: JsonValue, type: CelType): CelResult {
  return viewOf(value, type);
}

class SchemaTypes<S> {
  readonly reader: SchemaReader<S>;
  readonly metadata: SchemaTypeOptions["metadata"];

  constructor(reader: SchemaReader<S>, metadata: SchemaTypeOptions["metadata"]) {
    this.reader = reader;
    this.metadata = metadata;
  }

  typeOf(schema: S, isResource: boolean, name: string): CelType | undefined {
    const { reader } = this;
    const nullable = reader.isNullable(schema) ? nullableReading : plainReading;
    // In published schemas the format says so, too.
    const isPublished = this.metadata !== undefined;
    if (reader.isIntOrString(schema) || (isPublished && reader.format(schema) === "int-or-string")) {
      const length = reader.limit(schema, "maxLength");
      const maxElements = length === undefined ? maxRequestSizeBytes - 2 : length * 4;
      return { ...dynType, maxElements, json: { intOrString: true, ...nullable } };
    }
    if (reader.type(schema) === "object" && reader.additional(schema) === undefined)
      return new ObjectType(this, schema, isResource, name, nullable);
    const type = this.#plain(schema, name);
    if (type === undefined || nullable === plainReading) return type;
    return { ...type, json: { ...type.json, nullable: true } };
  }

  /** Of a property, the items or the additional properties. */
  part(schema: S, name: string): CelType | undefined {
    return this.typeOf(schema, this.reader.isEmbedded(schema), name);
  }

  #plain(schema: S, name: string): CelType | undefined {
    switch (this.reader.type(schema)) {
      case "array":
        return this.#list(schema, name);
      case "object":
        return this.#map(schema, name);
      case "string":
        return this.#string(schema);
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

  #list(schema: S, name: string): CelType | undefined {
    const { reader } = this;
    const items = reader.items(schema);
    const elements = items === undefined ? undefined : this.part(items, `${name}.@idx`);
    if (elements === undefined) return undefined;
    const maxItems =
      reader.limit(schema, "maxItems") ??
      Math.trunc((maxRequestSizeBytes - 2) / (elements.minSerializedSize + 1));
    const type = listType(elements, maxItems);
    const kind = reader.listType(schema);
    if (kind !== "set" && kind !== "map") return type;
    return { ...type, json: { listType: kind, mapKeys: reader.mapKeys(schema) } };
  }

  #map(schema: S, name: string): CelType | undefined {
    const additional = this.reader.additional(schema);
    const values = additional === undefined ? undefined : this.part(additional, `${name}.@elem`);
    if (values === undefined) return undefined;
    const maxProperties =
      this.reader.limit(schema, "maxProperties") ??
      Math.trunc((maxRequestSizeBytes - 2) / (values.minSerializedSize + 6));
    return mapType(stringType, values, maxProperties);
  }

  #string(schema: S): CelType {
    const { reader } = this;
    const length = reader.limit(schema, "maxLength");
    switch (reader.format(schema)) {
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
    const values = reader.enum(schema);
    if (values === undefined || values.length === 0) return anyString;
    const lengths = values.map((value) => (typeof value === "string" ? Buffer.byteLength(value) : 0));
    return { ...stringType, maxElements: Math.max(...lengths) };
  }
}

const plainReading: CelJsonReading = {};
const nullableReading: CelJsonReading = { nullable: true };
const anyString: CelType = { ...stringType, maxElements: maxRequestSizeBytes - 2 };

/** The type of an object with properties. What every resource has is there whatever the schema says. */
class ObjectType<S> implements CelType, CelFields {
  readonly kind = "struct";
  readonly name: string;
  readonly maxElements = 0;
  readonly json: CelJsonReading;
  readonly #types: SchemaTypes<S>;
  readonly #schema: S;
  readonly #isResource: boolean;
  readonly #known = new Map<string, CelField>();
  #minSerializedSize: number | undefined;

  constructor(types: SchemaTypes<S>, schema: S, isResource: boolean, name: string, json: CelJsonReading) {
    this.#types = types;
    this.#schema = schema;
    this.#isResource = isResource;
    this.name = name;
    this.json = json;
  }

  get parameters(): readonly CelType[] {
    return none;
  }

  get fields(): CelFields {
    return this;
  }

  get minSerializedSize(): number {
    this.#minSerializedSize ??= this.#smallest();
    return this.#minSerializedSize;
  }

  get(name: string): CelField | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const property = unescapeName(name);
    const type = property === undefined ? undefined : this.#typeOf(property, name);
    if (property === undefined || type === undefined) return undefined;
    const required = this.#types.reader.required(this.#schema).includes(property);
    const field = { type, property, required };
    this.#known.set(name, field);
    return field;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** `name`: as expressions write it. */
  #typeOf(property: string, name: string): CelType | undefined {
    const standard = this.#standard(property);
    if (standard !== undefined) return standard;
    const part = this.#types.reader.property(this.#schema, property);
    return part === undefined ? undefined : this.#types.part(part, `${this.name}.${name}`);
  }

  #standard(property: string): CelType | undefined {
    if (!this.#isResource) return undefined;
    if (property === "kind" || property === "apiVersion") return anyString;
    if (property !== "metadata") return undefined;
    const { metadata } = this.#types;
    if (metadata !== undefined) return metadata(`${this.name}.metadata`);
    return this.#declaresMetadata() ? undefined : metadataType(this.name);
  }

  #declaresMetadata(): boolean {
    const { reader } = this.#types;
    const metadata = reader.property(this.#schema, "metadata");
    if (metadata === undefined || reader.type(metadata) !== "object") return false;
    return ["name", "generateName"].every((name) => {
      const part = reader.property(metadata, name);
      return part !== undefined && reader.type(part) === "string";
    });
  }

  #smallest(): number {
    const { reader } = this.#types;
    let size = 2;
    for (const property of new Set(reader.required(this.#schema))) {
      const type = this.#typeOf(property, escapeName(property) ?? property);
      if (type === undefined) continue;
      const part = reader.property(this.#schema, property);
      if (this.#standard(property) === undefined && part !== undefined && reader.hasDefault(part)) continue;
      size += Buffer.byteLength(property) + type.minSerializedSize + 4;
    }
    return size;
  }
}

const none: readonly CelType[] = [];

const metadataType = (around: string): CelType =>
  structType(
    `${around}.metadata`,
    new Map(
      ["name", "generateName"].map((property) => [property, { type: anyString, property, required: false }]),
    ),
  );

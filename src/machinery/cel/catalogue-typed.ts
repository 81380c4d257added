/**
 * CEL types of built-in kinds, for checking the types of policies: those of the schemas that upstream publishes
 * (k8s.io/apiserver pkg/cel/common/schemas.go and pkg/cel/openapi/resolver/refs.go). Types of fields are made when they are asked for.
 */
import type { ObjectSchema, ScalarSchema, Schema, TypeName, TypeResolver } from "#machinery/schema/types.ts";
import { unescapeName } from "./escape.ts";
import {
  boolType,
  bytesType,
  type CelField,
  type CelFields,
  type CelType,
  doubleType,
  dynType,
  intType,
  listType,
  mapType,
  stringType,
  structType,
  timestampType,
} from "./types.ts";

/**
 * The type of a named type; object types are named after the way to them from `name`. Undefined when expressions cannot see such
 * values. A type inside of itself is an object without fields.
 */
export const celTypeOfCatalogue = (type: TypeName, types: TypeResolver, name: string): CelType | undefined =>
  typeOf({ kind: "ref", ref: type }, { types, around: none }, name);

interface Place {
  readonly types: TypeResolver;
  /** The named types that this one is inside of. */
  readonly around: ReadonlySet<TypeName>;
}

const none: ReadonlySet<TypeName> = new Set();

function typeOf(schema: Schema, place: Place, name: string): CelType | undefined {
  switch (schema.kind) {
    case "ref": {
      const { types, around } = place;
      if (around.has(schema.ref)) return structType(name, noFields);
      return typeOf(types.resolve(schema.ref), { types, around: new Set([...around, schema.ref]) }, name);
    }
    case "object":
      return structType(name, new Fields(schema, place, name));
    case "map": {
      const values = typeOf(schema.values, place, `${name}.@elem`);
      return values === undefined ? undefined : mapType(stringType, values);
    }
    case "list": {
      const items = typeOf(schema.items, place, `${name}.@idx`);
      return items === undefined ? undefined : listType(items);
    }
    case "any":
      // Nothing is said of the type of JSON; extensions are objects whose fields nobody knows.
      return schema.format === "raw-extension" || schema.format === "fields-v1"
        ? structType(name, noFields)
        : undefined;
    default:
      return scalarType(schema);
  }
}

const noFields: CelFields = new Map();

/** By the names that expressions use. */
class Fields implements CelFields {
  readonly #schema: ObjectSchema;
  readonly #place: Place;
  readonly #name: string;
  readonly #known = new Map<string, CelField | undefined>();

  constructor(schema: ObjectSchema, place: Place, name: string) {
    this.#schema = schema;
    this.#place = place;
    this.#name = name;
  }

  get(name: string): CelField | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    const found = this.#make(name);
    this.#known.set(name, found);
    return found;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  #make(name: string): CelField | undefined {
    const property = unescapeName(name);
    const field = property === undefined ? undefined : this.#schema.fields.get(property);
    if (property === undefined || field === undefined || field.inline === true) return undefined;
    const type = typeOf(field.schema, this.#place, `${this.#name}.${name}`);
    return type === undefined ? undefined : { type, property, required: field.required === true };
  }
}

function scalarType({ kind, format }: ScalarSchema): CelType | undefined {
  if (format === "int-or-string") return { ...dynType, json: { intOrString: true } };
  switch (kind) {
    case "boolean":
      return boolType;
    case "integer":
      return intType;
    case "number":
      return doubleType;
    case "string":
      switch (format) {
        case "time":
        case "micro-time":
          return { ...timestampType, json: { format: "date-time" } };
        case "byte":
          return { ...bytesType, json: { format: "byte" } };
        default:
          return stringType;
      }
  }
}

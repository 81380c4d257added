/** CEL types of built-in kinds, for checking the types of policies (k8s.io/apiserver/pkg/cel/openapi). */
import type { ObjectSchema, ScalarSchema, Schema, TypeResolver } from "#machinery/schema/types.ts";
import { escapeName } from "./escape.ts";
import {
  boolType,
  bytesType,
  type CelField,
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

/** The type of a kind. Types that the catalogue names become object types of that name, which may refer to themselves. */
export function celTypeOfCatalogue(schema: Schema, types: TypeResolver): CelType {
  return new CatalogueTypes(types).typeOf(schema, "object");
}

class CatalogueTypes {
  readonly #types: TypeResolver;
  readonly #named = new Map<string, CelType>();

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  typeOf(schema: Schema, name: string): CelType {
    switch (schema.kind) {
      case "ref":
        return this.#namedType(schema.ref);
      case "object":
        return this.#objectType(schema, name);
      case "map":
        return mapType(stringType, this.typeOf(schema.values, `${name}.@elem`));
      case "list":
        return this.#listType(schema, name);
      case "any":
        // An extension is an object whose fields nobody knows.
        return schema.format === "raw-extension" ? structType(name, new Map()) : dynType;
      default:
        return scalarType(schema);
    }
  }

  #namedType(name: string): CelType {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const schema = this.#types.resolve(name);
    const type = this.typeOf(schema, name);
    this.#named.set(name, type);
    return type;
  }

  #listType(schema: Extract<Schema, { kind: "list" }>, name: string): CelType {
    const type = listType(this.typeOf(schema.items, `${name}.@idx`));
    if (schema.listType !== "set" && schema.listType !== "map") return type;
    return { ...type, json: { listType: schema.listType, mapKeys: schema.listMapKeys ?? [] } };
  }

  /** Fields are made when they are asked for: types may contain themselves. */
  #objectType(schema: ObjectSchema, name: string): CelType {
    const type = structType(name, new Map());
    let fields: ReadonlyMap<string, CelField> | undefined;
    Object.defineProperty(type, "fields", {
      get: () => {
        fields ??= this.#fields(schema, name);
        return fields;
      },
      enumerable: true,
    });
    return type;
  }

  #fields(schema: ObjectSchema, name: string): ReadonlyMap<string, CelField> {
    const fields = new Map<string, CelField>();
    for (const [property, field] of schema.fields) {
      const fieldName = field.inline === true ? undefined : escapeName(property);
      if (fieldName === undefined) continue;
      const type = this.typeOf(field.schema, `${name}.${fieldName}`);
      fields.set(fieldName, { type, property, required: field.required === true });
    }
    return fields;
  }
}

function scalarType({ kind, format }: ScalarSchema): CelType {
  if (format === "int-or-string") return { ...dynType, json: { intOrString: true } };
  switch (kind) {
    case "boolean":
      return boolType;
    case "integer":
      return intType;
    case "number":
      return doubleType;
    case "string":
      if (format === "time" || format === "micro-time")
        return { ...timestampType, json: { format: "date-time" } };
      return format === "byte" ? { ...bytesType, json: { format: "byte" } } : stringType;
  }
}

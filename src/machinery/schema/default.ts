/** Schema defaults: what the generated defaulters (`+default=`) and structural schemas fill in for absent fields. */
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { deref, type Schema, type TypeName, type TypeResolver } from "./types.ts";

/** Fills in the defaults below a value, in place. */
export type Defaulter = (value: JsonValue) => void;

/**
 * The defaulter of a schema. `named` keeps the ones of named types, for sharing and for recursive types.
 *
 * A default applies when the key is missing, or is null in a field that does not keep null; defaults inside a defaulted value apply as
 * well. Subtrees without any default are not walked.
 */
export function compileDefaults(
  schema: Schema,
  types: TypeResolver,
  named: Map<TypeName, Defaulter>,
): Defaulter {
  return compile(schema, types, named, hasDefaults(types)) ?? nothing;
}

const nothing: Defaulter = () => {};

type Has = (schema: Schema) => boolean;

/** Whether anything below a schema has a default. A type that refers to itself has none by that alone. */
function hasDefaults(types: TypeResolver): Has {
  const settled = new Map<TypeName, boolean>();
  const visit = (schema: Schema, open: Set<TypeName>): boolean => {
    switch (schema.kind) {
      case "ref": {
        const known = settled.get(schema.ref);
        if (known !== undefined) return known;
        if (open.has(schema.ref)) return false;
        open.add(schema.ref);
        const has = visit(deref(schema, types), open);
        open.delete(schema.ref);
        // "No" may only mean that a type still open was not counted.
        if (has || open.size === 0) settled.set(schema.ref, has);
        return has;
      }
      case "object":
        for (const field of schema.fields.values()) {
          if (field.inline === true) continue;
          if (field.schema.default !== undefined || visit(field.schema, open)) return true;
        }
        return false;
      case "map":
        return visit(schema.values, open);
      case "list":
        return visit(schema.items, open);
      default:
        return false;
    }
  };
  return (schema) => visit(schema, new Set());
}

function compile(
  schema: Schema,
  types: TypeResolver,
  named: Map<TypeName, Defaulter>,
  has: Has,
): Defaulter | undefined {
  if (!has(schema)) return undefined;
  switch (schema.kind) {
    case "ref": {
      const known = named.get(schema.ref);
      if (known !== undefined) return known;
      let compiled: Defaulter | undefined;
      named.set(schema.ref, (value) => compiled!(value));
      compiled = compile(deref(schema, types), types, named, has)!;
      named.set(schema.ref, compiled);
      return compiled;
    }
    case "object": {
      const plans: {
        name: string;
        value: JsonValue | undefined;
        keepsNull: boolean;
        inner: Defaulter | undefined;
      }[] = [];
      for (const field of schema.fields.values()) {
        if (field.inline === true) continue;
        const inner = compile(field.schema, types, named, has);
        const value = field.schema.default;
        if (inner === undefined && value === undefined) continue;
        plans.push({ name: field.name, value, keepsNull: field.schema.nullable === true, inner });
      }
      return (object) => {
        if (!isJsonObject(object)) return;
        for (const { name, value, keepsNull, inner } of plans) {
          let present = Object.hasOwn(object, name) ? object[name] : undefined;
          if (value !== undefined && (present === undefined || (present === null && !keepsNull))) {
            present = copy(value);
            setOwn(object, name, present);
          }
          if (present !== undefined && present !== null) inner?.(present);
        }
      };
    }
    case "list": {
      const inner = compile(schema.items, types, named, has)!;
      return (list) => {
        if (Array.isArray(list)) for (const item of list) inner(item);
      };
    }
    case "map": {
      const inner = compile(schema.values, types, named, has)!;
      return (map) => {
        if (isJsonObject(map)) for (const key of Object.keys(map)) inner(map[key]!);
      };
    }
    default:
      return undefined;
  }
}

/** A deep copy, since defaults are shared by all objects. Raw numbers are immutable. */
function copy(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(copy);
  if (!isJsonObject(value)) return value;
  const target: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(target, key, copy(value[key]!));
  return target;
}

/**
 * What Go does by decoding JSON into a struct and encoding it again, as one walk over the tree.
 *
 * The walk is compiled once per type into closures ({@link TypeCompiler}). It knows only that something is wrong or unknown; the
 * texts and paths come from a second, slow walk (`diagnose.ts`), taken only then.
 *
 * Differences from Go, on purpose: `1.0` and `1e3` are accepted for integers (the parsed tree no longer tells them from `1`);
 * an empty list or map in a field that is always written becomes `null`, and a null entry of a map or list of bytes becomes `""`, as both
 * do upstream after their way through the protobuf store; a pointer to the zero time is dropped instead of written as null.
 */
import { maxJsonDepth } from "#machinery/json/limits.ts";
import { isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { compileDefaults, type Defaulter } from "./default.ts";
import { diagnose, opaquePaths } from "./diagnose.ts";
import { eitherWalker } from "./either.ts";
import { sortedKeys } from "./order.ts";
import { scalarWalker, zeroOf } from "./scalars.ts";
import {
  deref,
  type Field,
  type ObjectSchema,
  type RefSchema,
  type Schema,
  type TypeName,
  type TypeResolver,
} from "./types.ts";
import { DecodeError, type Walk, type Walker, wrongType } from "./walk.ts";

/** `unknownFields` are texts such as `unknown field "spec.foo"`, at most 100 of them, as strict decoding reports them. */
export interface Decoded {
  readonly value: JsonObject;
  readonly unknownFields: readonly string[];
}

/** One type, ready to decode. Immutable; keep it and share it. */
export interface CompiledType {
  readonly name: TypeName;
  /**
   * The object as Go would print it after decoding: known fields in schema order, maps sorted by bytes, zero values left out or
   * written as the struct's tags say. The result shares only free-form subtrees (`any`) with the input.
   * Throws {@link DecodeError} with Go's text for a value of the wrong type.
   */
  decode(value: JsonValue): Decoded;
  /** {@link decode} for what an apply or a mutation has made, where that is something else. */
  decodeMerged?(value: JsonValue): Decoded;
  /** Paths of the values whose Go types read themselves, as strict errors show them: duplicates inside are not seen. */
  opaquePaths?(value: JsonValue): ReadonlySet<string>;
  /** Fills in the schema's defaults, in place: absent fields, nested ones, and those in list items and map values. */
  applyDefaults(value: JsonObject): void;
}

/**
 * Compiles types on first use and keeps them. Hold one per catalogue: it grows with the number of named types only.
 */
export class TypeCompiler {
  readonly #types: TypeResolver;
  readonly #walkers = new Map<TypeName, Walker>();
  readonly #defaulters = new Map<TypeName, Defaulter>();
  readonly #compiled = new Map<TypeName, CompiledType>();

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  /** The compiled form of a named type. Throws for a name the resolver does not know. */
  compile(name: TypeName): CompiledType {
    let compiled = this.#compiled.get(name);
    if (compiled === undefined) {
      compiled = this.compileSchema(name, { kind: "ref", ref: name });
      this.#compiled.set(name, compiled);
    }
    return compiled;
  }

  /** The compiled form of a schema that is not in the catalogue; `name` stands in errors. Not kept. */
  compileSchema(name: TypeName, schema: Schema): CompiledType {
    const types = this.#types;
    const walk = this.#walker(schema);
    const applyDefaults = compileDefaults(schema, types, this.#defaulters);
    return {
      name,
      decode: (value) => {
        const state: Walk = { unknown: false, depth: 0 };
        let decoded: JsonValue;
        try {
          decoded = walk(value, state);
        } catch (error) {
          if (error !== wrongType) throw error;
          diagnose(value, schema, types, name);
          throw new DecodeError(`json: cannot decode ${name}`);
        }
        const unknownFields = state.unknown ? diagnose(value, schema, types, name) : [];
        return { value: decoded as JsonObject, unknownFields };
      },
      opaquePaths: (value) => opaquePaths(value, schema, types),
      applyDefaults: (value) => applyDefaults(value),
    };
  }

  #walker(schema: Schema): Walker {
    switch (schema.kind) {
      case "ref": {
        const known = this.#walkers.get(schema.ref);
        if (known !== undefined) return known;
        // Recursive types find this one while it is being compiled.
        let compiled: Walker | undefined;
        const forward: Walker = (value, state) => compiled!(value, state);
        this.#walkers.set(schema.ref, forward);
        compiled = this.#walker(deref(schema, this.#types));
        this.#walkers.set(schema.ref, compiled);
        return compiled;
      }
      case "object":
        return this.#object(schema);
      case "map":
        return this.#map(schema.values);
      case "list":
        return this.#list(schema.items);
      case "any":
        return schema.either === undefined
          ? (value) => value
          : eitherWalker(schema.either.or, this.#walker({ kind: "ref", ref: schema.either.type }));
      default:
        return scalarWalker(schema);
    }
  }

  #object(schema: ObjectSchema): Walker {
    const plans = orderFields(schema).map((field, index) => this.#field(field, index));
    const byName = new Map(plans.map((plan) => [plan.name, plan]));
    const always = plans.filter((plan) => plan.always);

    return (value, state) => {
      if (value === null) value = {};
      if (!isObject(value)) throw wrongType;
      if (++state.depth > maxJsonDepth) throw new DecodeError("exceeded max depth");
      const found: FieldPlan[] = [];
      const values: JsonValue[] = [];
      let ordered = true;
      let last = -1;
      let alwaysFound = 0;
      for (const key in value) {
        const plan = byName.get(key);
        if (plan === undefined) {
          state.unknown = true;
          continue;
        }
        const decoded = plan.decode(value[key]!, state);
        if (decoded === undefined) continue;
        if (plan.index < last) ordered = false;
        else last = plan.index;
        if (plan.always) alwaysFound++;
        found.push(plan);
        values.push(decoded);
      }
      state.depth--;
      const complete = alwaysFound === always.length;
      const target: JsonObject = {};
      if (ordered && complete) {
        for (let i = 0; i < found.length; i++) setOwn(target, found[i]!.name, values[i]!);
        return target;
      }
      writeInOrder(target, found, values, complete ? none : always, state);
      return target;
    };
  }

  #field(field: Field, index: number): FieldPlan {
    const node = deref(field.schema, this.#types);
    const walk = this.#walker(field.schema);
    const structLike = isStruct(node);
    const zero = zeroOf(node, this.#types);
    const drops = structLike ? field.omitZero === true : field.omitEmpty === true || field.omitZero === true;
    const pointer = field.pointer === true;
    const always = pointer ? field.omitEmpty !== true : !drops;
    const nullable = field.schema.nullable === true;
    const absent = always ? null : undefined;
    let decode: FieldPlan["decode"];
    if (nullable) decode = (value, state) => (value === null ? null : walk(value, state));
    else if (pointer) {
      // The zero time reads as null, and a second reading would drop it: drop it at once.
      decode = (value, state) => (value === null ? absent : (walk(value, state) ?? absent));
    } else if (structLike && node.kind === "object") decode = (value, state) => walk(value, state);
    else if (node.kind === "list") {
      decode = (value, state) => {
        if (value === null) return absent;
        const list = walk(value, state) as JsonValue[];
        return list.length === 0 ? absent : list;
      };
    } else if (node.kind === "map") {
      decode = (value, state) => {
        if (value === null) return absent;
        const map = walk(value, state) as JsonObject;
        return isEmpty(map) ? absent : map;
      };
    } else if (drops) {
      decode = (value, state) => {
        if (value === null) return undefined;
        const decoded = walk(value, state);
        return decoded === zero || decoded === null || decoded === "" ? undefined : decoded;
      };
    } else decode = (value, state) => (value === null ? zero : walk(value, state));
    return { name: field.name, index, always, decode };
  }

  #list(items: Schema): Walker {
    const walk = this.#walker(items);
    const node = deref(items, this.#types);
    const zero = elementZero(node, this.#types);
    const keepsNull = items.nullable === true || node.kind === "any" || node.kind === "object";
    return (value, state) => {
      if (!Array.isArray(value)) throw wrongType;
      if (++state.depth > maxJsonDepth) throw new DecodeError("exceeded max depth");
      const target: JsonValue[] = new Array(value.length);
      for (let i = 0; i < value.length; i++) {
        const item = value[i]!;
        target[i] = item === null && !keepsNull ? zero : walk(item, state);
      }
      state.depth--;
      return target;
    };
  }

  #map(values: Schema): Walker {
    const walk = this.#walker(values);
    const node = deref(values, this.#types);
    const keepsNull = values.nullable === true || node.kind === "any" || node.kind === "object";
    const zero = elementZero(node, this.#types);
    return (value, state) => {
      if (!isObject(value)) throw wrongType;
      if (++state.depth > maxJsonDepth) throw new DecodeError("exceeded max depth");
      const target: JsonObject = {};
      for (const key of sortedKeys(value)) {
        const item = value[key]!;
        setOwn(target, key.toWellFormed(), item === null && !keepsNull ? zero : walk(item, state));
      }
      state.depth--;
      return target;
    };
  }
}

/** The zero of a list item or a map value: bytes among them are empty, never nil, after their way through the store. */
const elementZero = (node: Exclude<Schema, RefSchema>, types: TypeResolver): JsonValue =>
  node.kind === "string" && node.format === "byte" ? "" : zeroOf(node, types);

interface FieldPlan {
  readonly name: string;
  readonly index: number;
  /** Written even when absent, as what null decodes to: the zero. */
  readonly always: boolean;
  /** Undefined = not written. Never so for {@link always}. */
  readonly decode: (value: JsonValue, state: Walk) => JsonValue | undefined;
}

const none: readonly FieldPlan[] = [];

function writeInOrder(
  target: JsonObject,
  found: readonly FieldPlan[],
  values: readonly JsonValue[],
  always: readonly FieldPlan[],
  state: Walk,
): void {
  const order = found.map((_, i) => i).sort((a, b) => found[a]!.index - found[b]!.index);
  let next = 0;
  const writeZerosBefore = (index: number): void => {
    for (; next < always.length && always[next]!.index <= index; next++) {
      const plan = always[next]!;
      if (plan.index === index) continue;
      setOwn(target, plan.name, plan.decode(null, state)!);
    }
  };
  for (const i of order) {
    writeZerosBefore(found[i]!.index);
    setOwn(target, found[i]!.name, values[i]!);
  }
  writeZerosBefore(Number.POSITIVE_INFINITY);
}

/** Structs are not empty for Go's `omitempty`. */
function isStruct(node: Exclude<Schema, { kind: "ref" }>): boolean {
  if (node.kind === "object" || node.kind === "any") return true;
  if (node.kind !== "string") return false;
  const format = node.format;
  return (
    format === "time" ||
    format === "micro-time" ||
    format === "quantity" ||
    format === "int-or-string" ||
    format === "duration"
  );
}

/**
 * Fields in the order they are written. Of a root object apiVersion, kind and metadata come first, and of metadata the
 * annotations: the store's splice relies on both. Entries that exist for protobuf only are left out.
 */
function orderFields(schema: ObjectSchema): Field[] {
  const fields = [...schema.fields.values()].filter((field) => field.inline !== true);
  const has = (name: string): boolean => schema.fields.has(name);
  let first: readonly string[] = [];
  if (has("apiVersion") && has("kind") && has("metadata")) first = ["apiVersion", "kind", "metadata"];
  else if (has("annotations") && has("resourceVersion")) first = ["annotations"];
  if (first.length === 0) return fields;
  return [
    ...first.map((name) => schema.fields.get(name)!),
    ...fields.filter((field) => !first.includes(field.name)),
  ];
}

function isObject(value: JsonValue): value is JsonObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !("rawJSON" in value && isRawNumber(value))
  );
}

function isEmpty(map: JsonObject): boolean {
  for (const _ in map) return false;
  return true;
}

/**
 * The one description of a kind from which decoding, strict validation, defaulting, patching, OpenAPI and protobuf derive.
 * Built-in kinds come from the catalogue (`api/`); custom kinds compile their structural schemas to the same nodes.
 */
import type { JsonValue } from "#machinery/json/value.ts";

/** A named type of the catalogue, by its OpenAPI name: `io.k8s.api.core.v1.ConfigMap`. */
export type TypeName = string;

export type ScalarKind = "string" | "integer" | "number" | "boolean";

/**
 * What the value looks like on the wire:
 * - `object`: a struct with named {@link ObjectSchema.fields}; `map`: string keys, one schema for all values;
 * - `ref`: a named type, resolved through a {@link TypeResolver} (so that recursive types are data);
 * - `any`: kept as it is (RawExtension, JSON, FieldsV1).
 */
export type Schema = ObjectSchema | MapSchema | ListSchema | ScalarSchema | RefSchema | AnySchema;

interface Common {
  /** Applied when the field is absent. Already in wire form. */
  readonly default?: JsonValue;
  readonly nullable?: boolean;
  /**
   * Go's name of the type where it is not evident: named strings and the like (`v1.Protocol`), and objects that no ref names.
   * Only error texts show it.
   */
  readonly goType?: string;
}

export interface ObjectSchema extends Common {
  readonly kind: "object";
  readonly fields: ReadonlyMap<string, Field>;
  /** `x-kubernetes-map-type: atomic`: replaced as a whole by apply. */
  readonly atomic?: boolean;
  /**
   * What members of other names are (custom kinds: `{ kind: "any" }` where unknown fields are preserved). Without it there are
   * none: apply refuses them as not declared.
   */
  readonly rest?: Schema;
}

export interface MapSchema extends Common {
  readonly kind: "map";
  readonly values: Schema;
  readonly atomic?: boolean;
}

export interface ListSchema extends Common {
  readonly kind: "list";
  readonly items: Schema;
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys?: readonly string[];
  /**
   * The Go type is a named slice that protobuf wraps in a message of its own: `{ repeated T items = 1 }` (ExtraValue of the
   * review and CSR kinds, meta/v1 Verbs). JSON is a plain array.
   */
  readonly wrapped?: boolean;
}

export interface ScalarSchema extends Common {
  readonly kind: ScalarKind;
  readonly format?: ScalarFormat;
  /** Go type is a string enum with these values. Informational for OpenAPI; validation is the strategies' matter. */
  readonly enum?: readonly string[];
}

/**
 * `quantity`: resource.Quantity (string or number in, string out); `int-or-string`: IntOrString; `time`: RFC 3339 seconds;
 * `micro-time`: RFC 3339 with six digits; `duration`: Go duration string; `byte`: base64 of bytes; `other`: a format of
 * custom kinds, which only their validation knows.
 */
export type ScalarFormat =
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "double"
  | "float"
  | "byte"
  | "time"
  | "micro-time"
  | "duration"
  | "quantity"
  | "int-or-string"
  | "other";

export interface RefSchema extends Common {
  readonly kind: "ref";
  readonly ref: TypeName;
  /** `x-kubernetes-map-type` of the field, which overrides that of the named type. */
  readonly atomic?: boolean;
}

export interface AnySchema extends Common {
  readonly kind: "any";
  /**
   * How protobuf carries it: RawExtension {1: raw}, JSON {1: raw} (apiextensions), FieldsV1 {1: Raw}; all hold JSON bytes.
   * RawExtension must be an object (or null) in JSON.
   */
  readonly format?: "raw-extension" | "json" | "fields-v1";
  /** A struct, or something else in its place. */
  readonly either?: Either;
  /** Custom kinds: nothing is said of the type, but where the value is an object it has these fields. */
  readonly object?: ObjectSchema;
}

/**
 * A Go type that reads itself: an object is of a named type, and instead there may be a boolean, a list of such objects, or a list of
 * texts (JSONSchemaPropsOrBool, JSONSchemaPropsOrArray and JSONSchemaPropsOrStringArray of apiextensions).
 */
export interface Either {
  readonly type: TypeName;
  readonly or: "bool" | "list" | "texts";
}

/** One field of a struct, with what Go's struct tags say about it. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  /** Protobuf field number; absent when the type has no protobuf form. */
  readonly proto?: number;
  readonly required?: boolean;
  /**
   * Go's `omitempty`: the zero value is not written. As in Go it has no effect on struct values that are not pointers
   * (objects, `time`, `micro-time`, `quantity`, `int-or-string`, `duration`, raw values):
   * those are always written (`{}`, `null`, `"0"`) unless {@link omitZero}.
   */
  readonly omitEmpty?: boolean;
  /** Go's `omitzero`: also the zero of a struct is not written (`metadata.creationTimestamp`). */
  readonly omitZero?: boolean;
  /** A Go pointer: its zero value is nil, so `0`, `false`, `""` and `{}` are values and are written. */
  readonly pointer?: boolean;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys` (joined by commas upstream). */
  readonly patchStrategy?: readonly string[];
  readonly patchMergeKey?: string;
  /**
   * Upstream declares the zero value as the default although `omitempty` leaves it out: nothing to apply, but OpenAPI shows
   * it, and as a list's key an absent value equals the zero value.
   */
  readonly zeroDefault?: boolean;
  /**
   * Go embeds the struct inline (`json:",inline"`): protobuf carries it as a message of its own number, JSON has its fields
   * in the enclosing object. Such an entry is for protobuf only: code that works on JSON skips it, since the embedded
   * fields are also listed in {@link ObjectSchema.fields}, without a number. `name` is the protobuf name (`volumeSource`).
   */
  readonly inline?: boolean;
}

/** Finds a named type. Throws for an unknown name: a catalogue that refers to what it lacks is a bug. */
export interface TypeResolver {
  resolve(name: TypeName): Schema;
}

/** The node behind refs. A ref's own `default`/`nullable` stay with the ref. */
export function deref(schema: Schema, types: TypeResolver): Exclude<Schema, RefSchema> {
  let node = schema;
  for (let hops = 0; node.kind === "ref"; hops++) {
    if (hops > 16) throw new Error(`schema: reference chain too long at ${node.ref}`);
    node = types.resolve(node.ref);
  }
  return node;
}

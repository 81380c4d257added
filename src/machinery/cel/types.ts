/**
 * CEL's types, as the checker, the cost estimator and the views on JSON use them.
 *
 * One model serves what upstream has twice (cel-go's `types.Type` and Kubernetes' `DeclType`): an object type carries its
 * fields, and types that come from a schema carry the sizes that the static cost estimate needs.
 */

export type CelKind =
  | "dyn"
  | "error"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "duration"
  | "timestamp"
  | "list"
  | "map"
  | "struct"
  | "opaque"
  | "type"
  | "param";

export interface CelType {
  readonly kind: CelKind;
  /** The name at run time: `int`, `google.protobuf.Duration`, `optional_type`, an object type's own name. */
  readonly name: string;
  /** list: [element], map: [key, value], optional: [value], type: [] or [the type]. */
  readonly parameters: readonly CelType[];
  /** Of a struct: its fields by the name that expressions use (escaped as Kubernetes does). */
  readonly fields?: CelFields;
  /** Largest size of a value (elements, entries, characters), for cost estimates; 0 when the type has no size of its own. */
  readonly maxElements: number;
  /** Bytes of the smallest JSON of a value, for the estimates of what contains it. */
  readonly minSerializedSize: number;
  /** How JSON of this type is read; absent for types that come from no schema. */
  readonly json?: CelJsonReading;
}

/** Fields are made when they are asked for: expressions use few of those that a schema has. */
export type CelFields = Pick<ReadonlyMap<string, CelField>, "get" | "has">;

export interface CelField {
  readonly type: CelType;
  /** The name in JSON. */
  readonly property: string;
  readonly required: boolean;
}

/** What a schema says about reading its JSON values, beyond the CEL type. */
export interface CelJsonReading {
  /** An `x-kubernetes-int-or-string`, which is `dyn` to the checker. */
  readonly intOrString?: true;
  /** `date`, `date-time`, `duration` and `byte` are strings in JSON. */
  readonly format?: "date" | "date-time" | "duration" | "byte";
  readonly nullable?: true;
  /** `set` and `map` lists compare and add without regard to order. */
  readonly listType?: "set" | "map" | "atomic";
  /** Property names (not escaped) that are the key of a `map` list. */
  readonly mapKeys?: readonly string[];
}

/** Bytes of a request, which bound every size that a schema leaves open. */
export const maxRequestSizeBytes = 3 * 1024 * 1024;

function simple(kind: CelKind, name: string, minSerializedSize = 0): CelType {
  return Object.freeze({ kind, name, parameters: [], maxElements: 0, minSerializedSize });
}

export const dynType = simple("dyn", "dyn", 1);
export const errorType = simple("error", "error");
export const nullType = simple("null", "null_type", 4);
export const boolType = simple("bool", "bool", 4);
export const intType = simple("int", "int", 1);
export const uintType = simple("uint", "uint", 1);
export const doubleType = simple("double", "double", 1);
export const stringType = simple("string", "string", 2);
export const bytesType = simple("bytes", "bytes", 2);
export const durationType = simple("duration", "google.protobuf.Duration", 3);
export const timestampType = simple("timestamp", "google.protobuf.Timestamp", 12);
/** The type of types, without saying which. */
export const typeType = simple("type", "type");

export function listType(element: CelType, maxElements = 0): CelType {
  return { kind: "list", name: "list", parameters: [element], maxElements, minSerializedSize: 2 };
}

export function mapType(key: CelType, value: CelType, maxElements = 0): CelType {
  return { kind: "map", name: "map", parameters: [key, value], maxElements, minSerializedSize: 2 };
}

/** An object type. Names must be unique in an environment: the checker compares object types by name. */
export function structType(name: string, fields: CelFields, minSerializedSize = 2): CelType {
  return { kind: "struct", name, parameters: [], fields, maxElements: 0, minSerializedSize };
}

export function opaqueType(name: string, ...parameters: CelType[]): CelType {
  return { kind: "opaque", name, parameters, maxElements: 0, minSerializedSize: 0 };
}

export const optionalTypeName = "optional_type";
export const optionalType = (value: CelType): CelType => opaqueType(optionalTypeName, value);

/** The type of the type `of`, as `type(int)` is of the identifier `int`. */
export function typeOf(of: CelType): CelType {
  return { kind: "type", name: "type", parameters: [of], maxElements: 0, minSerializedSize: 0 };
}

/** A type variable of a function's signature. */
export function paramType(name: string): CelType {
  return simple("param", name);
}

/** A type as error texts and policy statuses show it (cel-go's FormatCELType). */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case "duration":
      return "duration";
    case "timestamp":
      return "timestamp";
    case "error":
      return "!error!";
    case "null":
      return "null";
    default:
      if (type.parameters.length === 0) return type.name;
      return `${type.name}(${type.parameters.map(formatType).join(", ")})`;
  }
}

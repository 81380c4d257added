/**
 * JSON as CEL's values, without copying: by a schema's types (k8s.io/apiserver/pkg/cel/common/valuesunstructured.go), or as it is.
 * Data that does not have its declared type becomes an error where an expression reads it.
 */

import { jsonEqual } from "#machinery/json/equal.ts";
import { getOwn, isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { escapeName } from "./escape.ts";
import { fieldOf } from "./fields.ts";
import { readFormat } from "./formats.ts";
import { checkedInt } from "./integers.ts";
import { DynamicList, listView } from "./json-list-view.ts";
import { equalResults } from "./operations.ts";
import { type CelType, dynType } from "./types.ts";
import { CelDouble, CelError, CelMap, type CelResult, type CelValue, noSuchOverload } from "./values.ts";

/** A view on JSON by its declared type. */
export function viewOf(json: JsonValue, type: CelType): CelResult {
  const reading = type.json;
  if (json === null) {
    if (type.kind === "dyn" && reading === undefined) return null;
    return reading?.nullable === true
      ? null
      : new CelError("invalid data, got null for schema with nullable=false");
  }
  switch (type.kind) {
    case "string":
      return typeof json === "string" ? json : invalid("string", json);
    case "bool":
      return typeof json === "boolean" ? json : invalid("bool", json);
    case "int": {
      const value = integerOf(json);
      return value ?? invalid("int", json);
    }
    case "double": {
      const value = numberOf(json);
      return value === undefined ? invalid("float", json) : new CelDouble(value);
    }
    case "struct":
      if (!isJsonObject(json))
        return new CelError("invalid data, expected a map for the provided schema with type=object");
      return new ObjectView(json, type);
    case "map":
      if (!isJsonObject(json))
        return new CelError("invalid data, expected a map for the provided schema with type=object");
      return new MapView(json, type.parameters[1]!);
    case "list":
      if (!Array.isArray(json))
        return new CelError("invalid data, expected an array for the provided schema with type=array");
      return listView(json, type);
    case "bytes":
    case "duration":
    case "timestamp":
      if (typeof json !== "string") return invalid("string", json);
      return readFormat(json, reading?.format ?? defaultFormats[type.kind]);
    default:
      return reading?.intOrString === true ? intOrString(json) : dynamic(json);
  }
}

const defaultFormats = { bytes: "byte", duration: "duration", timestamp: "date-time" } as const;

function invalid(expected: string, json: JsonValue): CelError {
  return new CelError(`invalid data, expected ${expected}, got ${goTypeOfJson(json)}`);
}

function goTypeOfJson(json: JsonValue): string {
  if (typeof json === "string") return "string";
  if (typeof json === "boolean") return "bool";
  if (integerOf(json) !== undefined) return "int64";
  if (numberOf(json) !== undefined) return "float64";
  return Array.isArray(json) ? "[]interface {}" : "map[string]interface {}";
}

function intOrString(json: JsonValue): CelResult {
  if (typeof json === "string") return json;
  return (
    integerOf(json) ??
    new CelError("invalid data, expected XIntOrString value to be either a string or integer")
  );
}

function integerOf(json: JsonValue): number | bigint | undefined {
  if (typeof json === "number") return Number.isSafeInteger(json) ? json || 0 : undefined;
  if (!isRawNumber(json) || !/^-?\d+$/.test(json.rawJSON)) return undefined;
  return checkedInt(BigInt(json.rawJSON));
}

function numberOf(json: JsonValue): number | undefined {
  if (typeof json === "number") return json;
  return isRawNumber(json) ? Number(json.rawJSON) : undefined;
}

/** JSON without a schema. */
export function dynamic(json: JsonValue): CelValue {
  if (json === null || typeof json === "string" || typeof json === "boolean") return json;
  const integer = integerOf(json);
  if (integer !== undefined) return integer;
  if (Array.isArray(json)) return new DynamicList(json);
  return isJsonObject(json) ? new DynamicMap(json) : new CelDouble(numberOf(json)!);
}

class DynamicMap extends CelMap {
  readonly source: JsonObject;
  #size: number | undefined;

  constructor(json: JsonObject) {
    super();
    this.source = json;
  }

  override get json(): JsonObject {
    return this.source;
  }

  override get size(): number {
    this.#size ??= Object.keys(this.source).length;
    return this.#size;
  }

  override find(key: CelValue): CelResult | undefined {
    const value = typeof key === "string" ? getOwn(this.source, key) : undefined;
    return value === undefined ? undefined : dynamic(value);
  }

  override keys(): string[] {
    return Object.keys(this.source);
  }
}

/** An object that is read by its declared type. */
abstract class TypedMap extends CelMap {
  readonly source: JsonObject;

  constructor(json: JsonObject) {
    super();
    this.source = json;
  }

  override get json(): JsonObject {
    return this.source;
  }

  override get size(): number {
    return Object.keys(this.source).length;
  }

  override get raw(): CelMap {
    return new DynamicMap(this.source);
  }
}

/** An object with declared properties. What is not declared cannot be read, but is compared. */
class ObjectView extends TypedMap {
  readonly #type: CelType;

  constructor(json: JsonObject, type: CelType) {
    super(json);
    this.#type = type;
  }

  override find(key: CelValue): CelResult | undefined {
    if (typeof key !== "string") return noSuchOverload;
    const field = fieldOf(this.#type, key);
    if (field === undefined) return undefined;
    const value = getOwn(this.source, field.property);
    // A null field is an absent one.
    return value === undefined || value === null ? undefined : viewOf(value, field.type);
  }

  override keys(): string[] {
    const names = Object.keys(this.source).map(escapeName);
    return names.filter((name) => name !== undefined && this.#type.fields?.has(name) === true) as string[];
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelMap)) return noSuchOverload;
    if (this.size !== other.size) return false;
    for (const [property, value] of Object.entries(this.source)) {
      const name = escapeName(property);
      if (name === undefined || this.#type.fields?.has(name) !== true) {
        const otherJson = other.json;
        if (!isJsonObject(otherJson)) return noSuchOverload;
        const otherValue = getOwn(otherJson, property);
        if (otherValue !== undefined && !jsonEqual(value, otherValue)) return false;
        continue;
      }
      const same = equalFinds(this.find(name), other.find(name));
      if (same !== true) return same;
    }
    return true;
  }
}

function equalFinds(a: CelResult | undefined, b: CelResult | undefined): boolean | CelError {
  if (a === undefined || b === undefined) return a === b;
  return equalResults(a, b);
}

/** An object whose properties are the user's keys. */
class MapView extends TypedMap {
  readonly #values: CelType;

  constructor(json: JsonObject, values: CelType) {
    super(json);
    this.#values = values;
  }

  override find(key: CelValue): CelResult | undefined {
    if (typeof key !== "string") return noSuchOverload;
    const value = getOwn(this.source, key);
    return value === undefined ? undefined : viewOf(value, this.#values);
  }

  override keys(): string[] {
    return Object.keys(this.source);
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelMap)) return noSuchOverload;
    if (this.size !== other.size) return false;
    for (const key of Object.keys(this.source)) {
      const same = equalFinds(this.find(key), other.find(key));
      if (same !== true) return same;
    }
    return true;
  }
}

/** JSON that no schema describes. */
export const dynamicView = (json: JsonValue): CelValue => viewOf(json, dynType) as CelValue;

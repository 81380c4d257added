/** The slow walk behind `decode.ts`: says which field is unknown and which value has the wrong type, in the words of Go's decoder. */
import { quote } from "#base/quote.ts";
import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { canonicalDuration } from "#machinery/values/duration.ts";
import { canonicalQuantity } from "#machinery/values/quantity.ts";
import { canonicalMicroTime, canonicalTime } from "#machinery/values/time.ts";
import { eitherName, notEitherText } from "./either.ts";
import { canonicalBase64, firstBadBase64, integerRange } from "./scalars.ts";
import {
  deref,
  type Either,
  type ObjectSchema,
  type ScalarSchema,
  type Schema,
  type TypeName,
  type TypeResolver,
} from "./types.ts";
import { DecodeError } from "./walk.ts";

/** Most strict errors that are reported for one object (sigs.k8s.io/json kubernetes_patch.go). */
const maxStrictErrors = 100;

/**
 * Throws {@link DecodeError} when a value has the wrong type: the first in document order, but a value that a type's own reader
 * refuses (time, quantity) comes before all others, as in Go. Else answers the unknown fields.
 */
export function diagnose(value: JsonValue, schema: Schema, types: TypeResolver, name: TypeName): string[] {
  const walk = new Diagnosis(types);
  walk.value(value, schema, goName(schema, types) || shortName(name));
  if (walk.mismatch !== undefined) throw new DecodeError(walk.mismatch);
  return [...walk.unknown];
}

/** Where values stand that their Go types read themselves. The value fits the schema. */
export function opaquePaths(value: JsonValue, schema: Schema, types: TypeResolver): ReadonlySet<string> {
  const walk = new Diagnosis(types);
  walk.value(value, schema, "");
  return walk.opaque;
}

class Diagnosis {
  readonly #types: TypeResolver;
  /** Text of the first value of the wrong type. */
  mismatch: string | undefined;
  readonly unknown = new Set<string>();
  readonly opaque = new Set<string>();
  /** Go's error context: the struct whose field is being read, and the fields from the root, without indexes and map keys. */
  #struct = "";
  #fields: string[] = [];
  /** The struct with the outermost field whose type reads itself, while that is being read: errors from within name it. */
  #reader: string | undefined;
  /** The path that strict errors show. */
  #path = "";

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  value(value: JsonValue, schema: Schema, goType: string): void {
    if (value === null) return;
    const node = deref(schema, this.#types);
    switch (node.kind) {
      case "any":
        this.opaque.add(this.#path);
        if (node.either !== undefined) this.#either(value, node.either);
        return;
      case "object":
        if (isObject(value)) this.#object(value, node, goType);
        else this.#wrong(value, goType);
        return;
      case "map":
        if (isObject(value)) this.#map(value, node.values);
        else this.#wrong(value, goType);
        return;
      case "list":
        if (Array.isArray(value)) this.#list(value, node.items);
        else this.#wrong(value, goType);
        return;
      default:
        this.#scalar(value, node, goType);
    }
  }

  #object(value: JsonObject, node: ObjectSchema, goType: string): void {
    const path = this.#path;
    const struct = this.#struct;
    const depth = this.#fields.length;
    for (const key of Object.keys(value)) {
      const field = node.fields.get(key);
      const at = path === "" ? key : `${path}.${key}`;
      if (field === undefined || field.inline === true) {
        if (this.unknown.size < maxStrictErrors && this.#reader === undefined)
          this.unknown.add(`unknown field ${quote(at)}`);
        continue;
      }
      this.#path = at;
      this.#struct = goType.slice(goType.lastIndexOf(".") + 1);
      this.#fields.push(...embeddedIn(node, key, this.#types), key);
      this.value(value[key]!, field.schema, goName(field.schema, this.#types));
      this.#fields.length = depth;
    }
    this.#path = path;
    this.#struct = struct;
  }

  /** As the type's own reader: whatever is wrong with it ends the decoding, and what is unknown is not said. */
  #either(value: JsonValue, { type, or }: Either): void {
    if (or === "bool" && typeof value !== "boolean" && !isObject(value)) throw new DecodeError(notEitherText);
    const { mismatch } = this;
    const reader = this.#reader;
    this.mismatch = undefined;
    this.#reader ??= this.#struct;
    const struct: Schema = { kind: "ref", ref: type };
    if (isObject(value)) this.value(value, struct, goName(struct, this.#types));
    else if (Array.isArray(value)) this.#list(value, or === "list" ? struct : { kind: "string" });
    if (this.mismatch !== undefined) throw new DecodeError(this.mismatch);
    this.mismatch = mismatch;
    this.#reader = reader;
  }

  #map(value: JsonObject, values: Schema): void {
    const path = this.#path;
    const goType = goName(values, this.#types);
    for (const key of Object.keys(value)) {
      this.#path = path === "" ? key : `${path}.${key}`;
      this.value(value[key]!, values, goType);
    }
    this.#path = path;
  }

  #list(value: readonly JsonValue[], items: Schema): void {
    const path = this.#path;
    const goType = goName(items, this.#types);
    for (let i = 0; i < value.length; i++) {
      this.#path = `${path}[${i}]`;
      this.value(value[i]!, items, goType);
    }
    this.#path = path;
  }

  #scalar(value: JsonValue, node: ScalarSchema, goType: string): void {
    switch (node.kind) {
      case "boolean":
        if (typeof value !== "boolean") this.#wrong(value, goType);
        return;
      case "integer":
        this.#integer(value, node, goType);
        return;
      case "number":
        if (typeof value !== "number" && !isRawNumber(value)) this.#wrong(value, goType);
        return;
      default:
        this.#text(value, node, goType);
    }
  }

  #integer(value: JsonValue, node: ScalarSchema, goType: string): void {
    const digits = isRawNumber(value) ? value.rawJSON : typeof value === "number" ? String(value) : undefined;
    if (digits === undefined) {
      this.#wrong(value, goType);
      return;
    }
    const [low, high] = integerRange(node.format);
    const integer = /^-?\d+$/.test(digits)
      ? BigInt(digits)
      : typeof value === "number" && Number.isInteger(value)
        ? BigInt(value)
        : undefined;
    if (integer === undefined || integer < low || integer > high)
      this.#wrong(value, goType, `number ${digits}`);
  }

  #text(value: JsonValue, node: ScalarSchema, goType: string): void {
    switch (node.format) {
      case "time":
        this.#parsed(value, canonicalTime);
        return;
      case "micro-time":
        this.#parsed(value, canonicalMicroTime);
        return;
      case "duration":
        this.#parsed(value, canonicalDuration);
        return;
      case "quantity": {
        const text = typeof value === "number" ? String(value) : isRawNumber(value) ? value.rawJSON : value;
        const result = canonicalQuantity(typeof text === "string" ? text : JSON.stringify(text));
        if (result instanceof Error) throw new DecodeError(result.message);
        return;
      }
      case "int-or-string":
        if (typeof value === "string") return;
        this.#integer(value, { kind: "integer", format: "int32" }, "int32");
        // IntOrString reads itself: its error ends the decoding.
        if (this.mismatch !== undefined) throw new DecodeError(this.mismatch);
        return;
      case "byte":
        if (Array.isArray(value)) this.#list(value, { kind: "integer", format: "uint32", goType: "uint8" });
        else if (typeof value !== "string") this.#wrong(value, "[]uint8");
        else if (canonicalBase64(value) === undefined) {
          this.mismatch ??= `illegal base64 data at input byte ${firstBadBase64(value)}`;
        }
        return;
      default:
        if (typeof value !== "string") this.#wrong(value, goType);
    }
  }

  #parsed(value: JsonValue, parse: (text: string) => string | null | Error): void {
    if (typeof value !== "string") {
      this.mismatch = undefined;
      this.#wrong(value, "string", isNumber(value) ? "number" : undefined);
      throw new DecodeError(this.mismatch!);
    }
    const result = parse(value);
    if (result instanceof Error) throw new DecodeError(result.message);
  }

  #wrong(value: JsonValue, goType: string, shown = describe(value)): void {
    const into =
      this.#fields.length > 0
        ? `Go struct field ${this.#reader ?? this.#struct}.${this.#fields.join(".")} of type ${goType}`
        : `Go value of type ${goType}`;
    this.mismatch ??= `json: cannot unmarshal ${shown} into ${into}`;
  }
}

const isNumber = (value: JsonValue): boolean => typeof value === "number" || isRawNumber(value);

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

function describe(value: JsonValue): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (isNumber(value)) return "number";
  return Array.isArray(value) ? "array" : "object";
}

/** Names of the Go structs through which a field is embedded: `VolumeSource` for a volume's `emptyDir`. */
function embeddedIn(node: ObjectSchema, name: string, types: TypeResolver): string[] {
  for (const field of node.fields.values()) {
    if (field.inline !== true) continue;
    const inner = deref(field.schema, types);
    if (inner.kind !== "object" || inner.fields.get(name) === undefined) continue;
    return [shortName(goName(field.schema, types)), ...embeddedIn(inner, name, types)];
  }
  return [];
}

const shortName = (goType: string): string => goType.slice(goType.lastIndexOf(".") + 1);

/** The Go type as reflect prints it: `v1.ObjectMeta`, `map[string]string`, `[]v1.Container`. */
function goName(schema: Schema, types: TypeResolver): string {
  if (schema.goType !== undefined) return schema.goType;
  switch (schema.kind) {
    case "ref":
      return deref(schema, types).goType ?? schema.ref.split(".").slice(-2).join(".");
    case "map":
      return mapName(goName(schema.values, types), schema.values);
    case "list":
      return `[]${goName(schema.items, types)}`;
    case "boolean":
      return "bool";
    case "number":
      return schema.format === "float" ? "float32" : "float64";
    case "integer":
      return schema.format ?? "int64";
    case "string":
      return schema.format === "byte"
        ? "[]uint8"
        : schema.format === "quantity"
          ? "resource.Quantity"
          : "string";
    case "object":
      return "";
    case "any":
      if (schema.either !== undefined) return eitherName(schema.either).split(".").slice(-2).join(".");
      return schema.format === undefined ? "interface {}" : anyNames[schema.format];
  }
}

const anyNames = { json: "v1.JSON", "raw-extension": "runtime.RawExtension", "fields-v1": "v1.FieldsV1" };

/** A time among the values has its own name; only one map has keys of a type of their own. */
function mapName(values: string, { kind, ...schema }: Schema): string {
  if (kind === "string" && "format" in schema && schema.format === "time") return "map[string]v1.Time";
  return values === "v1.ClaimResourceStatus" ? `map[v1.ResourceName]${values}` : `map[string]${values}`;
}

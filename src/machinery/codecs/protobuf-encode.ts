/**
 * JSON trees to protobuf messages, as the generated Go code marshals the structs: fields by number, scalars and structs that are
 * not pointers always written, lists never packed, maps as entries sorted by key.
 */
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { eitherMessage, toEitherMessage } from "#machinery/schema/either.ts";
import { sortedKeys } from "#machinery/schema/order.ts";
import {
  deref,
  type Either,
  type Field,
  type ListSchema,
  type ObjectSchema,
  type ScalarSchema,
  type Schema,
  type TypeName,
  type TypeResolver,
} from "#machinery/schema/types.ts";
import { encodeMicroTime, encodeTime } from "./protobuf-times.ts";
import { wireBytes, wireFixed32, wireFixed64, wireVarint } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Writes a value's own bytes (of a message: without its length). Absent and null are written as the zero value. */
export type Encode = (value: JsonValue | undefined, out: WireWriter) => void;

/** How a value of one schema stands in a message. */
interface Form {
  readonly wireType: number;
  /** With the length in front, where there is one. */
  readonly write: Encode;
}

const emptyObject: JsonObject = {};

/** Compiles types on first use. Hold one for all encoding: it grows with the number of named types only. */
export class EncoderCompiler {
  readonly #types: TypeResolver;
  readonly #messages = new Map<TypeName, Encode>();

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  /** The encoder of a named struct. */
  message(name: TypeName): Encode {
    const known = this.#messages.get(name);
    if (known !== undefined) return known;
    let compiled: Encode | undefined;
    // Compiled when first used: a catalogue's types refer to most others.
    const lazy: Encode = (value, out) => {
      compiled ??= this.#object(this.#struct(name));
      compiled(value, out);
    };
    this.#messages.set(name, lazy);
    return lazy;
  }

  #struct(name: TypeName): ObjectSchema {
    const node = deref({ kind: "ref", ref: name }, this.#types);
    if (node.kind !== "object") throw new Error(`protobuf: ${name} is no message`);
    return node;
  }

  #object(schema: ObjectSchema): Encode {
    // Written backwards: the last field first.
    const writers = [...schema.fields.values()]
      .filter((field) => field.proto !== undefined)
      .sort((a, b) => b.proto! - a.proto!)
      .map((field) => this.#field(field, field.proto!));
    return (value, out) => {
      const object = isJsonObject(value) ? value : emptyObject;
      for (const write of writers) write(object, out);
    };
  }

  #field(field: Field, number: number): (object: JsonObject, out: WireWriter) => void {
    const write = this.#member(field, number);
    const { name } = field;
    if (field.inline === true) return write;
    if (name in emptyObject) {
      return (object, out) => write(Object.hasOwn(object, name) ? object[name] : undefined, out);
    }
    return (object, out) => write(object[name], out);
  }

  #member(field: Field, number: number): Encode {
    const node = deref(field.schema, this.#types);
    if (node.kind === "map") return this.#map(node.values, number);
    if (node.kind === "list" && node.wrapped !== true) return this.#list(node, number);
    const { wireType, write } = this.#form(field.schema);
    const tag = number * 8 + wireType;
    const absentIsNothing =
      field.pointer === true || node.kind === "list" || (node.kind === "string" && node.format === "byte");
    return (value, out) => {
      if (absentIsNothing && (value === undefined || value === null)) return;
      write(value, out);
      out.varint(tag);
    };
  }

  #list(schema: ListSchema, number: number): Encode {
    const { wireType, write } = this.#form(schema.items);
    const tag = number * 8 + wireType;
    return (value, out) => {
      if (!Array.isArray(value)) return;
      for (let i = value.length - 1; i >= 0; i--) {
        write(value[i], out);
        out.varint(tag);
      }
    };
  }

  #map(values: Schema, number: number): Encode {
    const { wireType, write } = this.#form(values);
    const valueTag = 2 * 8 + wireType;
    const tag = number * 8 + wireBytes;
    return (value, out) => {
      if (!isJsonObject(value)) return;
      const keys = sortedKeys(value);
      for (let i = keys.length - 1; i >= 0; i--) {
        const key = keys[i]!;
        const before = out.length;
        write(value[key], out);
        out.varint(valueTag);
        out.string(key);
        out.byte(8 + wireBytes);
        out.varint(out.length - before);
        out.varint(tag);
      }
    };
  }

  #either(either: Either): Encode {
    const message = this.#object(eitherMessage(either));
    return (value, out) => message(toEitherMessage(value, either.or), out);
  }

  #form(schema: Schema): Form {
    if (schema.kind === "ref") {
      const node = deref(schema, this.#types);
      return node.kind === "object" ? delimited(this.message(schema.ref)) : this.#form(node);
    }
    switch (schema.kind) {
      case "object":
        return delimited(this.#object(schema));
      case "list":
        return delimited(this.#list(schema, 1));
      case "map":
        throw new Error("protobuf: a map stands only in a field");
      case "any":
        return delimited(schema.either === undefined ? rawJson : this.#either(schema.either));
      default:
        return scalarForm(schema);
    }
  }
}

function delimited(content: Encode): Form {
  return {
    wireType: wireBytes,
    write: (value, out) => {
      const before = out.length;
      content(value, out);
      out.varint(out.length - before);
    },
  };
}

/** RawExtension, JSON and FieldsV1 all hold their JSON as bytes in field 1. */
const rawJson: Encode = (value, out) => {
  if (value === undefined || value === null) return;
  out.string(writeJson(value));
  out.byte(8 + wireBytes);
};

function scalarForm(schema: ScalarSchema): Form {
  switch (schema.kind) {
    case "boolean":
      return { wireType: wireVarint, write: (value, out) => out.byte(value === true ? 1 : 0) };
    case "integer":
      return { wireType: wireVarint, write: integer };
    case "number":
      return schema.format === "float"
        ? { wireType: wireFixed32, write: (value, out) => out.fixed32(Number(value ?? 0)) }
        : { wireType: wireFixed64, write: (value, out) => out.fixed64(Number(value ?? 0)) };
    default:
      return stringForm(schema.format);
  }
}

function stringForm(format: ScalarSchema["format"]): Form {
  switch (format) {
    case "byte":
      return {
        wireType: wireBytes,
        write: (value, out) => {
          const bytes = Buffer.from(text(value), "base64");
          out.bytes(bytes);
          out.varint(bytes.length);
        },
      };
    case "time":
      return delimited(encodeTime);
    case "micro-time":
      return delimited(encodeMicroTime);
    case "quantity":
      return delimited((value, out) => {
        out.string(value === undefined || value === null ? "0" : text(value));
        out.byte(8 + wireBytes);
      });
    case "int-or-string":
      return delimited((value, out) => {
        const isText = typeof value === "string";
        out.string(isText ? value : "");
        out.byte(3 * 8 + wireBytes);
        integer(isText ? 0 : value, out);
        out.byte(2 * 8 + wireVarint);
        out.byte(isText ? 1 : 0);
        out.byte(8 + wireVarint);
      });
    case "duration":
      throw new Error("protobuf: no built-in kind has a duration");
    default:
      return { wireType: wireBytes, write: (value, out) => out.string(text(value)) };
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

function integer(value: JsonValue | undefined, out: WireWriter): void {
  if (typeof value === "number") {
    if (value >= 0) out.varint(value);
    else out.varint64(BigInt(value));
  } else if (value !== undefined && isRawNumber(value)) out.varint64(BigInt(value.rawJSON));
  else out.byte(0);
}

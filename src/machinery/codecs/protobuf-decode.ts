/**
 * Protobuf messages to JSON trees. Unknown fields are skipped. The tree holds what was on the wire; the schema's walk
 * (`schema/decode.ts`) then drops zero values and writes the normal forms, as for JSON.
 */
import { maxJsonDepth } from "#machinery/json/limits.ts";
import { readJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject, type JsonValue, rawNumber, setOwn } from "#machinery/json/value.ts";
import { eitherMessage, eitherName, fromEitherMessage, toEitherMessage } from "#machinery/schema/either.ts";
import {
  deref,
  type Either,
  type Field,
  type ObjectSchema,
  type ScalarSchema,
  type Schema,
  type TypeName,
  type TypeResolver,
} from "#machinery/schema/types.ts";
import { decodeTime } from "./protobuf-times.ts";
import {
  checkTag,
  fieldNumber,
  isField,
  WireError,
  WireReader,
  wireBytes,
  wireFixed32,
  wireFixed64,
  wireVarint,
} from "./wire-reader.ts";

/** Reads the content of a message into `target`. */
type DecodeMessage = (reader: WireReader, target: JsonObject, depth: number) => void;

/** Reads one value; `previous` is what an earlier occurrence of the field gave, which messages are merged into. */
interface Form {
  readonly wireType: number;
  readonly read: (reader: WireReader, depth: number, previous: JsonValue | undefined) => JsonValue;
  /** Of a value that is not on the wire, in a map's entry. */
  readonly zero: () => JsonValue;
}

interface Member {
  readonly wireType: number;
  readonly read: (reader: WireReader, target: JsonObject, depth: number) => void;
}

/** Compiles types on first use. Hold one for all decoding: it grows with the number of named types only. */
export class DecoderCompiler {
  readonly #types: TypeResolver;
  readonly #messages = new Map<TypeName, DecodeMessage>();

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  /** Decodes the message of a named struct. Throws {@link WireError} for broken input. */
  decode(name: TypeName, bytes: Buffer): JsonObject {
    const target: JsonObject = {};
    this.#message(name)(new WireReader(bytes), target, 0);
    return target;
  }

  #message(name: TypeName): DecodeMessage {
    const known = this.#messages.get(name);
    if (known !== undefined) return known;
    let compiled: DecodeMessage | undefined;
    const lazy: DecodeMessage = (reader, target, depth) => {
      if (compiled === undefined) {
        const node = deref({ kind: "ref", ref: name }, this.#types);
        if (node.kind !== "object") throw new Error(`protobuf: ${name} is no message`);
        compiled = this.#object(node, name.slice(name.lastIndexOf(".") + 1));
      }
      compiled(reader, target, depth);
    };
    this.#messages.set(name, lazy);
    return lazy;
  }

  #object(schema: ObjectSchema, name: string): DecodeMessage {
    const members = new Map<number, Member>();
    for (const field of schema.fields.values()) {
      if (field.proto !== undefined) members.set(field.proto, this.#member(field));
    }
    return (reader, target, depth) => {
      if (depth > maxJsonDepth) throw new WireError("proto: nested too deep");
      while (!reader.done) {
        const tag = reader.varint();
        const number = fieldNumber(tag);
        const wireType = tag % 8;
        checkTag(tag, name);
        const member = members.get(number);
        if (member === undefined) reader.skip(wireType);
        else if (member.wireType === wireType) member.read(reader, target, depth);
        else throw new WireError(`proto: wrong wireType = ${wireType} for field ${number} of ${name}`);
      }
    };
  }

  #member(field: Field): Member {
    const { name } = field;
    if (field.inline === true) {
      if (field.schema.kind !== "ref") throw new Error(`protobuf: embedded ${name} must be a named type`);
      const message = this.#message(field.schema.ref);
      return { wireType: wireBytes, read: (reader, target, depth) => nested(reader, message, target, depth) };
    }
    const node = deref(field.schema, this.#types);
    if (node.kind === "map") return this.#map(name, node.values);
    if (node.kind === "list" && node.wrapped !== true) {
      const form = this.#form(node.items);
      return {
        wireType: form.wireType,
        read: (reader, target, depth) => {
          const list = own(target, name);
          const item = form.read(reader, depth, undefined);
          if (Array.isArray(list)) list.push(item);
          else setOwn(target, name, [item]);
        },
      };
    }
    const form = this.#form(field.schema);
    return {
      wireType: form.wireType,
      read: (reader, target, depth) => setOwn(target, name, form.read(reader, depth, own(target, name))),
    };
  }

  #map(name: string, values: Schema): Member {
    const form = this.#form(values);
    return {
      wireType: wireBytes,
      read: (reader, target, depth) => {
        let key = "";
        let value: JsonValue | undefined;
        const outer = reader.enter();
        while (!reader.done) {
          const tag = reader.varint();
          // As upstream's generated code, which does not look at the wire types of entries.
          const number = fieldNumber(tag);
          if (number === 1) key = reader.string();
          else if (number === 2) value = form.read(reader, depth + 1, undefined);
          else reader.skip(tag & 7);
        }
        reader.leave(outer);
        let map = own(target, name);
        if (!isJsonObject(map)) {
          map = {};
          setOwn(target, name, map);
        }
        setOwn(map, key, value ?? form.zero());
      },
    };
  }

  #form(schema: Schema): Form {
    if (schema.kind === "ref") {
      const node = deref(schema, this.#types);
      if (node.kind !== "object") return this.#form(node);
      return messageForm(this.#message(schema.ref));
    }
    switch (schema.kind) {
      case "object":
        return messageForm(this.#object(schema, "message"));
      case "list":
        return this.#wrapped(schema.items);
      case "map":
        throw new Error("protobuf: a map stands only in a field");
      case "any":
        return schema.either === undefined ? rawForm : this.#either(schema.either);
      default:
        return scalarForm(schema);
    }
  }

  #either(either: Either): Form {
    const form = messageForm(this.#object(eitherMessage(either), eitherName(either).split(".").at(-1)!));
    const told = (message: JsonValue): JsonValue => fromEitherMessage(message as JsonObject, either.or);
    return {
      wireType: wireBytes,
      zero: () => told({}),
      read: (reader, depth, previous) =>
        told(
          form.read(reader, depth, previous === undefined ? undefined : toEitherMessage(previous, either.or)),
        ),
    };
  }

  #wrapped(items: Schema): Form {
    const form = this.#form(items);
    return {
      wireType: wireBytes,
      zero: () => [],
      read: (reader, depth, previous) => {
        const list = Array.isArray(previous) ? previous : [];
        const outer = reader.enter();
        while (!reader.done) {
          const tag = reader.varint();
          if (isField(tag, 1, form.wireType)) list.push(form.read(reader, depth + 1, undefined));
          else reader.skip(tag & 7);
        }
        reader.leave(outer);
        return list;
      },
    };
  }
}

const own = (target: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(target, name) ? target[name] : undefined;

function nested(reader: WireReader, message: DecodeMessage, target: JsonObject, depth: number): void {
  const outer = reader.enter();
  message(reader, target, depth + 1);
  reader.leave(outer);
}

const messageForm = (message: DecodeMessage): Form => ({
  wireType: wireBytes,
  zero: () => ({}),
  read: (reader, depth, previous) => {
    const target = isJsonObject(previous) ? previous : {};
    nested(reader, message, target, depth);
    return target;
  },
});

/** A message that one function reads as a whole. */
const delimited = (zero: JsonValue, content: (reader: WireReader) => JsonValue): Form => ({
  wireType: wireBytes,
  zero: () => zero,
  read: (reader) => {
    const outer = reader.enter();
    const value = content(reader);
    reader.leave(outer);
    return value;
  },
});

const rawForm = delimited(null, (reader) => {
  const bytes = fieldOne(reader, (inner) => inner.bytes());
  return bytes === undefined || bytes.length === 0 ? null : readJson(bytes);
});

function fieldOne<T>(reader: WireReader, read: (reader: WireReader) => T): T | undefined {
  let value: T | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    if (isField(tag, 1, wireBytes)) value = read(reader);
    else reader.skip(tag & 7);
  }
  return value;
}

function scalarForm(schema: ScalarSchema): Form {
  switch (schema.kind) {
    case "boolean":
      return { wireType: wireVarint, zero: () => false, read: (reader) => reader.varint() !== 0 };
    case "integer":
      return integerForm(schema.format);
    case "number":
      return schema.format === "float"
        ? { wireType: wireFixed32, zero: () => 0, read: (reader) => reader.float() }
        : { wireType: wireFixed64, zero: () => 0, read: (reader) => reader.double() };
    default:
      return stringForm(schema.format);
  }
}

function integerForm(format: ScalarSchema["format"]): Form {
  const bits = format === "int32" || format === "uint32" ? 32 : 64;
  const signed = format !== "uint32" && format !== "uint64";
  return {
    wireType: wireVarint,
    zero: () => 0,
    read: (reader) => {
      const wire = reader.varint64();
      const value = signed ? BigInt.asIntN(bits, wire) : BigInt.asUintN(bits, wire);
      const small = Number(value);
      return Number.isSafeInteger(small) ? small : rawNumber(value.toString());
    },
  };
}

const int32 = integerForm("int32");

function stringForm(format: ScalarSchema["format"]): Form {
  switch (format) {
    case "byte":
      return { wireType: wireBytes, zero: () => "", read: (reader) => reader.bytes().toString("base64") };
    case "time":
      return delimited(null, (reader) => decodeTime(reader, false));
    case "micro-time":
      return delimited(null, (reader) => decodeTime(reader, true));
    case "quantity":
      return delimited("0", (reader) => fieldOne(reader, (inner) => inner.string()) ?? "0");
    case "int-or-string":
      return delimited(0, intOrString);
    case "duration":
      throw new Error("protobuf: no built-in kind has a duration");
    default:
      return { wireType: wireBytes, zero: () => "", read: (reader) => reader.string() };
  }
}

function intOrString(reader: WireReader): JsonValue {
  let type = 0;
  let integer: JsonValue = 0;
  let text = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (isField(tag, 1, wireVarint)) type = reader.varint();
    else if (isField(tag, 2, wireVarint)) integer = int32.read(reader, 0, undefined);
    else if (isField(tag, 3, wireBytes)) text = reader.string();
    else reader.skip(tag & 7);
  }
  if (type > 1) throw new WireError("impossible IntOrString.Type");
  return type === 1 ? text : integer;
}

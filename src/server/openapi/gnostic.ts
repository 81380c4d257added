/**
 * Documents as the protobuf messages of github.com/google/gnostic-models, which is what OpenAPI's protobuf forms are. A
 * message is described by its members: their names in JSON and their numbers. Written backwards, as {@link WireWriter} does.
 */
import { WireWriter } from "#machinery/codecs/wire-writer.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";

/** Writes a value as a field of that number; values of another kind, and zeros, are left out. */
export type FieldWriter = (out: WireWriter, number: number, value: JsonValue) => void;
/** Writes the content of a message. */
export type MessageWriter = (out: WireWriter, value: JsonValue) => void;

const tag = (out: WireWriter, number: number, wireType: number): void => out.varint(number * 8 + wireType);

export const text: FieldWriter = (out, number, value) => {
  if (typeof value !== "string" || value === "") return;
  out.string(value);
  tag(out, number, 2);
};

export const bool: FieldWriter = (out, number, value) => {
  if (value !== true) return;
  out.byte(1);
  tag(out, number, 0);
};

/** Members of a oneof are written also when they are zero. */
export const presentBool: FieldWriter = (out, number, value) => {
  out.byte(value === true ? 1 : 0);
  tag(out, number, 0);
};

export const int64: FieldWriter = (out, number, value) => {
  const whole = Math.trunc(numeric(value));
  if (!Number.isFinite(whole) || whole === 0) return;
  out.varint64(BigInt(whole));
  tag(out, number, 0);
};

export const double: FieldWriter = (out, number, value) => {
  const float = numeric(value);
  if (!Number.isFinite(float) || float === 0) return;
  out.fixed64(float);
  tag(out, number, 1);
};

/** Raw numbers are digits; neither they nor other numbers are kept beyond a double. */
const numeric = (value: JsonValue): number =>
  typeof value === "number" ? value : Number(typeof value === "object" ? writeJson(value) : Number.NaN);

/** gnostic's Any: the value as YAML, which JSON is. */
export const any: FieldWriter = (out, number, value) =>
  embed(out, number, () => text(out, 2, writeJson(value)));

export const message =
  (of: MessageWriter): FieldWriter =>
  (out, number, value) =>
    embed(out, number, () => (value instanceof Encoded ? out.bytes(value.bytes) : of(out, value)));

/** Stands in the place of a value of which the message was written before. */
class Encoded {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Members of a map that are written in one go: about a millisecond. */
const membersAtOnce = 500;

/**
 * A schema whose large `properties`, at any depth, are written already, by the writer of their message; yields where it may be interrupted.
 */
export function* withProperties(schema: JsonObject, writer: MessageWriter): Generator<undefined, JsonObject> {
  let out = schema;
  for (const part of ["items", "additionalProperties"]) {
    const value = schema[part];
    const made = isJsonObject(value) ? yield* withProperties(value, writer) : value;
    if (made !== value) out = { ...out, [part]: made! };
  }
  const { properties } = schema;
  if (!isJsonObject(properties)) return out;
  const members = Object.entries(properties);
  let changed = members.length > membersAtOnce;
  for (const [index, [name, member]] of members.entries()) {
    if (index % membersAtOnce === 0) yield;
    const made = isJsonObject(member) ? yield* withProperties(member, writer) : member;
    if (made === member) continue;
    members[index] = [name, made];
    changed = true;
  }
  if (!changed) return out;
  const wire = new WireWriter();
  for (let end = members.length; end > 0; end -= membersAtOnce) {
    writer(wire, Object.fromEntries(members.slice(Math.max(0, end - membersAtOnce), end)));
    yield;
  }
  return { ...out, properties: new Encoded(wire.take()) as unknown as JsonObject };
}

export const list =
  (of: FieldWriter): FieldWriter =>
  (out, number, value) => {
    if (!Array.isArray(value)) return;
    for (let i = value.length - 1; i >= 0; i--) of(out, number, value[i]!);
  };

/** A map: its members as repeated messages {1: name, 2: value}. */
export const named =
  (of: FieldWriter): FieldWriter =>
  (out, number, value) => {
    if (!isJsonObject(value)) return;
    for (const [name, member] of Object.entries(value).reverse()) {
      embed(out, number, () => {
        of(out, 2, member);
        text(out, 1, name);
      });
    }
  };

/** A message with named members; names that begin with `x-` become its extensions. */
export function struct(
  members: () => readonly (readonly [name: string, number: number, of: FieldWriter])[],
  extensions?: number,
): MessageWriter {
  let known: ReadonlyMap<string, readonly [number, FieldWriter]> | undefined;
  return (out, value) => {
    known ??= new Map(members().map(([name, number, of]) => [name, [number, of]]));
    if (!isJsonObject(value)) return;
    // Fields may stand in any order; this one is the least work.
    for (const [name, member] of Object.entries(value).reverse()) {
      const field = known.get(name);
      if (field !== undefined) field[1](out, field[0], member);
      else if (extensions !== undefined && name.startsWith("x-"))
        extension(out, extensions, { [name]: member });
    }
  };
}

const extension = named(any);

/** A message that holds nothing but one field. */
export const wrapper =
  (number: number, of: FieldWriter): MessageWriter =>
  (out, value) =>
    of(out, number, value);

/** A message that holds one of several, by what the value is. */
export const choice =
  (choose: (value: JsonValue) => readonly [number, FieldWriter]): MessageWriter =>
  (out, value) => {
    const [number, of] = choose(value);
    of(out, number, value);
  };

export const isReference = (value: JsonValue): value is JsonObject =>
  isJsonObject(value) && value.$ref !== undefined;

/** Messages that are the same in both versions. */
export const reference = struct(() => [["$ref", 1, text]]);
export const externalDocs = struct(
  () => [
    ["description", 1, text],
    ["url", 2, text],
  ],
  3,
);

function embed(out: WireWriter, number: number, write: () => void): void {
  const end = out.length;
  write();
  out.varint(out.length - end);
  tag(out, number, 2);
}

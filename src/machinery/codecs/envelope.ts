/**
 * What stands around protobuf messages on the wire: the `k8s\0` envelope (apimachinery runtime.Unknown), lists with their items
 * inline, and the frames of a watch.
 */
import { badRequest } from "#machinery/errors/errors.ts";
import type { Status } from "#machinery/errors/status-error.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { type CodecSource, codecOf, type ProtobufCodec } from "./protobuf.ts";
import { checkTag, WireError, WireReader, wireBytes } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

const magic = Buffer.from("k8s\0", "latin1");
const field = (number: number): number => number * 8 + wireBytes;
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Of runtime.Unknown, by their numbers. */
const envelopeFields: readonly (string | undefined)[] = [
  undefined,
  "TypeMeta",
  "Raw",
  "ContentEncoding",
  "ContentType",
];

/** A message and what it is. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** A view of the given bytes. */
  readonly raw: Buffer;
}

/**
 * Opens `k8s\0` + Unknown {1: TypeMeta {1: apiVersion, 2: kind}, 2: raw, 3: contentEncoding, 4: contentType}.
 * @throws StatusError 400 for anything else
 */
export function decodeEnvelope(bytes: Buffer): Envelope {
  if (bytes.length === 0) throw badRequest("empty data");
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw badRequest(
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  }
  if (bytes.length === magic.length) throw badRequest("empty body");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  try {
    const reader = new WireReader(bytes.subarray(magic.length));
    while (!reader.done) {
      const tag = reader.varint();
      checkTag(tag, "Unknown");
      const name = envelopeFields[Math.floor(tag / 8)];
      if (name !== undefined && tag % 8 !== wireBytes)
        throw new WireError(`proto: wrong wireType = ${tag % 8} for field ${name}`);
      if (tag === field(2)) raw = reader.bytes();
      else if (tag !== field(1)) reader.skip(tag & 7);
      else {
        const outer = reader.enter();
        while (!reader.done) {
          const inner = reader.varint();
          checkTag(inner, "TypeMeta");
          const member = [undefined, "APIVersion", "Kind"][Math.floor(inner / 8)];
          if (member !== undefined && inner % 8 !== wireBytes)
            throw new WireError(`proto: wrong wireType = ${inner % 8} for field ${member}`);
          if (inner === field(1)) apiVersion = reader.string();
          else if (inner === field(2)) kind = reader.string();
          else reader.skip(inner & 7);
        }
        reader.leave(outer);
      }
    }
  } catch (error) {
    if (error instanceof WireError) throw badRequest(error.message);
    throw error;
  }
  return { apiVersion, kind, raw };
}

/** Puts a message into an envelope. `raw` may come in pieces. */
export function encodeEnvelope(apiVersion: string, kind: string, ...raw: readonly Uint8Array[]): Buffer {
  const length = raw.reduce((sum, piece) => sum + piece.length, 0);
  const head = new WireWriter(128);
  head.varint(length);
  head.byte(field(2));
  typeMeta(head, apiVersion, kind);
  head.bytes(magic);
  return Buffer.concat([head.take(), ...raw, emptyContentFields]);
}

/** contentEncoding and contentType are always written, and are empty for protobuf. */
const emptyContentFields = Buffer.from([field(3), 0, field(4), 0]);

function typeMeta(out: WireWriter, apiVersion: string, kind: string): void {
  const before = out.length;
  out.string(kind);
  out.byte(field(2));
  out.string(apiVersion);
  out.byte(field(1));
  out.varint(out.length - before);
  out.byte(field(1));
}

/** An object in its envelope; apiVersion and kind are the object's own. */
export function encodeObjectProtobuf(source: CodecSource, type: TypeName, object: object): Buffer {
  const { apiVersion, kind } = object as { apiVersion?: unknown; kind?: unknown };
  const raw = codecOf(source).encode(type, object as JsonObject);
  return encodeEnvelope(String(apiVersion ?? ""), String(kind ?? ""), raw);
}

/** A meta/v1 Status in its envelope. */
export const encodeStatusProtobuf = (source: CodecSource, status: Status): Buffer =>
  encodeObjectProtobuf(source, `${meta}.Status`, status);

/** The item of a list as field 2 of the list's message. All lists have `metadata = 1` and `repeated items = 2`. */
export function encodeListItem(codec: ProtobufCodec, type: TypeName, object: object): Buffer {
  const encode = codec.encoder(type);
  return codec.write((value, out) => {
    encode(value, out);
    out.varint(out.length);
    out.byte(field(2));
  }, object as JsonObject);
}

/** A list in its envelope, from the items that {@link encodeListItem} made. */
export function encodeList(
  source: CodecSource,
  apiVersion: string,
  kind: string,
  listMeta: object,
  items: readonly Uint8Array[],
): Buffer {
  const codec = codecOf(source);
  const encode = codec.encoder(`${meta}.ListMeta`);
  const head = codec.write((value, out) => {
    encode(value, out);
    out.varint(out.length);
    out.byte(field(1));
  }, listMeta as JsonValue);
  return encodeEnvelope(apiVersion, kind, head, ...items);
}

/** A watch frame: 4 bytes of length, big endian, then WatchEvent {1: type, 2: RawExtension {1: the object's envelope}}. */
export function encodeWatchFrame(type: string, envelope: Uint8Array): Buffer {
  const out = new WireWriter(envelope.length + 32);
  out.bytes(envelope);
  out.varint(envelope.length);
  out.byte(field(1));
  out.varint(out.length);
  out.byte(field(2));
  out.string(type);
  out.byte(field(1));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(out.length);
  out.bytes(length);
  return out.take();
}

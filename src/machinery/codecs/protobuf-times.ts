/** meta/v1 Time and MicroTime in protobuf: `{seconds = 1, nanos = 2}`, and an empty message for the zero time. */
import type { JsonValue } from "#machinery/json/value.ts";
import { isField, WireError, type WireReader, wireVarint } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** 0001-01-01T00:00:00Z, Go's zero time, and the last second that RFC 3339 can write. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** Time is written in whole seconds (apimachinery meta/v1 time_proto.go). */
export function encodeTime(value: JsonValue | undefined, out: WireWriter): void {
  if (typeof value === "string") timestamp(value, 0, out);
}

/** MicroTime keeps its six digits. */
export function encodeMicroTime(value: JsonValue | undefined, out: WireWriter): void {
  if (typeof value !== "string") return;
  const digits = /\.(\d{6})Z$/.exec(value)?.[1] ?? "0";
  timestamp(value, Number(digits) * 1_000, out);
}

function timestamp(text: string, nanos: number, out: WireWriter): void {
  const ms = Date.parse(text.length > 20 ? `${text.slice(0, 19)}Z` : text);
  if (Number.isNaN(ms)) throw new Error(`protobuf: not a normalised time: ${JSON.stringify(text)}`);
  out.varint(nanos);
  out.byte(2 * 8 + wireVarint);
  const seconds = ms / 1_000;
  if (seconds >= 0) out.varint(seconds);
  else out.varint64(BigInt(seconds));
  out.byte(8 + wireVarint);
}

/** Reads the content of either message; null for the zero time. */
export function decodeTime(reader: WireReader, micro: boolean): string | null {
  let seconds = 0;
  let nanos = 0;
  let empty = true;
  while (!reader.done) {
    empty = false;
    const tag = reader.varint();
    if (isField(tag, 1, wireVarint)) seconds = Number(BigInt.asIntN(64, reader.varint64()));
    else if (isField(tag, 2, wireVarint)) nanos = Number(BigInt.asIntN(32, reader.varint64()));
    else reader.skip(tag & 7);
  }
  if (empty || (seconds === firstSecond && (nanos === 0 || !micro))) return null;
  if (seconds < firstSecond || seconds > lastSecond) throw new WireError("year outside of range [0,9999]");
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  const micros = Math.min(Math.max(Math.floor(nanos / 1_000), 0), 999_999);
  return `${text}.${String(micros).padStart(6, "0")}Z`;
}

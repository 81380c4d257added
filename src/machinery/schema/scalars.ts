/** Scalars as Go reads and prints them. */
import { isRawNumber, type JsonValue, type RawNumber, rawNumber } from "#machinery/json/value.ts";
import { canonicalDuration } from "#machinery/values/duration.ts";
import { canonicalQuantity } from "#machinery/values/quantity.ts";
import { canonicalMicroTime, canonicalTime } from "#machinery/values/time.ts";
import { deref, type ScalarFormat, type ScalarSchema, type Schema, type TypeResolver } from "./types.ts";
import { type Walker, wrongType } from "./walk.ts";

/** The zero value of a type that is not a struct with fields, as Go prints it: nil lists, maps and bytes are null. */
export function zeroOf(schema: Schema, types: TypeResolver): JsonValue {
  const node = deref(schema, types);
  switch (node.kind) {
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return false;
    case "string":
      return zeroOfFormat(node.format);
    default:
      return null;
  }
}

function zeroOfFormat(format: ScalarFormat | undefined): JsonValue {
  switch (format) {
    case "quantity":
      return "0";
    case "int-or-string":
      return 0;
    case "duration":
      return "0s";
    case "time":
    case "micro-time":
    case "byte":
      return null;
    default:
      return "";
  }
}

/**
 * The zero value that the published documents give scalars as a default; undefined where they give none: to Go's types that
 * are texts on the wire, and to everything else.
 */
export function publishedZero(schema: Schema): JsonValue | undefined {
  switch (schema.kind) {
    case "string":
      return schema.format === undefined ? "" : undefined;
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return false;
    default:
      return undefined;
  }
}

/** The walker of a scalar. None of them gets null, except where null is the zero that Go prints (times). */
export function scalarWalker(schema: ScalarSchema): Walker {
  switch (schema.kind) {
    case "boolean":
      return (value) => {
        if (typeof value !== "boolean") throw wrongType;
        return value;
      };
    case "integer":
      return integerWalker(schema.format);
    case "number":
      return (value) => {
        if (typeof value === "number") return value;
        if (!isRawNumber(value) || !Number.isFinite(Number(value.rawJSON))) throw wrongType;
        return Number(value.rawJSON);
      };
    default:
      return stringWalker(schema.format);
  }
}

function integerWalker(format: ScalarFormat | undefined): Walker {
  const [low, high] = integerRange(format);
  const safe = low >= Number.MIN_SAFE_INTEGER && high <= Number.MAX_SAFE_INTEGER;
  const min = Number(low);
  const max = Number(high);
  return (value) => {
    if (typeof value === "number") {
      if (!Number.isInteger(value)) throw wrongType;
      if (Number.isSafeInteger(value)) {
        if (value < min || value > max) throw wrongType;
        return value + 0; // -0 becomes 0
      }
      // Beyond 2^53 only an exponent (1e18) comes as a double; Go prints it digit by digit.
      return bigInteger(BigInt(value), low, high);
    }
    if (safe || !isRawNumber(value) || !/^-?\d+$/.test(value.rawJSON)) throw wrongType;
    return bigInteger(BigInt(value.rawJSON), low, high);
  };
}

function bigInteger(value: bigint, low: bigint, high: bigint): number | RawNumber {
  if (value < low || value > high) throw wrongType;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : rawNumber(value.toString());
}

/** Bounds of an integer format; int64 when none is given. */
export function integerRange(format: ScalarFormat | undefined): readonly [low: bigint, high: bigint] {
  switch (format) {
    case "int32":
      return [-(2n ** 31n), 2n ** 31n - 1n];
    case "uint32":
      return [0n, 2n ** 32n - 1n];
    case "uint64":
      return [0n, 2n ** 64n - 1n];
    default:
      return [-(2n ** 63n), 2n ** 63n - 1n];
  }
}

function stringWalker(format: ScalarFormat | undefined): Walker {
  switch (format) {
    case "time":
      return formatted(canonicalTime);
    case "micro-time":
      return formatted(canonicalMicroTime);
    case "duration":
      return formatted(canonicalDuration);
    case "quantity":
      return (value) => {
        const text = typeof value === "number" ? String(value) : isRawNumber(value) ? value.rawJSON : value;
        if (typeof text !== "string") throw wrongType;
        const canonical = canonicalQuantity(text);
        if (typeof canonical !== "string") throw wrongType;
        return canonical;
      };
    case "int-or-string": {
      const integer = integerWalker("int32");
      return (value, state) => (typeof value === "string" ? value.toWellFormed() : integer(value, state));
    }
    case "byte":
      return (value) => {
        const bytes = typeof value === "string" ? canonicalBase64(value) : bytesOfList(value);
        if (bytes === undefined) throw wrongType;
        return bytes;
      };
    default:
      return (value) => {
        if (typeof value !== "string") throw wrongType;
        return value.toWellFormed();
      };
  }
}

/** `canonical` answers the normal text, null for the zero time, or an error. */
function formatted(canonical: (text: string) => string | null | Error): Walker {
  return (value) => {
    if (value === null) return null;
    if (typeof value !== "string") throw wrongType;
    const text = canonical(value);
    if (text instanceof Error) throw wrongType;
    return text;
  };
}

/** Standard base64 with padding as Go reads it (line breaks ignored, spare bits dropped); undefined when malformed. */
export function canonicalBase64(text: string): string | undefined {
  const decoded = Buffer.from(text, "base64").toString("base64");
  if (decoded === text) return text;
  const stripped = text.replaceAll(/[\r\n]/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(stripped) || stripped.length % 4 !== 0) return undefined;
  return Buffer.from(stripped, "base64").toString("base64");
}

/** Go also reads a list of numbers into bytes. */
function bytesOfList(value: JsonValue): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const isByte = (item: JsonValue): boolean =>
    item === null || (typeof item === "number" && Number.isInteger(item) && item >= 0 && item <= 255);
  if (!value.every(isByte)) return undefined;
  return Buffer.from(value.map(Number)).toString("base64");
}

/** Where Go's decoder stops: the first byte outside the alphabet, or the start of an incomplete group. */
export function firstBadBase64(text: string): number {
  const bad = /[^A-Za-z0-9+/\r\n]/.exec(text);
  if (bad !== null) return bad.index;
  return Math.max(0, text.length - (text.length % 4));
}

/** Conversions between types, as `int(x)` and `string(x)` (cel-go's ConvertToType). */

import { parseDuration } from "#machinery/values/duration.ts";
import { decodeUtf8, encodeUtf8 } from "./bytes.ts";
import { formatF, formatG, parseFloat64 } from "./go-format.ts";
import { canonicalInt, checkedInt, maxUint64 } from "./integers.ts";
import { isInt, typeName } from "./operations.ts";
import { isTimestampSeconds, parseTimestamp, timestampOverflow, timestampText } from "./timestamps.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  type CelResult,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "./values.ts";

const integerOverflow = new CelError("integer overflow");
const unsignedOverflow = new CelError("unsigned integer overflow");

function failed(value: CelValue, to: string): CelError {
  return new CelError(`type conversion error from '${typeName(value)}' to '${to}'`);
}

export function toInt(value: CelValue): CelResult {
  if (isInt(value)) return value;
  if (value instanceof CelUint) return checkedInt(value.value) ?? integerOverflow;
  if (value instanceof CelDouble) {
    if (!(Math.abs(value.value) < 2 ** 63)) return integerOverflow;
    return canonicalInt(BigInt(Math.trunc(value.value)));
  }
  if (value instanceof CelDuration) return canonicalInt(value.nanos);
  if (value instanceof CelTimestamp) return value.seconds;
  if (typeof value === "string" && /^[+-]?\d+$/.test(value)) {
    const result = checkedInt(BigInt(value.startsWith("+") ? value.slice(1) : value));
    if (result !== undefined) return result;
  }
  return failed(value, "int");
}

export function toUint(value: CelValue): CelResult {
  if (value instanceof CelUint) return value;
  if (isInt(value)) return value < 0 ? unsignedOverflow : new CelUint(BigInt(value));
  if (value instanceof CelDouble) {
    if (!(value.value >= 0 && value.value < 2 ** 64)) return unsignedOverflow;
    return new CelUint(BigInt(Math.trunc(value.value)));
  }
  if (typeof value === "string" && /^\d+$/.test(value)) {
    const result = BigInt(value);
    if (result <= maxUint64) return new CelUint(result);
  }
  return failed(value, "uint");
}

export function toDouble(value: CelValue): CelResult {
  if (value instanceof CelDouble) return value;
  if (isInt(value)) return new CelDouble(Number(value));
  if (value instanceof CelUint) return new CelDouble(Number(value.value));
  if (typeof value === "string") {
    const result = parseFloat64(value);
    if (result !== undefined) return new CelDouble(result);
  }
  return failed(value, "double");
}

export function toBool(value: CelValue): CelResult {
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  }
  return failed(value, "bool");
}

export function toBytes(value: CelValue): CelResult {
  if (value instanceof CelBytes) return value;
  return typeof value === "string" ? new CelBytes(encodeUtf8(value)) : failed(value, "bytes");
}

export function toText(value: CelValue): CelResult {
  if (typeof value === "string") return value;
  if (isInt(value) || typeof value === "boolean") return String(value);
  if (value === null) return "null";
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelDouble) return formatG(value.value);
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof CelDuration) return durationSeconds(value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelBytes)
    return decodeUtf8(value.value) ?? new CelError("invalid UTF-8 in bytes, cannot convert to string");
  return failed(value, "string");
}

/** A duration as seconds: `90s`, `0.5s`. */
function durationSeconds({ nanos }: CelDuration): string {
  const billion = 1_000_000_000n;
  return `${formatF(Number(nanos / billion) + Number(nanos % billion) / 1e9)}s`;
}

export function toDuration(value: CelValue): CelResult {
  if (value instanceof CelDuration) return value;
  if (typeof value === "string") {
    const nanos = parseDuration(value);
    if (typeof nanos === "bigint") return new CelDuration(nanos);
  }
  return failed(value, "google.protobuf.Duration");
}

export function toTimestamp(value: CelValue): CelResult {
  if (value instanceof CelTimestamp) return value;
  if (isInt(value)) {
    const seconds = Number(value);
    return isTimestampSeconds(seconds) ? new CelTimestamp(seconds, 0) : timestampOverflow;
  }
  return (
    (typeof value === "string" ? parseTimestamp(value) : undefined) ??
    failed(value, "google.protobuf.Timestamp")
  );
}

export const toType = (value: CelValue): CelTypeValue => new CelTypeValue(typeName(value));

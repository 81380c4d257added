/** Values as the oracle writes them: each tagged with its type (conformance/oracle/cel.go). */

import { formatG } from "../go-format.ts";
import { timestampText } from "../timestamps.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  type CelResult,
  CelTimestamp,
  CelTypeValue,
  CelUint,
} from "../values.ts";

export function tagged(value: CelResult): unknown {
  if (value === null) return { null: true };
  if (typeof value === "boolean") return { bool: value };
  if (typeof value === "string") return { string: value };
  if (typeof value === "number" || typeof value === "bigint") return { int: String(value) };
  if (value instanceof CelUint) return { uint: String(value.value) };
  if (value instanceof CelDouble) return { double: formatG(value.value) };
  if (value instanceof CelBytes) return { bytes: Buffer.from(value.value).toString("base64") };
  if (value instanceof CelTimestamp) return { timestamp: timestampText(value) };
  if (value instanceof CelDuration) return { duration: String(value.nanos) };
  if (value instanceof CelOptional)
    return { optional: value.value === undefined ? [] : [tagged(value.value)] };
  if (value instanceof CelError) return { error: value.message };
  if (value instanceof CelList)
    return { list: Array.from({ length: value.size }, (_, index) => tagged(value.get(index))) };
  if (value instanceof CelMap) {
    const entries = Array.from(value.keys(), (key) => [tagged(key), tagged(value.find(key) ?? null)]);
    const text = (entry: unknown[]): string => JSON.stringify(entry[0]);
    return { map: entries.sort((a, b) => (text(a) < text(b) ? -1 : 1)) };
  }
  if (value instanceof CelTypeValue) return { type: value.name };
  return value instanceof CelOpaque ? { [value.type.name]: value.toString() } : value;
}

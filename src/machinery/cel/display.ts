/** Values as texts of errors show them (Go's %v of cel-go's values), and names of Go's types. */

import { durationText } from "#machinery/values/duration.ts";
import { formatG } from "./go-format.ts";
import { typeName } from "./operations.ts";
import { timestampText } from "./timestamps.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelOptional,
  type CelResult,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "./values.ts";

/** Elements that are shown, all in all. */
const maxShown = 1000;

export const display = (value: CelResult): string => shown(value, { left: maxShown });

function shown(value: CelResult, limit: { left: number }): string {
  limit.left--;
  if (value === null) return "0";
  if (typeof value !== "object") return String(value);
  if (value instanceof CelError) return value.message;
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelDouble) return formatG(value.value);
  if (value instanceof CelBytes) return `[${value.value.slice(0, maxShown).join(" ")}]`;
  if (value instanceof CelTimestamp) return timestampText(value).replace("T", " ").replace("Z", " +0000 UTC");
  if (value instanceof CelDuration) return durationText(value.nanos);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelOptional)
    return value.value === undefined ? "optional.none()" : `optional(${shown(value.value, limit)})`;
  if (value instanceof CelList) {
    const parts: string[] = [];
    for (let index = 0; index < value.size && limit.left > 0; index++)
      parts.push(shown(value.get(index), limit));
    return `[${parts.join(", ")}]`;
  }
  if (value instanceof CelMap) {
    const parts: string[] = [];
    for (const key of value.keys()) {
      if (limit.left <= 0) break;
      parts.push(`${shown(key, limit)}: ${shown(value.find(key) ?? null, limit)}`);
    }
    return `{${parts.join(", ")}}`;
  }
  return value.toString();
}

/** Go's types of cel-go's values, by CEL's name of their type. */
const goTypes: ReadonlyMap<string, string> = new Map([
  ["null_type", "types.Null"],
  ["bool", "types.Bool"],
  ["string", "types.String"],
  ["int", "types.Int"],
  ["uint", "types.Uint"],
  ["double", "types.Double"],
  ["bytes", "types.Bytes"],
  ["google.protobuf.Timestamp", "types.Timestamp"],
  ["google.protobuf.Duration", "types.Duration"],
  ["type", "*types.Type"],
  ["optional_type", "*types.Optional"],
  ["list", "*types.baseList"],
]);

/** The name of Go's type of a value, as `%T` shows it. */
export function goTypeName(value: CelValue): string {
  if (value instanceof CelMap) return "*types.baseMap";
  const name = typeName(value);
  return goTypes.get(name) ?? `cel.${name}`;
}

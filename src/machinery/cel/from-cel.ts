/** CEL's values as JSON (the conversion to google.protobuf.Value, which Kubernetes uses). */
import { type JsonObject, type JsonValue, rawNumber, setOwn } from "#machinery/json/value.ts";
import { toText } from "./conversions.ts";
import { CelRuntimeError } from "./errors.ts";
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

/** @throws CelRuntimeError for what JSON cannot hold */
export function fromCel(value: CelValue): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number")
    return value;
  if (typeof value === "bigint") return rawNumber(String(value));
  if (value instanceof CelList) return value.json ?? listJson(value);
  if (value instanceof CelMap) return value.json ?? mapJson(value);
  if (value instanceof CelUint) {
    const number = Number(value.value);
    return Number.isSafeInteger(number) ? number : rawNumber(String(value.value));
  }
  if (value instanceof CelDouble) {
    if (Number.isFinite(value.value)) return value.value;
    return Number.isNaN(value.value) ? "NaN" : value.value > 0 ? "Infinity" : "-Infinity";
  }
  if (value instanceof CelBytes) return Buffer.from(value.value).toString("base64");
  if (value instanceof CelTimestamp || value instanceof CelDuration || value instanceof CelTypeValue)
    return toText(value) as string;
  if (value instanceof CelOptional) return value.value === undefined ? null : fromCel(value.value);
  return value.toString();
}

function valid(value: CelResult): CelValue {
  if (value instanceof CelError) throw new CelRuntimeError(value.message);
  return value;
}

function listJson(list: CelList): JsonValue[] {
  return Array.from({ length: list.size }, (_, index) => fromCel(valid(list.get(index))));
}

function mapJson(map: CelMap): JsonObject {
  const object: JsonObject = {};
  for (const key of map.keys()) setOwn(object, String(toText(key)), fromCel(valid(map.find(key) ?? null)));
  return object;
}

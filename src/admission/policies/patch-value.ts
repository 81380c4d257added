/** Values of JSON patches that expressions make (google.protobuf.Value of cel-go, k8s.io/apiserver pkg/cel). */
import { CelRuntimeError } from "#machinery/cel/errors.ts";
import { fromCel } from "#machinery/cel/from-cel.ts";
import {
  CelError,
  CelList,
  CelMap,
  CelOpaque,
  type CelResult,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "#machinery/cel/values.ts";
import { type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";

/** How upstream calls its own types here; the others are called as in CEL. */
const opaqueNames: ReadonlyMap<string, string> = new Map([
  ["kubernetes.Quantity", "Quantity"],
  ["kubernetes.URL", "URL"],
  ["kubernetes.Semver", "Semver"],
  ["kubernetes.NamedFormat", "Format"],
  ["net.IP", "IP"],
  ["net.CIDR", "CIDR"],
]);

/** Numbers that JSON may lose become texts. @throws CelRuntimeError for what JSON cannot hold */
export function patchValue(value: CelValue): JsonValue {
  if (typeof value === "bigint") return String(value);
  if (value instanceof CelUint && value.value > BigInt(Number.MAX_SAFE_INTEGER)) return String(value.value);
  if (value instanceof CelTypeValue) throw unfit("type conversion not supported for 'type'");
  if (value instanceof CelOpaque) {
    const { name } = value.type;
    throw unfit(`type conversion error from '${opaqueNames.get(name) ?? name}' to '*structpb.Value'`);
  }
  if (value instanceof CelList)
    return (
      value.json ?? Array.from({ length: value.size }, (_, index) => patchValue(valid(value.get(index))))
    );
  if (value instanceof CelMap) return value.json ?? mapJson(value);
  return fromCel(value);
}

function mapJson(map: CelMap): JsonObject {
  const object: JsonObject = {};
  for (const key of map.keys()) {
    if (typeof key !== "string") throw unfit(keyError(key));
    setOwn(object, key, patchValue(valid(map.find(key) ?? null)));
  }
  return object;
}

const keyError = (key: CelValue): string =>
  typeof key === "boolean"
    ? "type conversion error from bool to 'string'"
    : `unsupported type conversion from '${key instanceof CelUint ? "uint" : "int"}' to string`;

function valid(value: CelResult): CelValue {
  if (value instanceof CelError) throw new CelRuntimeError(value.message);
  return value;
}

const unfit = (why: string): CelRuntimeError =>
  new CelRuntimeError(`JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${why}`);

/**
 * Numbers as Go sees them: int64 or float64, and the checks whose outcome depends on which it is (kube-openapi
 * pkg/validation/validate/values.go). JSON text such as `1.0` cannot be told from `1` here and counts as an integer.
 */
import { sortedCopy } from "#machinery/json/sorted.ts";
import { isRawNumber, type JsonValue, type RawNumber, rawNumber } from "#machinery/json/value.ts";
import { goFloat } from "#machinery/values/float.ts";
import type { Checks, SchemaType } from "./node.ts";

/** An int64 is a bigint, a float64 a number. */
export type GoNumber = bigint | number;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

export const isNumber = (value: JsonValue): value is number | RawNumber =>
  typeof value === "number" || isRawNumber(value);

export function goNumber(value: number | RawNumber): GoNumber {
  if (typeof value !== "number") {
    const digits = value.rawJSON;
    if (!/^-?[0-9]+$/.test(digits)) return Number(digits);
    const big = BigInt(digits);
    return big >= minInt64 && big <= maxInt64 ? big : Number(digits);
  }
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63 ? BigInt(value) : value;
}

/** A float64 as error texts print it. */
export const shownFloat = (value: number): RawNumber => rawNumber(goFloat(value));

/** A value as error texts print it: keys sorted, integers digit by digit, floats as Go does. */
export function shownValue(value: JsonValue): unknown {
  if (typeof value === "object" && value !== null && !isRawNumber(value)) return sortedCopy(value);
  if (value === null || !isNumber(value)) return value;
  const number = goNumber(value);
  return typeof number === "bigint" ? number : shownFloat(number);
}

const goNumberText = (value: GoNumber): string =>
  typeof value === "bigint" ? String(value) : goFloat(value);

const epsilon = 1e-9;
const maxJsonFloat = 2 ** 53 - 1;

/** swag.IsFloat64AJSONInteger */
export function isJsonInteger(value: number): boolean {
  if (Number.isNaN(value) || value < -maxJsonFloat || value > maxJsonFloat) return false;
  const truncated = Math.trunc(value);
  if (value === truncated) return true;
  // Go converts through uint64, which is another number for negative ones: those are only compared exactly.
  if (value < 0 || truncated === 0) return false;
  return Math.abs(value - truncated) / (Math.abs(value) + Math.abs(truncated)) < epsilon;
}

/** What the schema says of a number: only with exactly one type does a format count. */
export interface NumberKind {
  readonly type: "integer" | "number" | "";
  readonly format: string;
}

export function numberKind(type: SchemaType, format: string | undefined, either: boolean): NumberKind {
  if (either) return plainNumber;
  if (type === "integer") {
    return { type, format: format === "int32" || format === "int64" ? format : "" };
  }
  if (type === "number") {
    return { type, format: format === "float" || format === "double" ? format : "" };
  }
  return plainNumber;
}

const plainNumber: NumberKind = { type: "", format: "" };

const maxFloat32 = 3.4028234663852886e38;
/** From here on ParseFloat(32) says that the number is out of range. */
const float32Overflow = maxFloat32 + 2 ** 102;

/** Undefined when the number fits the type and format; else what upstream says, without the prefix. */
function rangeError(value: GoNumber, kind: NumberKind, prefix: string, path: string): string | undefined {
  if (inRange(value, kind)) return undefined;
  const what = kind.format === "" ? "(default format)" : `with format ${kind.format}`;
  return `${prefix} value must be of type ${kind.type} ${what} in ${path}`;
}

function inRange(value: GoNumber, { type, format }: NumberKind): boolean {
  if (type === "integer") {
    const integer = typeof value === "bigint" ? value : Number.isInteger(value) ? BigInt(value) : undefined;
    if (integer === undefined) return false;
    if (format === "int32") return integer >= -(2n ** 31n) && integer < 2n ** 31n;
    return integer >= minInt64 && integer <= maxInt64;
  }
  if (format !== "float") return true;
  return Math.abs(Number(value)) < float32Overflow;
}

/** Go's conversion of a float64 to an int64. */
const toInt64 = (value: number): bigint => {
  if (Number.isNaN(value) || value >= 2 ** 63 || value < -(2 ** 63)) return minInt64;
  return BigInt(Math.trunc(value));
};

/** One bound that is broken: the text behind `<path> in body should be `. */
export interface BrokenBound {
  readonly keyword: "maximum" | "minimum" | "multipleOf";
  readonly text: string;
  /** What the error shows as the value. */
  readonly shown: GoNumber;
  /** The text is the whole message, path and all. */
  readonly whole?: boolean;
}

/**
 * All that a number breaks, in upstream's order. `errors` without a bound are texts about ranges.
 * A bound that does not fit the type is an error of its own, and the number is then compared as a float64.
 */
export function numberErrors(
  value: GoNumber,
  checks: Checks,
  kind: NumberKind,
  path: string,
): readonly (string | BrokenBound)[] {
  const found: (string | BrokenBound)[] = [];
  const add = (text: string | BrokenBound | undefined): void => {
    if (text !== undefined) found.push(text);
  };
  add(rangeError(value, kind, "Checked", path));
  const { multipleOf, maximum, minimum } = checks;
  const float = Number(value);
  if (multipleOf !== undefined) {
    const misfit = rangeError(multipleOf, kind, "MultipleOf", path);
    add(misfit);
    add(brokenMultiple(misfit === undefined ? value : float, multipleOf, path));
  }
  if (minimum !== undefined) {
    const misfit = rangeError(minimum, kind, "Minimum boundary", path);
    add(misfit);
    add(
      brokenBound(misfit === undefined ? value : float, minimum, "minimum", checks.exclusiveMinimum === true),
    );
  }
  if (maximum !== undefined) {
    const misfit = rangeError(maximum, kind, "Maximum boundary", path);
    add(misfit);
    add(
      brokenBound(misfit === undefined ? value : float, maximum, "maximum", checks.exclusiveMaximum === true),
    );
  }
  return found;
}

function brokenBound(
  value: GoNumber,
  bound: number,
  keyword: "maximum" | "minimum",
  exclusive: boolean,
): BrokenBound | undefined {
  // As in Go, the bound loses its fraction when the value is an integer.
  const limit = typeof value === "bigint" ? toInt64(bound) : bound;
  const over = keyword === "maximum" ? value > limit : value < limit;
  if (!over && !(exclusive && value === limit)) return undefined;
  const than = keyword === "maximum" ? "less than" : "greater than";
  return { keyword, text: `${than}${exclusive ? "" : " or equal to"} ${goNumberText(limit)}`, shown: value };
}

function brokenMultiple(value: GoNumber, factor: number, path: string): string | BrokenBound | undefined {
  const limit = typeof value === "bigint" ? toInt64(factor) : factor;
  if (limit <= 0) {
    return {
      keyword: "multipleOf",
      whole: true,
      text: `factor MultipleOf declared for ${path} must be positive: ${goNumberText(limit)}`,
      shown: limit,
    };
  }
  if (typeof value === "bigint" && typeof limit === "bigint") {
    return value % limit === 0n
      ? undefined
      : { keyword: "multipleOf", text: `a multiple of ${limit}`, shown: value };
  }
  const float = Number(value);
  const divisor = Number(limit);
  const multiple = divisor < 1 ? (1 / divisor) * float : float / divisor;
  if (isJsonInteger(multiple)) return undefined;
  return { keyword: "multipleOf", text: `a multiple of ${goFloat(divisor)}`, shown: value };
}

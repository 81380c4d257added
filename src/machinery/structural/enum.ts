/** Membership in an enum as upstream decides it: after Go's conversion of the value to the type of the enum's value. */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { goNumber, isNumber } from "./numbers.ts";

export function inEnum(value: JsonValue, allowed: readonly JsonValue[]): boolean {
  if (typeof value === "string" || typeof value === "boolean") return allowed.includes(value);
  if (value === null) return false;
  if (!isNumber(value)) return allowed.some((one) => one !== null && jsonEqual(one, value));
  const number = goNumber(value);
  return allowed.some((one) => one !== null && convertsTo(number, one));
}

function convertsTo(number: bigint | number, one: JsonValue): boolean {
  // Go converts an integer to the string of that one character.
  if (typeof one === "string") return typeof number === "bigint" && one === character(number);
  if (one === null || !isNumber(one)) return false;
  const other = goNumber(one);
  if (typeof other === "bigint") {
    return typeof number === "bigint"
      ? number === other
      : Number.isFinite(number) && BigInt(Math.trunc(number)) === other;
  }
  return Number(number) === other;
}

const character = (code: bigint): string =>
  code < 0n || code > 0x10ffffn || (code >= 0xd800n && code <= 0xdfffn)
    ? "\ufffd"
    : String.fromCodePoint(Number(code));

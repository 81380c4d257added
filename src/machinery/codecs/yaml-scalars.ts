/** Plain scalars as go-yaml v2 resolves them (resolve.go): YAML 1.1 without sexagesimal numbers; timestamps stay strings. */
import { type JsonValue, rawNumber } from "#machinery/json/value.ts";

const words = new Map<string, JsonValue>([
  ["", null],
  ["~", null],
  ...(["null", "Null", "NULL"] as const).map((word) => [word, null] as const),
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map(
    (word) => [word, true] as const,
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map(
    (word) => [word, false] as const,
  ),
]);

const integer = /^[-+]?(?:0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|[1-9][0-9]*)$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

const lowest = -(2n ** 63n);
const highest = 2n ** 64n - 1n;

/** The JSON value of an unquoted scalar. */
export function resolvePlain(text: string): JsonValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  const first = text.charCodeAt(0);
  const numeric = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e;
  if (!numeric) return text;
  const plain = text.replaceAll("_", "");
  if (integer.test(plain)) {
    const value = parseInteger(plain);
    if (value >= lowest && value <= highest) {
      const small = Number(value);
      return Number.isSafeInteger(small) ? small : rawNumber(value.toString());
    }
  }
  if (float.test(plain)) {
    const value = Number(plain);
    if (Number.isFinite(value)) return value;
  }
  return text;
}

function parseInteger(text: string): bigint {
  const negative = text.startsWith("-");
  let digits = text.replace(/^[-+]/, "").toLowerCase();
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  const value = BigInt(digits);
  return negative ? -value : value;
}

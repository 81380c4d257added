/** Plain scalars as go-yaml v2 resolves them (resolve.go): YAML 1.1 without sexagesimal numbers; timestamps stay strings. */
import { type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { goFloat } from "#machinery/values/float.ts";

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

/** Numbers that JSON does not have; as keys they are texts. */
const special = /^(?:([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** What an unquoted scalar is a number, but not one of JSON, is as a key: `.inf`, `-.inf`, `.nan`. */
export function specialNumber(text: string): string | undefined {
  const match = special.exec(text);
  if (match === null) return undefined;
  return match[1] === undefined ? ".nan" : match[1] === "-" ? "-.inf" : ".inf";
}

/** How a key that is a number is written: integers by their digits, others as floats of 32 bits. Undefined: it is too great. */
export function numericKey(text: string, value: number | bigint): string | undefined {
  if (!integer.test(text.replaceAll("_", "")) || value > highest) return shortFloat(Number(value));
  return value > 2n ** 63n - 1n ? undefined : String(typeof value === "bigint" ? value : value + 0);
}

/** The fewest digits that tell the float of 32 bits from its neighbours. */
function shortFloat(value: number): string {
  const wanted = Math.fround(value);
  if (!Number.isFinite(wanted)) return wanted > 0 ? ".inf" : "-.inf";
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === wanted) return goFloat(short);
  }
  return goFloat(Number(wanted.toPrecision(9)));
}

type Kind = "null" | "bool" | "int" | "float" | "str";

function kindOf(text: string, value: JsonValue): Kind {
  if (specialNumber(text) !== undefined) return "float";
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  return integer.test(text.replaceAll("_", "")) ? "int" : "float";
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const timestamp =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?$/;

/** A scalar with a tag, such as `!!int`. Undefined: it is none. Tags that nobody knows make texts. */
export function resolveTagged(tag: string, text: string): JsonValue | undefined {
  const name = /^tag:yaml\.org,2002:(int|float|bool|null|binary|timestamp)$/.exec(tag)?.[1];
  switch (name) {
    case undefined:
      return text;
    case "binary": {
      const digits = text.replace(/[\r\n]/g, "");
      return base64.test(digits) ? Buffer.from(digits, "base64").toString("utf8") : undefined;
    }
    case "timestamp":
      return timestamp.test(text) ? text : undefined;
  }
  const value = resolvePlain(text);
  const kind = kindOf(text, value);
  return kind === name || (name === "float" && kind === "int") ? value : undefined;
}

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

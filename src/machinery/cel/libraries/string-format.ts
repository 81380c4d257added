/** `format`: text with clauses such as %s and %.2f (cel-go's ext/formatting.go, locale en_US). */
import { decodeUtf8, encodeUtf8 } from "../bytes.ts";
import { toDouble, toText } from "../conversions.ts";
import { isInt, typeName } from "../operations.ts";
import { timestampText } from "../timestamps.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  type CelResult,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "../values.ts";

const defaultPrecision = 6;
/** Digits after the point that are printed; more would be noise that takes memory. */
const maxPrecision = 100;

/** What formatting a value gave: its text, or an error's. */
type Formatted = { readonly text: string } | { readonly error: string };

/** Calls `clause` for each clause of a format; answers the whole text, or what is wrong. */
export function walkFormat(
  format: string,
  count: number,
  clause: (index: number, verb: string, precision: number | undefined) => Formatted,
): Formatted {
  let text = "";
  let index = 0;
  for (let at = 0; at < format.length; at++) {
    if (format[at] !== "%") {
      text += format[at];
      continue;
    }
    if (format[at + 1] === "%") {
      text += "%";
      at++;
      continue;
    }
    if (index >= count) return { error: `index ${index} out of range` };
    if (at + 1 >= format.length) return { error: "unexpected end of string" };
    const parsed = parseClause(format, at + 1);
    if ("error" in parsed) return { error: `could not parse formatting clause: ${parsed.error}` };
    const formatted = clause(index, parsed.verb, parsed.precision);
    if ("error" in formatted) return { error: `error during formatting: ${formatted.error}` };
    text += formatted.text;
    at = parsed.end;
    index++;
  }
  return { text };
}

function parseClause(
  format: string,
  start: number,
): { verb: string; precision: number | undefined; end: number } | { error: string } {
  let at = start;
  let precision: number | undefined;
  if (format[at] === ".") {
    const digits = /^\d*/.exec(format.slice(at + 1))![0];
    at += 1 + digits.length;
    if (at >= format.length)
      return { error: "error while parsing precision: could not find end of precision specifier" };
    if (digits === "") {
      return {
        error:
          'error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax',
      };
    }
    precision = Math.min(Number(digits), maxPrecision);
  }
  const verb = format[at]!;
  if (!"sdfebxXo".includes(verb)) return { error: `unrecognized formatting clause "${verb}"` };
  return { verb, precision, end: at };
}

export function formatText(format: string, args: CelList): CelResult {
  const result = walkFormat(format, args.size, (index, verb, precision) => {
    const value = args.get(index);
    return value instanceof CelError ? { error: value.message } : formatClause(value, verb, precision);
  });
  return "error" in result ? new CelError(result.error) : result.text;
}

/** Texts of what a clause cannot format. */
export const clauseErrors: Readonly<Record<string, string>> = {
  s: "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ",
  d: "decimal clause can only be used on integers, was given ",
  f: "fixed-point clause can only be used on doubles, was given ",
  e: "scientific clause can only be used on doubles, was given ",
  b: "only integers and bools can be formatted as binary, was given ",
  x: "only integers, byte buffers, and strings can be formatted as hex, was given ",
  X: "only integers, byte buffers, and strings can be formatted as hex, was given ",
  o: "octal clause can only be used on integers, was given ",
};

function formatClause(value: CelValue, verb: string, precision: number | undefined): Formatted {
  const text = clauseText(value, verb, precision);
  if (text !== undefined) return typeof text === "string" ? { text } : text;
  return { error: clauseErrors[verb]! + typeName(value) };
}

function clauseText(
  value: CelValue,
  verb: string,
  precision: number | undefined,
): string | Formatted | undefined {
  switch (verb) {
    case "s":
      return stringClause(value);
    case "d":
      return integerText(value, 10);
    case "f":
      return doubleClause(value, (number) => grouped(number, precision ?? defaultPrecision));
    case "e":
      return doubleClause(value, (number) => scientific(number, precision ?? defaultPrecision));
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      return integerText(value, 2);
    case "o":
      return integerText(value, 8);
    default:
      return hexClause(value, verb === "X");
  }
}

function integerText(value: CelValue, radix: number): string | undefined {
  if (isInt(value)) return value.toString(radix);
  return value instanceof CelUint ? value.value.toString(radix) : undefined;
}

function hexClause(value: CelValue, upper: boolean): string | undefined {
  const bytes =
    typeof value === "string" ? encodeUtf8(value) : value instanceof CelBytes ? value.value : undefined;
  const hex = bytes === undefined ? integerText(value, 16) : Buffer.from(bytes).toString("hex");
  return upper ? hex?.toUpperCase() : hex;
}

function doubleClause(value: CelValue, print: (value: number) => string): string | undefined {
  const special = value === "NaN" || value === "Infinity" || value === "-Infinity";
  const double = value instanceof CelDouble || special ? toDouble(value) : undefined;
  return double instanceof CelDouble ? print(double.value) : undefined;
}

function specialDouble(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return undefined;
  return value > 0 ? "∞" : "-∞";
}

/** With commas between thousands, as the locale en_US has them. */
function grouped(value: number, precision: number): string {
  const special = specialDouble(value);
  if (special !== undefined) return special;
  const [whole, fraction] = fixed(value, precision).split(".") as [string, string | undefined];
  const thousands = whole.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? thousands : `${thousands}.${fraction}`;
}

/** As Go's `%.*f`: never an exponent, and halves go to the even neighbour. */
function fixed(value: number, precision: number): string {
  const size = Math.abs(value);
  // Its printer for locales has no negative zero.
  const sign = value < 0 ? "-" : "";
  if (size >= 1e21) {
    const whole = BigInt(size).toString();
    return sign + (precision === 0 ? whole : `${whole}.${"0".repeat(precision)}`);
  }
  const exact = size.toFixed(maxPrecision);
  const kept = exact.slice(0, exact.length - maxPrecision + precision).replace(/\.$/, "");
  const rest = exact.slice(exact.length - maxPrecision + precision);
  const isHalf = /^50*$/.test(rest) && /[02468]$/.test(kept);
  return sign + (isHalf ? kept : size.toFixed(precision));
}

/** Upstream takes the precision of this clause for a width. */
function scientific(value: number, width: number): string {
  const special = specialDouble(value);
  if (special !== undefined) return special.padStart(width);
  const [mantissa, exponent] = value.toExponential(defaultPrecision).split("e") as [string, string];
  const power = exponent.slice(1).padStart(2, "0");
  return `${mantissa}×10${superscript(`${exponent[0] === "-" ? "-" : ""}${power}`)}`.padStart(width);
}

const superscripts: Readonly<Record<string, string>> = {
  "-": "⁻",
  0: "⁰",
  1: "¹",
  2: "²",
  3: "³",
  4: "⁴",
  5: "⁵",
  6: "⁶",
  7: "⁷",
  8: "⁸",
  9: "⁹",
};

const superscript = (text: string): string => Array.from(text, (digit) => superscripts[digit]!).join("");

function stringClause(value: CelValue): string | Formatted | undefined {
  if (value instanceof CelList || value instanceof CelMap) return nested(value);
  if (value === null) return "null";
  const text = toText(value);
  if (typeof text === "string") return text;
  // Bytes that are no text.
  return value instanceof CelBytes
    ? { error: `could not convert argument ${goQuote(text)} to string` }
    : undefined;
}

const goQuote = (value: CelResult): string =>
  JSON.stringify(value instanceof CelError ? value.message : value);

function nested(value: CelList | CelMap): Formatted {
  if (value instanceof CelList) {
    const parts: string[] = [];
    for (let index = 0; index < value.size; index++) {
      const part = element(value.get(index));
      if ("error" in part) return part;
      parts.push(part.text);
    }
    return { text: `[${parts.join(", ")}]` };
  }
  const entries: [string, string][] = [];
  for (const key of value.keys()) {
    if (typeof key !== "string" && typeof key !== "boolean" && !isInt(key) && !(key instanceof CelUint))
      return { error: `no formatting function for map key of type ${typeName(key)}` };
    const keyText = element(key);
    if ("error" in keyText) return keyText;
    const found = element(value.find(key)!);
    if ("error" in found) return found;
    entries.push([keyText.text, found.text]);
  }
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { text: `{${entries.map(([key, text]) => `${key}:${text}`).join(", ")}}` };
}

/** A value within a list or map. */
function element(value: CelResult): Formatted {
  if (value instanceof CelError) return { error: value.message };
  if (value instanceof CelList || value instanceof CelMap) return nested(value);
  if (value instanceof CelTimestamp) return { text: `timestamp(${JSON.stringify(timestampText(value))})` };
  if (value instanceof CelDuration) return { text: `duration(${JSON.stringify(toText(value))})` };
  if (typeof value === "string") return { text: JSON.stringify(value) };
  if (value instanceof CelBytes) return { text: `b${JSON.stringify(decodeUtf8(value.value) ?? "")}` };
  if (value instanceof CelDouble) {
    if (!Number.isFinite(value.value))
      return { text: `"${Number.isNaN(value.value) ? "NaN" : value.value > 0 ? "+Inf" : "-Inf"}"` };
    return { text: fixed(value.value, defaultPrecision) };
  }
  if (value === null || typeof value === "boolean" || value instanceof CelTypeValue)
    return { text: toText(value) as string };
  const integer = integerText(value, 10);
  return integer === undefined
    ? { error: `no formatting function for ${typeName(value)}` }
    : { text: integer };
}

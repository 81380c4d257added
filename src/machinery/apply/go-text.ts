/** JSON and values as Go's libraries print them, where texts and field sets depend on it. */
import { quote } from "#base/quote.ts";
import { isJsonObject, isRawNumber, type JsonValue } from "#machinery/json/value.ts";
import { sortedKeys } from "#machinery/schema/order.ts";
import { goFloat } from "#machinery/values/float.ts";

const plain = /^[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON must escape is meant.
const special = /["\\\u0000-\u001f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, with what HTML could mistake.
const specialHtml = /["\\<>&\u2028\u2029\u0000-\u001f]/g;

function escaped(char: string): string {
  switch (char) {
    case '"':
      return '\\"';
    case "\\":
      return "\\\\";
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default:
      return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  }
}

/** A JSON string as jsoniter writes it (`WriteString`); with `html` as Go's encoders write values. */
export function goString(text: string, html: boolean): string {
  if (plain.test(text)) return `"${text}"`;
  return `"${text.toWellFormed().replace(html ? specialHtml : special, escaped)}"`;
}

/** Compact JSON with sorted keys, as jsoniter writes any value. */
export function goValueJson(value: JsonValue): string {
  if (typeof value === "string") return goString(value, true);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(goValueJson).join(",")}]`;
  if (isRawNumber(value)) return value.rawJSON;
  return `{${sortedKeys(value)
    .map((key) => `${goString(key, true)}:${goValueJson(value[key]!)}`)
    .join(",")}}`;
}

/** value.ToString of structured-merge-diff: strings quoted, the rest plain. */
export function goValueText(value: JsonValue, numberText: (value: number) => string): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return numberText(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => goValueText(item, numberText)).join(",")}]`;
  if (isRawNumber(value)) return numberText === goFloat ? goFloat(Number(value.rawJSON)) : value.rawJSON;
  return sortedKeys(value)
    .map((key) => `${key}=${goValueText(value[key]!, numberText)}`)
    .join("");
}

/** A number of an object: whole ones are integers. */
export const goNumber = (value: number): string => (Number.isInteger(value) ? String(value) : goFloat(value));

/** `%v` of an unstructured value. */
export function goPlain(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (value === null) return "<nil>";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : goFloat(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(goPlain).join(" ")}]`;
  if (isRawNumber(value)) return value.rawJSON;
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${goPlain(value[key]!)}`)
    .join(" ")}]`;
}

/** `%#v` of an unstructured value. */
export function goSyntax(value: JsonValue): string {
  if (typeof value === "string") return quote(value);
  if (value === null) return "interface {}(nil)";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : goFloat(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (isRawNumber(value)) return value.rawJSON;
  return `map[string]interface {}{${sortedKeys(value)
    .map((key) => `${quote(key)}:${goSyntax(value[key]!)}`)
    .join(", ")}}`;
}

/** `%T` of an unstructured value. */
export function goTypeName(value: JsonValue): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  return isJsonObject(value) ? "map[string]interface {}" : "int64";
}

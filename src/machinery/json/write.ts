/** JSON out. */
import type { JsonValue } from "#machinery/json/value.ts";

/**
 * Compact JSON. Numbers come out as Go prints them: raw numbers digit by digit, `1.0` as `1`, exponents from 1e21 and below
 * 1e-6. Lone surrogates cannot come from the reader; should one be in a string, it is written as U+FFFD.
 */
export function writeJson(value: JsonValue): string {
  const text = JSON.stringify(value);
  // JSON.stringify writes lone surrogates as `\udXXX`; nothing else produces a backslash followed by `ud`
  // except an escaped backslash in a string, which the slow path tells apart.
  return text.includes("\\ud") ? JSON.stringify(value, wellFormed) : text;
}

/** Like {@link writeJson} with two spaces of indentation, as `?pretty=true` answers. */
export const writePrettyJson = (value: JsonValue): string => JSON.stringify(value, wellFormed, 2);

const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === "string" && !value.isWellFormed() ? value.toWellFormed() : value;

/** JSON as Go's json.Marshal prints it in messages: `<`, `>`, `&` and the two line separators are escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return (text.includes("\\ud") ? JSON.stringify(value, wellFormed) : text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

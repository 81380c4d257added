/** Text as Go's `%q` prints it (strconv.Quote): messages that clients and their tests compare are made with it. */

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const named = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** The string in double quotes, with Go's escapes. Lone surrogates become U+FFFD. */
export function quote(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  let out = '"';
  for (const char of text.toWellFormed()) {
    const short = named.get(char);
    if (short !== undefined) out += short;
    else if (printable.test(char)) out += char;
    else out += escapeCodePoint(char.codePointAt(0)!);
  }
  return `${out}"`;
}

/** As Go's time package quotes what it cannot read: every byte that is no printable ASCII as `\\xhh`. */
export const quoteBytes = (text: string): string =>
  `"${text
    .replace(/["\\]/g, "\\$&")
    .replace(/[^\x20-\x7f]/gu, (char) =>
      [...Buffer.from(char.toWellFormed(), "utf8")]
        .map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`)
        .join(""),
    )}"`;

/** True for what Go's unicode.IsPrint accepts: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export const isPrintable = (char: string): boolean => printable.test(char);

function escapeCodePoint(code: number): string {
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${hex.padStart(4, "0")}`;
  return `\\U${hex.padStart(8, "0")}`;
}

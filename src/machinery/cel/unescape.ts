/** The value of a string or bytes literal (cel-go's parser/unescape.go). */

const utf8 = new TextEncoder();

const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "`": "`",
  "?": "?",
};

/** The literal without its quotes and prefix `r`; the lexer has made sure that it has them. */
function content(literal: string): { text: string; raw: boolean } {
  let text = literal.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  const raw = text.startsWith("r") || text.startsWith("R");
  if (raw) text = text.slice(1);
  const triple = text.length >= 6 && (text.startsWith("'''") || text.startsWith('"""'));
  return { text: triple ? text.slice(3, -3) : text.slice(1, -1), raw };
}

/** The value of a string literal, or what is wrong with it. */
export function stringLiteral(literal: string): { value: string } | { error: string } {
  const { text, raw } = content(literal);
  if (raw || !text.includes("\\")) return { value: text };
  let value = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "\\") {
      value += text[at];
      continue;
    }
    const letter = text[++at] ?? "";
    const simple = simpleEscapes[letter];
    if (simple !== undefined) {
      value += simple;
      continue;
    }
    const { point, length } = numericEscape(text, at);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return { error: "invalid unicode code point" };
    value += String.fromCodePoint(point);
    at += length - 1;
  }
  return { value };
}

/** The value of a bytes literal without its prefix `b`, or what is wrong with it. */
export function bytesLiteral(literal: string): { value: Uint8Array } | { error: string } {
  const { text, raw } = content(literal);
  if (raw || !text.includes("\\")) return { value: utf8.encode(text) };
  const bytes: number[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("\\", at);
    if (next !== at) {
      const end = next < 0 ? text.length : next;
      for (const byte of utf8.encode(text.slice(at, end))) bytes.push(byte);
      at = end;
      continue;
    }
    const letter = text[at + 1] ?? "";
    const simple = simpleEscapes[letter];
    if (simple !== undefined) {
      bytes.push(simple.charCodeAt(0));
      at += 2;
      continue;
    }
    // Unicode escapes are code points, which bytes do not have.
    if (letter === "u" || letter === "U") return { error: "unable to unescape string" };
    const { point, length } = numericEscape(text, at + 1);
    bytes.push(point & 0xff);
    at += 1 + length;
  }
  return { value: Uint8Array.from(bytes) };
}

/** The number of the escape whose letter or first digit is at `at`, and its length with that letter. */
function numericEscape(text: string, at: number): { point: number; length: number } {
  const letter = text[at]!;
  if (/[0-3]/.test(letter)) return { point: Number.parseInt(text.slice(at, at + 3), 8), length: 3 };
  const digits = letter === "u" ? 4 : letter === "U" ? 8 : 2;
  return { point: Number.parseInt(text.slice(at + 1, at + 1 + digits), 16), length: 1 + digits };
}

/** Texts in quotes within JSON paths, as Go's strconv.UnquoteChar reads them, in single quotes too. */
import { Buffer } from "node:buffer";

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
};
const part =
  /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^\\])/suy;

/** The text between the quotes; undefined when an escape is broken. Bytes that are no UTF-8 become U+FFFD. */
export function jsonPathQuoted(text: string): string | undefined {
  const quote = text[0]!;
  const inner = text.slice(1, -1);
  if (text.length < 2 || !text.endsWith(quote)) return undefined;
  if (!inner.includes("\\") && !inner.includes(quote)) return inner;
  const parts: Uint8Array[] = [];
  for (part.lastIndex = 0; part.lastIndex < inner.length; ) {
    const match = part.exec(inner);
    if (match === null) return undefined;
    const [, short, hex, octal, four, eight, plain] = match;
    if (plain === quote) return undefined;
    if (plain !== undefined) parts.push(Buffer.from(plain));
    else if (short === "'" || short === '"') {
      if (short !== quote) return undefined;
      parts.push(Buffer.from(short));
    } else if (short !== undefined) parts.push(Uint8Array.of(simple[short]!));
    else if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) {
      const byte = Number.parseInt(octal, 8);
      if (byte > 255) return undefined;
      parts.push(Uint8Array.of(byte));
    } else {
      const code = Number.parseInt((four ?? eight)!, 16);
      if (code > 0x10_ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(code)));
    }
  }
  return Buffer.concat(parts).toString("utf8");
}

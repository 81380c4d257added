/** Strings seen as Go sees them: sequences of UTF-8 bytes. */

// Without this flag `\x00-\x7f` would still be right; the test is only a fast path for the common case.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is meant.
const ascii = /^[\x00-\x7f]*$/;

/** Length in UTF-8 bytes. */
export const byteLength = (text: string): number =>
  ascii.test(text) ? text.length : Buffer.byteLength(text, "utf8");

/**
 * Order by UTF-8 bytes, which is the order of code points. The default order of JavaScript compares UTF-16 units and
 * puts U+E000..U+FFFF behind the supplementary planes.
 */
export function compareBytes(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xSurrogate = x >= 0xd800 && x <= 0xdfff;
    const ySurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** Sorts in place by {@link compareBytes}. */
export function sortByBytes(texts: string[]): string[] {
  // In ASCII the engine's own order is the same, and much faster.
  return ascii.test(texts.join("")) ? texts.sort() : texts.sort(compareBytes);
}

/** The longest prefix of whole code points that fits into `maxBytes` of UTF-8. */
export function truncateBytes(text: string, maxBytes: number): string {
  if (byteLength(text) <= maxBytes) return text;
  let bytes = 0;
  let units = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char, "utf8");
    if (bytes > maxBytes) break;
    units += char.length;
  }
  return text.slice(0, units);
}

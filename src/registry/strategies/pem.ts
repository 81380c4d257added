/** PEM blocks (RFC 7468) in a text from a client. Reads it once, whatever it holds. */

export interface PemBlock {
  readonly type: string;
  /** Base64, with headers where there are any. */
  readonly body: string;
  /** With both markers. */
  readonly text: string;
}

const begin = "-----BEGIN ";
const end = "-----END ";
const dashes = "-----";

/** The blocks in order; what is no whole block is skipped. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const typeEnd = text.indexOf(dashes, at + begin.length);
    const close = typeEnd < 0 ? -1 : text.indexOf(end, typeEnd + dashes.length);
    if (close < 0) break;
    const type = text.slice(at + begin.length, typeEnd);
    const last = close + end.length + type.length + dashes.length;
    if (text.slice(close, last) === `${end}${type}${dashes}` && !type.includes("\n")) {
      blocks.push({
        type,
        body: text.slice(typeEnd + dashes.length, close),
        text: text.slice(at, last),
      });
    }
    at = close + end.length;
  }
  return blocks;
}

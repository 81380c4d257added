/** Leaving members out of JSON text that is not parsed. */
import { type SkimPath, visitOwnJson } from "./skim.ts";

const comma = 0x2c;
const quote = 0x22;

/**
 * Compact JSON that this server wrote itself, without the member at the end of `path`, wherever the path leads. The same bytes
 * when there is none. One pass, as for {@link visitOwnJson}.
 */
export function omitMember(bytes: Buffer, path: SkimPath): Buffer {
  const key = Buffer.byteLength(JSON.stringify(path.at(-1))) + 1;
  const kept: Buffer[] = [];
  let copied = 0;
  visitOwnJson(bytes, path, (value, end) => {
    const start = value - key;
    if (bytes[start] !== quote) throw new Error("omit: the path does not end in a member");
    // With the comma before it, or, where it is the first of several, with the one behind it.
    const follows = bytes[start - 1] === comma;
    kept.push(bytes.subarray(copied, follows ? start - 1 : start));
    copied = !follows && bytes[end] === comma ? end + 1 : end;
  });
  if (kept.length === 0) return bytes;
  kept.push(bytes.subarray(copied));
  return Buffer.concat(kept);
}

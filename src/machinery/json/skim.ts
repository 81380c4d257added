/** Reading what is small in a large text: parts of it are only looked for, not parsed. */
import { readOwnJson } from "./read.ts";
import type { JsonValue } from "./value.ts";

/** Names of members from the root down; {@link each} is every item of a list. */
export type SkimPath = readonly (string | typeof each)[];
export const each = Symbol("each");

export interface Skimmed {
  /** In place of each part that was left out stands a null. */
  readonly value: JsonValue;
  /** In their order: views of the bytes. */
  readonly parts: readonly Buffer[];
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const gap = Buffer.from("null");

/**
 * Reads compact JSON that this server wrote itself, without the values at `path`. It takes one pass over the bytes, some
 * milliseconds for a megabyte, however many values it holds.
 */
export function skimOwnJson(bytes: Buffer, path: SkimPath): Skimmed {
  const parts: Buffer[] = [];
  const kept: Buffer[] = [];
  let copied = 0;
  visitOwnJson(bytes, path, (at, end) => {
    kept.push(bytes.subarray(copied, at), gap);
    parts.push(bytes.subarray(at, end));
    copied = end;
  });
  if (parts.length === 0) return { value: readOwnJson(bytes), parts };
  kept.push(bytes.subarray(copied));
  return { value: readOwnJson(Buffer.concat(kept)), parts };
}

/** Calls back with where each value at `path` begins and ends. The text is as for {@link skimOwnJson}. */
export function visitOwnJson(
  bytes: Buffer,
  path: SkimPath,
  found: (start: number, end: number) => void,
): void {
  const steps = path.map((step) => (step === each ? undefined : Buffer.from(step, "utf8")));
  const visit = (at: number, depth: number): number => {
    if (depth === path.length) {
      const end = endOfValue(bytes, at);
      found(at, end);
      return end;
    }
    const step = path[depth]!;
    const first = bytes[at];
    if (first !== (step === each ? openBracket : openBrace)) return endOfValue(bytes, at);
    const close = step === each ? closeBracket : closeBrace;
    let i = at + 1;
    while (i < bytes.length && bytes[i] !== close) {
      if (bytes[i] === comma) i++;
      if (step === each) i = visit(i, depth + 1);
      else {
        const end = endOfValue(bytes, i);
        // Behind the colon.
        i = isAt(bytes, i + 1, end - 1, steps[depth]!)
          ? visit(end + 1, depth + 1)
          : endOfValue(bytes, end + 1);
      }
    }
    return i + 1;
  };
  visit(0, 0);
}

/** The bytes of one member of compact JSON that this server wrote itself; what stands behind it is not looked at. */
export function findOwnJson(bytes: Buffer, path: readonly string[]): Buffer | undefined {
  let at = 0;
  for (const name of path) {
    const step = Buffer.from(name, "utf8");
    if (bytes[at] !== openBrace) return undefined;
    let i = at + 1;
    let found = -1;
    while (i < bytes.length && bytes[i] !== closeBrace && found < 0) {
      if (bytes[i] === comma) i++;
      const end = endOfValue(bytes, i);
      if (isAt(bytes, i + 1, end - 1, step)) found = end + 1;
      else i = endOfValue(bytes, end + 1);
    }
    if (found < 0) return undefined;
    at = found;
  }
  return bytes.subarray(at, endOfValue(bytes, at));
}

/** Compact JSON of an object, which this server wrote itself, without some of its members. */
export function withoutMembers(bytes: Buffer, names: readonly string[]): Buffer {
  const left = names.map((name) => Buffer.from(name, "utf8"));
  const kept: Buffer[] = [];
  let i = 1;
  while (i < bytes.length && bytes[i] !== closeBrace) {
    if (bytes[i] === comma) i++;
    const start = i;
    const end = endOfValue(bytes, start);
    i = endOfValue(bytes, end + 1);
    if (left.some((name) => isAt(bytes, start + 1, end - 1, name))) continue;
    kept.push(kept.length === 0 ? openObject : nextMember, bytes.subarray(start, i));
  }
  return kept.length === 0 ? Buffer.from("{}") : Buffer.concat([...kept, closeObject]);
}

const openObject = Buffer.from("{");
const nextMember = Buffer.from(",");
const closeObject = Buffer.from("}");

function isAt(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

/** Where the value that begins at `at` ends. */
function endOfValue(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === quote) {
      for (i++; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i++;
      if (depth === 0) return i + 1;
    } else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      // A number or a word ends where what holds it does.
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (byte === comma && depth === 0) return i;
  }
  return bytes.length;
}

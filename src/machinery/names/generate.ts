/** Names made by the server from `generateName` (apiserver pkg/storage/names). */
import { truncateBytes } from "#base/bytes.ts";

/** Gives `count` unpredictable bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** The base is cut to this many bytes, so that the whole fits into 63. */
const maxGeneratedBaseLength = 58;
const suffixLength = 5;
/** No vowels and no digits that look like them: no words come out. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
/** The largest multiple of the alphabet's length in a byte: bytes from here on would favour its first letters. */
const unbiased = 256 - (256 % alphabet.length);

/** `base` and five random characters. */
export const generateName = (base: string, random: RandomBytes): string =>
  truncateBytes(base, maxGeneratedBaseLength) + randomSuffix(suffixLength, random);

/** Random characters of the alphabet of generated names. */
export function randomSuffix(length: number, random: RandomBytes): string {
  let out = "";
  // 243 of 256 byte values are used: a batch of twice the need nearly always suffices, and the loop ends for any fair source.
  for (let batch = 0; out.length < length; batch++) {
    if (batch > 64) throw new Error("generateName: the random source is broken");
    for (const byte of random(length * 2)) {
      if (out.length < length && byte < unbiased) out += alphabet[byte % alphabet.length];
    }
  }
  return out;
}

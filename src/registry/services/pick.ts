/** Choosing what is free: from a random place on, first in the upper part, then in the lower one. */

import { internalError } from "#machinery/errors/errors.ts";
import { NothingLeftError } from "../freshness.ts";

/** 500, as upstream says it. */
export const nothingLeft = (message: string): NothingLeftError =>
  new NothingLeftError(internalError(message).status);

/** Looked at in one part, one after the other, before it counts as full. A look costs a microsecond or two. */
const maxLooks = 16_384;

/** From `first` to `last`, both included; empty when `last` is less. */
export interface Part {
  readonly first: bigint;
  readonly last: bigint;
}

/** Undefined: all are taken. */
export function pickFree(
  parts: readonly Part[],
  isTaken: (candidate: bigint) => boolean,
  randomBytes: (size: number) => Uint8Array,
): bigint | undefined {
  for (const { first, last } of parts) {
    const size = last - first + 1n;
    if (size <= 0n) continue;
    const start = randomBelow(size, randomBytes);
    const looks = size < maxLooks ? Number(size) : maxLooks;
    for (let i = 0n; i < looks; i++) {
      const candidate = first + ((start + i) % size);
      if (!isTaken(candidate)) return candidate;
    }
  }
  return undefined;
}

/** As upstream, of larger ranges only so many are begun at: 2^64. */
const randomBelow = (size: bigint, randomBytes: (size: number) => Uint8Array): bigint =>
  Buffer.from(randomBytes(8)).readBigUInt64BE() % size;

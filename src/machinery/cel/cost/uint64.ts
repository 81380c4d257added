/** Ranges of unsigned 64-bit integers that saturate, in which upstream estimates sizes and costs. */

export const maxUint = 2n ** 64n - 1n;

/** From `min` to `max`, both included: of a size, or of a cost. */
export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

export const fixed = (value: bigint): Range => ({ min: value, max: value });
export const unknownRange: Range = { min: 0n, max: maxUint };
export const zero = fixed(0n);
export const one = fixed(1n);

const saturate = (value: bigint): bigint => (value > maxUint ? maxUint : value);

export function plus(a: Range, b: Range): Range {
  return { min: saturate(a.min + b.min), max: saturate(a.max + b.max) };
}

export function times(a: Range, b: Range): Range {
  return { min: saturate(a.min * b.min), max: saturate(a.max * b.max) };
}

/** The smaller of two; Math.min takes no bigints. */
export function least(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** Both ranges and what is between them. */
export function union(a: Range, b: Range): Range {
  return { min: least(a.min, b.min), max: -least(-a.max, -b.max) };
}

/** Multiplies by a factor, rounding up, in upstream's floating point. */
export function timesFactor(range: Range, factor: number): Range {
  return { min: scale(range.min, factor), max: scale(range.max, factor) };
}

function scale(value: bigint, factor: number): bigint {
  const product = Math.ceil(Number(value) * factor);
  return product >= 2 ** 64 ? maxUint : BigInt(product);
}

/** Integers of 64 bits: numbers while a double is exact, bigints beyond, and never both for the same integer. */

export const minInt64 = -(2n ** 63n);
export const maxInt64 = 2n ** 63n - 1n;
export const maxUint64 = 2n ** 64n - 1n;

/** The one form of an integer that is known to be within 64 bits. */
export function canonicalInt(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** The one form of an integer, undefined when it is beyond 64 bits. */
export function checkedInt(value: bigint): number | bigint | undefined {
  return value < minInt64 || value > maxInt64 ? undefined : canonicalInt(value);
}

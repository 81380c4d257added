/** Comparing resource.Quantity texts (apimachinery pkg/api/resource): exact, in billionths, its smallest unit. */

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,4})|([KMGTPE]i|[numkMGTPE]))?$/;
const scaleDigits = 9;
/** Go refuses exponents far beyond int64; a bound keeps the arithmetic small. */
const maxExponent = 64;

const decimal: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binary: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};

/** The value in billionths, rounded away from zero; undefined when the text is no quantity. */
export function quantityNanos(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", , power, suffix] = match;
  if (whole === "" && fraction === "") return undefined;
  const exponent = power === undefined ? (decimal[suffix ?? ""] ?? 0) : Number(power);
  if (Math.abs(exponent) > maxExponent || text.length > 256) return undefined;
  const digits = BigInt(whole + fraction) * (binary[suffix ?? ""] ?? 1n);
  const shift = exponent + scaleDigits - fraction.length;
  const nanos = shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift));
  return sign === "-" ? -nanos : nanos;
}

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** Negative, zero or positive; texts that are no quantities count as zero. */
export function compareQuantities(a: string, b: string): number {
  const difference = (quantityNanos(a) ?? 0n) - (quantityNanos(b) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Thousandths, rounded up, as Quantity.MilliValue. */
export const quantityMillis = (text: string): bigint => divideUp(quantityNanos(text) ?? 0n, 1_000_000n);

/** Comparing resource.Quantity texts, which decoding has checked. */
import {
  addQuantities,
  compareQuantities as compare,
  parseQuantity,
  type Quantity,
  quantityOf,
} from "#machinery/values/quantity.ts";

const zero = quantityOf(0);

/** What is no quantity counts as zero. */
function read(text: string): Quantity {
  const quantity = parseQuantity(text);
  return quantity instanceof Error ? zero : quantity;
}

/** Negative, zero or positive. */
export const compareQuantities = (a: string, b: string): number => compare(read(a), read(b));

/** Thousandths, rounded away from zero, as Quantity.MilliValue. */
export function quantityMillis(text: string): bigint {
  const { mantissa, scale } = addQuantities(read(text), zero);
  const shift = 3 - scale;
  if (shift >= 0) return mantissa * 10n ** BigInt(shift);
  const by = 10n ** BigInt(-shift);
  const rest = mantissa % by === 0n ? 0n : mantissa < 0n ? -1n : 1n;
  return mantissa / by + rest;
}

/**
 * resource.Quantity: exact decimal numbers with suffixes (`100m`, `1.5Gi`, `1e3`). Parsing, rounding and the printed form are
 * those of apimachinery pkg/api/resource.
 */

/** How a quantity likes to be printed. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** The value is `mantissa * 10 ** -scale`; `scale` is 0 to 9, or negative for large exponents. */
export interface Quantity {
  readonly mantissa: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
  /** The text it was read from, when that is printed as it is. */
  readonly text: string | undefined;
}

const formatError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numericError = "unable to parse numeric part of quantity";
const suffixError = "unable to parse quantity's suffix";

/** Longer texts and larger exponents are refused: arithmetic on them would take long, and nobody has that much of anything. */
const maxTextLength = 256;
const maxExponent = 1_000;
/** Smaller parts are rounded away from zero. */
const nanoScale = 9;
const maxInt64 = 2n ** 63n - 1n;

const decimalSuffixes = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const decimalSuffixOf = new Map([...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const largestDecimalExponent = 18;

const shape = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

/** A quantity, or an Error with upstream's message. */
export function parseQuantity(text: string): Quantity | Error {
  if (text.length > maxTextLength) return new Error(numericError);
  const match = text === "" ? null : shape.exec(text);
  if (match === null) return new Error(formatError);
  const [, sign, digits = "", denominator = "", suffix = ""] = match;
  const numerator = digits === "" ? "0" : digits;
  const unit = interpret(suffix);
  if (unit === undefined) return new Error(suffixError);
  const { exponent, format } = unit;
  const all = numerator + denominator;
  const unsigned = format === "BinarySI" ? BigInt(all) << BigInt(exponent) : BigInt(all);
  const scale = denominator.length - (format === "BinarySI" ? 0 : exponent);
  const kept =
    unsigned !== 0n && printsAsItIs(numerator, denominator, exponent, format, unsigned) ? text : undefined;
  const rounded = roundUp(unsigned, scale);
  let { mantissa } = rounded;
  let printed: QuantityFormat = format;
  if (format === "BinarySI") {
    const one = 10n ** BigInt(Math.max(rounded.scale, 0));
    if (mantissa > maxInt64 * one)
      return { mantissa: signed(maxInt64, sign), scale: 0, format, text: undefined };
    if (mantissa < one) printed = "DecimalSI";
  }
  mantissa = signed(mantissa, sign);
  return { mantissa, scale: rounded.scale, format: printed, text: kept };
}

const signed = (value: bigint, sign: string | undefined): bigint => (sign === "-" ? -value : value);

function interpret(suffix: string): { exponent: number; format: QuantityFormat } | undefined {
  const decimal = decimalSuffixes.get(suffix);
  if (decimal !== undefined) return { exponent: decimal, format: "DecimalSI" };
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { exponent: binary * 10, format: "BinarySI" };
  if (!/^[eE][-+]?[0-9]+$/.test(suffix)) return undefined;
  const exponent = Number(suffix.slice(1));
  return Math.abs(exponent) > maxExponent ? undefined : { exponent, format: "DecimalExponent" };
}

/** Upstream keeps the text of what its fast path takes for canonical (which is not always what it would print itself). */
function printsAsItIs(
  numerator: string,
  denominator: string,
  exponent: number,
  format: QuantityFormat,
  unsigned: bigint,
): boolean {
  if (format === "BinarySI") {
    const precision = 15 - numerator.length - Math.trunc((exponent * 3) / 10) - 1;
    return denominator === "" && precision >= 0 && unsigned <= maxInt64 && (BigInt(numerator) & 7n) !== 0n;
  }
  const digits = numerator + denominator;
  const scale = exponent - denominator.length;
  return (
    digits.length <= 18 &&
    scale >= -nanoScale &&
    scale % 3 === 0 &&
    !digits.endsWith("000") &&
    digits[0] !== "0"
  );
}

/** At most nine places behind the point; what is cut off rounds away from zero. */
function roundUp(unsigned: bigint, scale: number): { mantissa: bigint; scale: number } {
  if (scale <= nanoScale) return { mantissa: unsigned, scale };
  const divisor = 10n ** BigInt(scale - nanoScale);
  const rest = unsigned % divisor === 0n ? 0n : 1n;
  return { mantissa: unsigned / divisor + rest, scale: nanoScale };
}

/** Negative, zero or positive, by value. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.max(a.scale, b.scale);
  const x = a.mantissa * 10n ** BigInt(scale - a.scale);
  const y = b.mantissa * 10n ** BigInt(scale - b.scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum; it is printed in the first one's format, or the second's when the first is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const scale = Math.max(a.scale, b.scale);
  const mantissa = a.mantissa * 10n ** BigInt(scale - a.scale) + b.mantissa * 10n ** BigInt(scale - b.scale);
  return { mantissa, scale, format: a.mantissa === 0n ? b.format : a.format, text: undefined };
}

export const negateQuantity = (quantity: Quantity): Quantity => ({
  ...quantity,
  mantissa: -quantity.mantissa,
  text: undefined,
});

/** A whole number as a quantity (counts of objects in quotas). */
export const quantityOf = (value: bigint | number): Quantity => ({
  mantissa: BigInt(value),
  scale: 0,
  format: "DecimalSI",
  text: undefined,
});

/** As upstream prints it. */
export function quantityText(quantity: Quantity): string {
  const { text, format, mantissa, scale } = quantity;
  if (text !== undefined) return text;
  if (mantissa === 0n) return "0";
  if (format === "BinarySI") {
    const whole = wholeNumber(mantissa, scale);
    if (whole !== undefined && (whole <= -1_024n || whole >= 1_024n)) return binaryText(whole);
    return decimalText(mantissa, scale, "DecimalSI");
  }
  return decimalText(mantissa, scale, format);
}

/** A quantity in its canonical form, or an Error with upstream's message. Spaces around it do not count, as in Go. */
export function canonicalQuantity(text: string): string | Error {
  const quantity = parseQuantity(text.trim());
  return quantity instanceof Error ? quantity : quantityText(quantity);
}

function wholeNumber(mantissa: bigint, scale: number): bigint | undefined {
  if (scale <= 0) return mantissa * 10n ** BigInt(-scale);
  const divisor = 10n ** BigInt(scale);
  return mantissa % divisor === 0n ? mantissa / divisor : undefined;
}

function binaryText(whole: bigint): string {
  let number = whole;
  let power = 0;
  while (number % 1_024n === 0n && power + 1 < binarySuffixes.length) {
    number /= 1_024n;
    power++;
  }
  return `${number}${binarySuffixes[power]}`;
}

function decimalText(mantissa: bigint, scale: number, format: QuantityFormat): string {
  let number = mantissa;
  let exponent = -scale;
  while (number % 10n === 0n) {
    number /= 10n;
    exponent++;
  }
  while (exponent % 3 !== 0) {
    number *= 10n;
    exponent--;
  }
  if (format === "DecimalExponent") return exponent === 0 ? String(number) : `${number}e${exponent}`;
  // Upstream prints 1000E as `1`, which would lose 21 digits here: what is beyond E stays in E.
  if (exponent > largestDecimalExponent) {
    number *= 10n ** BigInt(exponent - largestDecimalExponent);
    exponent = largestDecimalExponent;
  }
  return `${number}${decimalSuffixOf.get(exponent)}`;
}

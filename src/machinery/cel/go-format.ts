/** Numbers as Go prints and reads them. */

/** Shortest decimal digits of a finite number other than 0, and the power of ten of the first one. */
function shortestDigits(value: number): { negative: boolean; digits: string; exponent: number } {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential())!;
  return {
    negative: match[1] === "-",
    digits: match[2]! + (match[3] ?? ""),
    exponent: Number(match[4]),
  };
}

function notFinite(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

/** As `%g` and `%v` print a float64. */
export function formatG(value: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const { negative, digits, exponent } = shortestDigits(value);
  const sign = negative ? "-" : "";
  if (exponent < -4 || exponent >= 6) {
    const power = String(Math.abs(exponent)).padStart(2, "0");
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  return sign + plain(digits, exponent);
}

/** As strconv.FormatFloat(value, 'f', -1, 64) prints it: never with an exponent. */
export function formatF(value: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const { negative, digits, exponent } = shortestDigits(value);
  return (negative ? "-" : "") + plain(digits, exponent);
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits + "0".repeat(exponent + 1 - digits.length);
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** As strconv.ParseFloat reads it; undefined when it is no number, or beyond a float64. */
export function parseFloat64(text: string): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if (/nan/i.test(text)) return special[1] === "" ? Number.NaN : undefined;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d{1,5})$/.exec(text);
  if (hex === null || hex[2]! + hex[3]! === "") return undefined;
  const mantissa = Number(`0x${hex[2]}${hex[3]}`);
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
  if (!Number.isFinite(value)) return undefined;
  return hex[1] === "-" ? -value : value;
}

/** Durations: Go's texts (`1h30m`), and the rough ages of tables (`3d4h`). */
import { quoteBytes } from "#base/quote.ts";

const units = new Map([
  ["ns", 1],
  ["us", 1_000],
  ["µs", 1_000],
  ["μs", 1_000],
  ["ms", 1_000_000],
  ["s", 1_000_000_000],
  ["m", 60_000_000_000],
  ["h", 3_600_000_000_000],
]);

const overflow = 2n ** 63n;
/** Longer texts are no duration: arithmetic on their digits would take long. */
const maxTextLength = 256;

/** Nanoseconds, or an Error with Go's message (time.ParseDuration). */
export function parseDuration(text: string): bigint | Error {
  const invalid = new Error(`time: invalid duration ${quoteBytes(text.slice(0, maxTextLength))}`);
  if (text.length > maxTextLength) return invalid;
  const negative = text.startsWith("-");
  let rest = negative || text.startsWith("+") ? text.slice(1) : text;
  if (rest === "0") return 0n;
  if (rest === "") return invalid;
  let total = 0n;
  while (rest !== "") {
    const match = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest)!;
    const [number, whole = "", fraction = ""] = match;
    if (whole === "" && fraction === "") return invalid;
    rest = rest.slice(number.length);
    const name = /^[^.0-9]*/.exec(rest)![0];
    if (name === "") return new Error(`time: missing unit in duration ${quoteBytes(text)}`);
    const unit = units.get(name);
    if (unit === undefined)
      return new Error(`time: unknown unit ${quoteBytes(name)} in duration ${quoteBytes(text)}`);
    rest = rest.slice(name.length);
    total += BigInt(whole) * BigInt(unit) + fractionOf(fraction, unit);
    if (total > overflow) return invalid;
  }
  if (!negative && total === overflow) return invalid;
  return negative ? -total : total;
}

/** Digits beyond what an int64 holds do not count; the product is a double cut to whole nanoseconds: as in Go, to the bit. */
function fractionOf(digits: string, unit: number): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (next > overflow - 1n) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (unit / scale)));
}

/** As Go prints a time.Duration. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const total = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${decimal(total, 3)}µs`;
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 6)}ms`;
  const minutes = total / 60_000_000_000n;
  const seconds = `${decimal(total % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

/** A Go duration in the form Go prints, or an Error with Go's message. */
export function canonicalDuration(text: string): string | Error {
  const value = parseDuration(text);
  return value instanceof Error ? value : durationText(value);
}

/** `value / 10 ** places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const base = 10n ** BigInt(places);
  const fraction = String(value % base)
    .padStart(places, "0")
    .replace(/0+$/, "");
  return fraction === "" ? String(value / base) : `${value / base}.${fraction}`;
}

/** An age as kubectl shows it (apimachinery pkg/util/duration: HumanDuration): `45s`, `5m`, `3d4h`, `2y30d`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1_000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 120) return `${Math.max(seconds, 0)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return twoParts(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return twoParts(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return twoParts(days, "d", hours % 24, "h");
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? twoParts(years, "y", days % 365, "d") : `${years}y`;
}

const twoParts = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

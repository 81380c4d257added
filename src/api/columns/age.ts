import type { JsonValue } from "#machinery/json/value.ts";

/**
 * A duration as kubectl shows it: two units at most, coarser as it grows (k8s.io/apimachinery/pkg/util/duration).
 * `seconds` may be negative by a little, since clocks differ; below -1 it is `<invalid>`.
 */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < -1) return "<invalid>";
  if (whole < 0) return "0s";
  if (whole < 120) return `${whole}s`;
  const minutes = Math.trunc(whole / 60);
  if (minutes < 10) return two(minutes, "m", whole % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 192) return two(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 24 * 365 * 8) return two(years, "y", days % 365, "d");
  return `${years}y`;
}

const two = (large: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;

/** The time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function ageOf(timestamp: JsonValue | undefined, nowMs: number): string {
  if (typeof timestamp !== "string" || timestamp === "") return "<unknown>";
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? "<invalid>" : humanDuration((nowMs - then) / 1000);
}

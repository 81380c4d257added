/** Timestamps: RFC 3339 texts, arithmetic, and their parts in a time zone. */
import { maxInt64, minInt64 } from "./integers.ts";
import { CelDuration, CelError, CelTimestamp } from "./values.ts";

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const minSeconds = -62_135_596_800;
const maxSeconds = 253_402_300_799;
const billion = 1_000_000_000n;

export const timestampOverflow = new CelError("timestamp overflow");
const integerOverflow = new CelError("integer overflow");

export const isTimestampSeconds = (seconds: number): boolean =>
  seconds >= minSeconds && seconds <= maxSeconds;

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/** Reads an RFC 3339 time; undefined when it is none. */
export function parseTimestamp(text: string): CelTimestamp | CelError | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const seconds = secondsOfDate(year, month, day);
  if (seconds === undefined) return undefined;
  const zoneHours = Number(match[9] ?? 0);
  const zoneMinutes = Number(match[10] ?? 0);
  if (zoneHours > 24 || zoneMinutes > 60) return undefined;
  const offset = (zoneHours * 3600 + zoneMinutes * 60) * (match[8] === "-" ? -1 : 1);
  const nanos = Number((match[7] ?? "").slice(0, 9).padEnd(9, "0"));
  const total = seconds + hour * 3600 + minute * 60 + second - offset;
  return isTimestampSeconds(total) ? new CelTimestamp(total, nanos, offset) : timestampOverflow;
}

/** Reads a date of the form 2006-01-02. */
export function parseDate(text: string): CelTimestamp | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const seconds = secondsOfDate(Number(match[1]), Number(match[2]), Number(match[3]));
  return seconds === undefined ? undefined : new CelTimestamp(seconds, 0);
}

function secondsOfDate(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 1000;
}

/** As Go's time.RFC3339Nano: no trailing zeros. */
export function timestampText({ seconds, nanos, offset }: CelTimestamp): string {
  const date = new Date((seconds + offset) * 1000);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  const rest = date.toISOString().slice(-20, -5);
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${year}${rest}${fraction}${zoneText(offset)}`;
}

function zoneText(offset: number): string {
  if (offset === 0) return "Z";
  const minutes = Math.abs(offset) / 60;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

export function addDuration(time: CelTimestamp, nanos: bigint): CelTimestamp | CelError {
  const total = BigInt(time.seconds) * billion + BigInt(time.nanos) + nanos;
  let seconds = total / billion;
  let rest = total % billion;
  if (rest < 0n) {
    seconds -= 1n;
    rest += billion;
  }
  const whole = Number(seconds);
  return isTimestampSeconds(whole) ? new CelTimestamp(whole, Number(rest), time.offset) : timestampOverflow;
}

export function timeBetween(from: CelTimestamp, to: CelTimestamp): CelDuration | CelError {
  const nanos = BigInt(to.seconds - from.seconds) * billion + BigInt(to.nanos - from.nanos);
  return nanos < minInt64 || nanos > maxInt64 ? integerOverflow : new CelDuration(nanos);
}

/** A timestamp's calendar in a zone; its fields are those of Date's UTC getters. */
export function inZone(time: CelTimestamp, zone: string): Date | CelError {
  const offset = zoneOffset(time, zone);
  return typeof offset === "number" ? new Date((time.seconds + offset) * 1000) : offset;
}

/** Seconds east of UTC of a zone at a time: a name of the IANA database, or hours and minutes as `-07:30`. */
function zoneOffset(time: CelTimestamp, zone: string): number | CelError {
  const colon = zone.indexOf(":");
  if (colon >= 0) return numericOffset(zone, colon);
  if (zone === "" || zone === "UTC") return 0;
  const unknown = new CelError(`unknown time zone ${zone}`);
  if (!/^[A-Za-z0-9_+/-]+$/.test(zone) || zone.startsWith("/")) return unknown;
  try {
    return namedOffset(time, zone);
  } catch {
    return unknown;
  }
}

function numericOffset(zone: string, colon: number): number | CelError {
  const hours = zone.slice(0, colon);
  const minutes = zone.slice(colon + 1);
  for (const part of [hours, minutes]) {
    if (!/^[+-]?\d{1,18}$/.test(part))
      return new CelError(`strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`);
  }
  const sign = zone.startsWith("-") ? -1 : 1;
  return (Number(hours) * 60 + sign * Number(minutes)) * 60;
}

/** Throws a RangeError for a zone that does not exist. */
function namedOffset(time: CelTimestamp, zone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = new Map(format.formatToParts(time.seconds * 1000).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get("era") === "BC" ? 1 - part("year") : part("year");
  const local = new Date(0);
  local.setUTCFullYear(year, part("month") - 1, part("day"));
  local.setUTCHours(part("hour"), part("minute"), part("second"));
  return local.getTime() / 1000 - time.seconds;
}

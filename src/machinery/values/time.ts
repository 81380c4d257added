/**
 * Time (seconds) and MicroTime (six digits) of meta/v1: RFC 3339 in, with any offset, and UTC out. Errors are Go's
 * (time.Parse), years beyond 9999 are refused.
 */
import { quoteBytes } from "#base/quote.ts";

/** An instant. Go's zero time, year 1, means "unset" and is written as null. */
export interface Instant {
  /** Milliseconds since the Unix epoch, a multiple of 1000. */
  readonly ms: number;
  /** 0 to 999,999. Always 0 for Time. */
  readonly micros: number;
}

const secondsLayout = "2006-01-02T15:04:05Z07:00";
const microsLayout = "2006-01-02T15:04:05.000000Z07:00";
const zeroTimeMs = -62_135_596_800_000;

export const parseTime = (text: string): Instant | Error => parse(text, secondsLayout);
/** Exactly six digits behind the seconds. */
export const parseMicroTime = (text: string): Instant | Error => parse(text, microsLayout);

/** `2026-01-02T03:04:05Z`; fractions of a second are dropped. For years 0 to 9999. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
/** `2026-01-02T03:04:05.000006Z`. */
export const microTimeText = ({ ms, micros }: Instant): string =>
  `${new Date(ms).toISOString().slice(0, 19)}.${String(micros).padStart(6, "0")}Z`;

const alreadyCanonical =
  /^(?!0001-01-01T00:00:00)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;

/** The normal form of a Time; null for Go's zero time; an Error with Go's message. */
export function canonicalTime(text: string): string | null | Error {
  if (alreadyCanonical.test(text)) return text;
  const instant = parseTime(text);
  if (instant instanceof Error) return instant;
  return isZero(instant) ? null : timeText(instant.ms);
}

/** The normal form of a MicroTime; null for Go's zero time; an Error with Go's message. */
export function canonicalMicroTime(text: string): string | null | Error {
  const instant = parseMicroTime(text);
  if (instant instanceof Error) return instant;
  return isZero(instant) ? null : microTimeText(instant);
}

const isZero = ({ ms, micros }: Instant): boolean => ms === zeroTimeMs && micros === 0;

/** One element of the layout: what it is called in errors, and which text it takes. */
interface Part {
  readonly layout: string;
  readonly pattern: RegExp;
  /** Smallest and largest value, and the name in `hour out of range`. */
  readonly range?: readonly [name: string, min: number, max: number];
}

const literal = (text: string): Part => ({ layout: text, pattern: new RegExp(`^${text}`) });
const dateAndTime: readonly Part[] = [
  { layout: "2006", pattern: /^[0-9]{4}/ },
  literal("-"),
  { layout: "01", pattern: /^[0-9]{2}/, range: ["month", 1, 12] },
  literal("-"),
  { layout: "02", pattern: /^[0-9]{2}/ },
  literal("T"),
  { layout: "15", pattern: /^[0-9]{1,2}/, range: ["hour", 0, 23] },
  literal(":"),
  { layout: "04", pattern: /^[0-9]{2}/, range: ["minute", 0, 59] },
  literal(":"),
  { layout: "05", pattern: /^[0-9]{2}/, range: ["second", 0, 59] },
];
const zone: Part = { layout: "Z07:00", pattern: /^(?:Z|[+-][0-9]{2}:[0-9]{2})/ };
const fraction: Part = { layout: ".000000", pattern: /^[.,][0-9]{6}/ };
/** Times in seconds may carry any fraction; it is dropped. */
const anyFraction: Part = { layout: "", pattern: /^(?:[.,][0-9]+)?/ };

const parts = {
  [secondsLayout]: [...dateAndTime, anyFraction, zone],
  [microsLayout]: [...dateAndTime, fraction, zone],
} as const;

function parse(text: string, layout: typeof secondsLayout | typeof microsLayout): Instant | Error {
  const shown = quoteBytes(text.slice(0, 256));
  const taken: string[] = [];
  let rest = text;
  for (const { pattern, layout: name, range } of parts[layout]) {
    const match = pattern.exec(rest)?.[0];
    if (match === undefined) {
      return new Error(
        `parsing time ${shown} as ${quoteBytes(layout)}: cannot parse ${quoteBytes(rest.slice(0, 256))} as ${quoteBytes(name)}`,
      );
    }
    rest = rest.slice(match.length);
    if (range !== undefined && (Number(match) < range[1] || Number(match) > range[2])) {
      return new Error(`parsing time ${shown}: ${range[0]} out of range`);
    }
    taken.push(match);
  }
  const [year, , month, , day, , hour, , minute, , second, digits = "", offset = "Z"] = taken;
  const zoneMinutes = offsetMinutes(offset);
  if (typeof zoneMinutes === "string") return new Error(`parsing time ${shown}: ${zoneMinutes} out of range`);
  if (rest !== "") return new Error(`parsing time ${shown}: extra text: ${quoteBytes(rest.slice(0, 256))}`);
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCDate() !== Number(day)) return new Error(`parsing time ${shown}: day out of range`);
  date.setUTCHours(Number(hour), Number(minute) - zoneMinutes, Number(second));
  if (date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9_999) {
    return new Error(`parsing time ${shown}: year outside of range [0,9999]`);
  }
  return { ms: date.getTime(), micros: layout === microsLayout ? Number(digits.slice(1)) : 0 };
}

/** Go takes offsets up to 24:60. */
function offsetMinutes(offset: string): number | string {
  if (offset === "Z") return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(4, 6));
  if (hours > 24) return "time zone offset hour";
  if (minutes > 60) return "time zone offset minute";
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

/** Schedules of cron jobs, with the complaints of the parser that upstream uses (github.com/robfig/cron/v3). */
import { quote } from "#base/quote.ts";

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const bounds: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];
const descriptors: ReadonlySet<string> = new Set([
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
]);
const duration = /^[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const every = "@every ";

/** What is wrong with a schedule; undefined when nothing is. */
export function scheduleProblem(schedule: string): string | undefined {
  const [, zone, rest] = /^(?:CRON_)?TZ=(\S*) (.*)$/s.exec(schedule) ?? [];
  if (zone !== undefined && !isTimeZone(zone))
    return `provided bad location ${zone}: unknown time zone ${zone}`;
  const text = rest?.trim() ?? schedule;
  if (text.startsWith("@")) return descriptorProblem(text);
  const fields = text.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== bounds.length)
    return `expected exactly ${bounds.length} fields, found ${fields.length}: [${fields.join(" ")}]`;
  for (const [index, field] of fields.entries()) {
    for (const range of field.split(",").filter((each) => each !== "")) {
      const problem = rangeProblem(range, bounds[index]!);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function descriptorProblem(text: string): string | undefined {
  if (descriptors.has(text)) return undefined;
  if (!text.startsWith(every)) return `unrecognized descriptor: ${text}`;
  const given = text.slice(every.length);
  if (duration.test(given)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${quote(given)}`;
}

function rangeProblem(range: string, { min, max, names }: Bounds): string | undefined {
  const [base = "", ...steps] = range.split("/");
  const [low = "", ...highs] = base.split("-");
  let start = min;
  let end = max;
  if (low !== "*" && low !== "?") {
    const first = numberOrName(low, names);
    if (typeof first === "string") return first;
    start = end = first;
    if (highs.length > 1) return `too many hyphens: ${range}`;
    if (highs.length === 1) {
      const last = numberOrName(highs[0]!, names);
      if (typeof last === "string") return last;
      end = last;
    }
  }
  if (steps.length > 1) return `too many slashes: ${range}`;
  let step = 1;
  if (steps.length === 1) {
    const each = numberOrName(steps[0]!, []);
    if (typeof each === "string") return each;
    step = each;
    if (highs.length === 0) end = max;
  }
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${range}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${range}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${range}`;
  return step === 0 ? `step of range should be a positive number: ${range}` : undefined;
}

/** A complaint when it is neither. */
function numberOrName(text: string, names: readonly string[]): number | string {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return names === months ? named + 1 : named;
  const failed = `failed to parse int from ${text}: strconv.Atoi: parsing ${quote(text)}`;
  if (!/^[-+]?[0-9]+$/.test(text)) return `${failed}: invalid syntax`;
  const number = Number(text);
  if (!Number.isSafeInteger(number)) return `${failed}: value out of range`;
  return number < 0 ? `negative number (${number}) not allowed: ${text}` : number;
}

/** Zones of the platform's data, named as they are there. */
export function isTimeZone(name: string): boolean {
  if (name === "" || name === "Local") return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "" && !/^[-+]/.test(name);
  } catch {
    return false;
  }
}

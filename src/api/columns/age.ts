import type { JsonValue } from "#machinery/json/value.ts";
import { humanDuration } from "#machinery/values/duration.ts";
import { parseTime } from "#machinery/values/time.ts";

/** Go's zero time, as the store never holds it but an object may. */
const zeroTimeMs = Date.parse("0001-01-01T00:00:00Z");

/** The time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function ageOf(timestamp: JsonValue | undefined, nowMs: number): string {
  if (typeof timestamp !== "string" || timestamp === "") return "<unknown>";
  const then = parseTime(timestamp);
  if (then instanceof Error) return "<invalid>";
  return then.ms === zeroTimeMs ? "<unknown>" : humanDuration(nowMs - then.ms);
}

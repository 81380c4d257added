import type { JsonValue } from "#machinery/json/value.ts";
import { humanDuration } from "#machinery/values/duration.ts";

/** The time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function ageOf(timestamp: JsonValue | undefined, nowMs: number): string {
  if (typeof timestamp !== "string" || timestamp === "") return "<unknown>";
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? "<invalid>" : humanDuration(nowMs - then);
}

/** Parts of timestamps and durations (cel-go's common/stdlib/standard.go). */
import { declare, type FunctionDeclaration, type OverloadSpec } from "../functions.ts";
import { canonicalInt } from "../integers.ts";
import { inZone } from "../timestamps.ts";
import {
  CelDuration,
  CelError,
  type CelResult,
  CelTimestamp,
  type CelValue,
  noSuchOverload,
} from "../values.ts";

type Part = (local: Date, time: CelTimestamp) => number;

const dayMs = 86_400_000;

function dayOfYear(date: Date): number {
  const first = new Date(date);
  first.setUTCMonth(0, 1);
  return Math.round((date.getTime() - first.getTime()) / dayMs);
}

function part(read: Part, time: CelValue, zone: CelValue): CelResult {
  if (!(time instanceof CelTimestamp) || typeof zone !== "string") return noSuchOverload;
  const local = inZone(time, zone);
  return local instanceof CelError ? local : read(local, time);
}

/** A part of a timestamp, in UTC or a zone. */
function overloads(id: string, read: Part): OverloadSpec[] {
  return [
    [id, "timestamp.(): int", (time) => part(read, time, "UTC")],
    [`${id}_with_tz`, "timestamp.(string): int", (time, zone) => part(read, time, zone)],
  ];
}

/** Whole units of a duration. */
function durationUnits(id: string, nanos: bigint): OverloadSpec {
  return [
    id,
    "duration.(): int",
    (value) => (value instanceof CelDuration ? canonicalInt(value.nanos / nanos) : noSuchOverload),
  ];
}

export const timesLibrary: readonly FunctionDeclaration[] = [
  declare(
    "getFullYear",
    overloads("timestamp_to_year", (local) => local.getUTCFullYear()),
  ),
  declare(
    "getMonth",
    overloads("timestamp_to_month", (local) => local.getUTCMonth()),
  ),
  declare("getDayOfYear", overloads("timestamp_to_day_of_year", dayOfYear)),
  declare(
    "getDayOfMonth",
    overloads("timestamp_to_day_of_month", (local) => local.getUTCDate() - 1),
  ),
  declare(
    "getDate",
    overloads("timestamp_to_day_of_month_1_based", (local) => local.getUTCDate()),
  ),
  declare(
    "getDayOfWeek",
    overloads("timestamp_to_day_of_week", (local) => local.getUTCDay()),
  ),
  declare("getHours", [
    ...overloads("timestamp_to_hours_tz", (local) => local.getUTCHours()),
    durationUnits("duration_to_hours", 3_600_000_000_000n),
  ]),
  declare("getMinutes", [
    ...overloads("timestamp_to_minutes", (local) => local.getUTCMinutes()),
    durationUnits("duration_to_minutes", 60_000_000_000n),
  ]),
  declare("getSeconds", [
    ...overloads("timestamp_to_seconds", (local) => local.getUTCSeconds()),
    durationUnits("duration_to_seconds", 1_000_000_000n),
  ]),
  declare("getMilliseconds", [
    ...overloads("timestamp_to_milliseconds", (_local, time) => Math.trunc(time.nanos / 1_000_000)),
    durationUnits("duration_to_milliseconds", 1_000_000n),
  ]),
];

/** Strings of JSON with a format, as kube-openapi reads them: dates, times, durations, base64. */
import { firstBadBase64 } from "#machinery/schema/scalars.ts";
import { parseDuration } from "#machinery/values/duration.ts";
import { parseDate, parseTimestamp } from "./timestamps.ts";
import { CelBytes, CelDuration, CelError, type CelResult, CelTimestamp } from "./values.ts";

export function readFormat(text: string, format: "date" | "date-time" | "duration" | "byte"): CelResult {
  switch (format) {
    case "date":
      return parseDate(text) ?? new CelError(`Invalid date formatted string ${text}`);
    case "date-time":
      return readDateTime(text);
    case "duration": {
      const nanos = readDuration(text);
      return nanos === undefined ? new CelError(`Invalid duration ${text}`) : new CelDuration(nanos);
    }
    case "byte":
      return (
        readBase64(text) ??
        new CelError(
          `Invalid byte formatted string ${text}: illegal base64 data at input byte ${firstBadBase64(text)}`,
        )
      );
  }
}

/** RFC 3339, also without a zone, which is UTC then. */
function readDateTime(text: string): CelResult {
  const time = parseTimestamp(text) ?? parseTimestamp(`${text}Z`);
  if (time instanceof CelTimestamp) return time;
  return new CelError(`Invalid date-time formatted string ${text}`);
}

const units: readonly (readonly [names: readonly string[], nanos: bigint])[] = [
  [["ns", "nano"], 1n],
  [["us", "µs", "micro"], 1_000n],
  [["ms", "milli"], 1_000_000n],
  [["s", "sec"], 1_000_000_000n],
  [["m", "min"], 60_000_000_000n],
  [["h", "hr", "hour"], 3_600_000_000_000n],
  [["d", "day"], 86_400_000_000_000n],
  [["w", "wk", "week"], 604_800_000_000_000n],
];

/** Go's durations, and numbers with the names of units (`1 day`). */
function readDuration(text: string): bigint | undefined {
  const nanos = parseDuration(text);
  if (typeof nanos === "bigint") return nanos;
  let total: bigint | undefined;
  for (const [, number, name] of text.matchAll(/(\d{1,18})\s*([A-Za-zµ]+)/g)) {
    const unit = name!.toLowerCase();
    for (const [names, factor] of units) {
      if (names.includes(unit) || unit.startsWith(names.at(-1)!))
        total = (total ?? 0n) + BigInt(number!) * factor;
    }
  }
  return total === undefined ? undefined : BigInt.asIntN(64, total);
}

function readBase64(text: string): CelBytes | undefined {
  const plain = text.replaceAll(/[\r\n]/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return undefined;
  return new CelBytes(Uint8Array.from(Buffer.from(plain, "base64")));
}

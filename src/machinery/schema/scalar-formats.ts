/**
 * Texts with a normal form. Each function answers the normal text, null for Go's zero time, or an Error with Go's message.
 */

const canonicalSeconds =
  /^(?!0001-01-01T00:00:00)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC with seconds: fractions are dropped, any offset is accepted. */
export function canonicalTime(text: string): string | null | Error {
  if (canonicalSeconds.test(text)) return text;
  return format(text, rfc3339, "2006-01-02T15:04:05Z07:00", () => "Z");
}

const rfc3339Micro = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d{6})(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC with exactly six digits behind the seconds. */
export function canonicalMicroTime(text: string): string | null | Error {
  return format(
    text,
    rfc3339Micro,
    "2006-01-02T15:04:05.000000Z07:00",
    (fraction) => `.${fraction.slice(1)}Z`,
  );
}

function format(
  text: string,
  pattern: RegExp,
  layout: string,
  tail: (fraction: string) => string,
): string | null | Error {
  const match = pattern.exec(text);
  const error = new Error(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse`);
  if (match === null) return error;
  const at = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
  if (Number.isNaN(at)) return error;
  const zone = match[8]!;
  const offset =
    zone === "Z" ? 0 : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  const utc = new Date(at - offset * 60_000).toISOString();
  if (utc === "0001-01-01T00:00:00.000Z") return null;
  return utc.slice(0, -5) + tail(match[7] ?? "");
}

/** A Go duration such as `1h30m`. */
export function canonicalDuration(text: string): string | Error {
  return text;
}

/** A resource.Quantity in its canonical form. */
export function canonicalQuantity(text: string): string | Error {
  if (/^[+-]?[0-9.]+([eEinumkKMGTP]*[-+]?[0-9]*)$/.test(text)) return text;
  return new Error(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}

/** String formats of schemas (kube-openapi pkg/validation/strfmt, apiextensions-apiserver pkg/apiserver/validation/formats.go). */
import { byteLength } from "#base/bytes.ts";
import { parseDuration } from "#machinery/values/duration.ts";
import { isEmail } from "./email.ts";
import { isCidr, isIp } from "./ip.ts";
import { isRequestUri } from "./uri.ts";

type Check = (text: string) => boolean;
const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);

const hostname =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;

const isHostname: Check = (text) =>
  byteLength(text) <= 255 && hostname.test(text) && text.split(".").every((part) => byteLength(part) <= 63);

const daysOf = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31;

const isDate: Check = (text) => {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
};

const isDateTime: Check = (text) => {
  const parts = text.toLowerCase().split("t");
  if (parts.length < 2 || !isDate(parts[0]!)) return false;
  const match = /^([0-9]{2}):([0-9]{2}):([0-9]{2})([^\n][0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/.exec(parts[1]!);
  return match !== null && match[1]! <= "23" && match[2]! <= "59" && match[3]! <= "59";
};

const durationUnits: readonly (readonly string[])[] = [
  ["ns", "nano"],
  ["us", "µs", "micro"],
  ["ms", "milli"],
  ["s", "sec"],
  ["m", "min"],
  ["h", "hr", "hour"],
  ["d", "day"],
  ["w", "wk", "week"],
];

/** Go's durations, and texts that hold one of Scala's anywhere (`3 days`). */
const isDuration: Check = (text) => {
  if (!(parseDuration(text) instanceof Error)) return true;
  let found = false;
  for (const [, digits, name] of text.matchAll(/([0-9]+)[\t\n\f\r ]*([A-Za-zµ]+)/g)) {
    // Go's Atoi fails beyond int64, and with it the whole text.
    if (digits!.length > 19 ? !/^0*[0-9]{1,18}$/.test(digits!) : BigInt(digits!) >= 2n ** 63n) return false;
    const unit = name!.toLowerCase();
    found ||= durationUnits.some((names) => names.includes(unit) || unit.startsWith(names.at(-1)!));
  }
  return found;
};

const octet = "(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])";
const blank = "[\\t\\n\\f\\r ]*";
const rgb = new RegExp(
  `^rgb\\(${blank}${octet}${blank},${blank}${octet}${blank},${blank}${octet}${blank}\\)$`,
);
const card =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$/;

const isCreditCard: Check = (text) => {
  const digits = text.replaceAll(/[^0-9]+/g, "");
  if (!card.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const counted = i % 2 === 0 ? digit : digit * 2;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
};

const isbnDigits = (text: string): string => text.replaceAll(/[\t\n\f\r -]+/g, "");

const isIsbn10: Check = (text) => {
  const digits = isbnDigits(text);
  if (!/^(?:[0-9]{9}X|[0-9]{10})$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += (i + 1) * Number(digits[i]);
  sum += 10 * (digits[9] === "X" ? 10 : Number(digits[9]));
  return sum % 11 === 0;
};

const isIsbn13: Check = (text) => {
  const digits = isbnDigits(text);
  if (!/^[0-9]{13}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += (i % 2 === 0 ? 1 : 3) * Number(digits[i]);
  return Number(digits[12]) === (10 - (sum % 10)) % 10;
};

const isMac: Check = (text) => {
  const bytes =
    /^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1)*[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.)+[0-9a-fA-F]{4}|[0-9a-fA-F]+)$/;
  if (text.length > 59 || !bytes.test(text)) return false;
  return [12, 16, 40].includes(text.replaceAll(/[:.-]/g, "").length);
};

const shortName = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const uuid = (third: string, fourth: string): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, "i");

const isName =
  (max: number, pattern: RegExp): Check =>
  (text) =>
    byteLength(text) <= max && pattern.test(text);

/** By name without dashes. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["bsonobjectid", matches(/^[0-9a-fA-F]{24}$/)],
  ["uri", isRequestUri],
  ["email", isEmail],
  ["hostname", isHostname],
  ["ipv4", (text) => text.includes(".") && isIp(text, true)],
  ["ipv6", (text) => text.includes(":") && isIp(text)],
  ["cidr", isCidr],
  ["mac", isMac],
  ["uuid", matches(uuid("[0-9a-f]{4}", "[0-9a-f]{4}"))],
  ["uuid3", matches(uuid("3[0-9a-f]{3}", "[0-9a-f]{4}"))],
  ["uuid4", matches(uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"))],
  ["uuid5", matches(uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"))],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", (text) => text.length === 11 && /^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$/.test(text)],
  ["hexcolor", matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ["rgbcolor", matches(rgb)],
  ["byte", isBase64],
  ["password", () => true],
  ["date", isDate],
  ["duration", isDuration],
  ["datetime", isDateTime],
  ["k8sshortname", isName(63, new RegExp(`^${shortName}$`))],
  ["k8slongname", isName(253, new RegExp(`^${shortName}(\\.${shortName})*$`))],
]);

function isBase64(text: string): boolean {
  // Not one pattern of groups: a backtracking engine may run out of stack on a long text.
  if (text === "" || text.length % 4 !== 0) return false;
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

const normal = (format: string): string => format.replaceAll("-", "");

/** The check of a format, whatever dashes its name has; undefined for unknown formats. */
export const formatCheck = (format: string): Check | undefined => checks.get(normal(format));

/**
 * Whether the format counts for values of the type; others are ignored when objects are validated. `several`: the schema allows
 * more than one type.
 */
export function isSupportedFormat(format: string, type: string): boolean {
  switch (type) {
    case "":
    case "several":
    case "string":
      return checks.has(normal(format));
    case "integer":
      return format === "int32" || format === "int64";
    case "number":
      return format === "float" || format === "double";
    default:
      return false;
  }
}

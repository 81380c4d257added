/** Address ranges, as text (apimachinery pkg/util/validation/ip.go). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { ipFamily } from "./checks.ts";

/** An address range: its bits, of which the first `length` count. */
export interface Range {
  readonly family: number;
  readonly bits: bigint;
  readonly length: number;
}

const widths: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

/** Undefined when the text is no range. */
export function parseRange(text: string): Range | undefined {
  const [, address = "", digits = ""] = /^([^/]+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const family = ipFamily(address);
  const width = widths[family];
  const length = Number(digits);
  if (width === undefined || length > width) return undefined;
  return { family, bits: addressBits(address, family), length };
}

/** The bits of a valid address. */
export function addressBits(address: string, family: number): bigint {
  if (family === 4) return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(Number(part)), 0n);
  const four = /^(.*:)([0-9]+\.[0-9.]+)$/.exec(address);
  const last = four === null ? 0n : addressBits(four[2]!, 4);
  const text =
    four === null ? address : `${four[1]}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`;
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => part.split(":").filter((group) => group !== "");
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

export function rangeErrors(text: string, path: FieldPath): FieldError[] {
  const range = parseRange(text);
  if (range === undefined)
    return [fieldInvalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
  if (hasLeadingZeros(text.split("/")[0]!) || /\/0[0-9]/.test(text))
    return [fieldInvalid(path, text, "must not have leading 0s in IP or prefix length")];
  if (isMapped(range)) return [fieldInvalid(path, text, "must not have an IPv4-mapped IPv6 address")];
  const rest = BigInt(widths[range.family]! - range.length);
  return (range.bits >> rest) << rest === range.bits
    ? []
    : [fieldInvalid(path, text, "must not have bits set beyond the prefix length")];
}

const isMapped = ({ family, bits }: Range): boolean => family === 6 && bits >> 32n === 0xffffn;

/** An address, which is told in one way only. */
export function ipErrors(text: string, path: FieldPath): FieldError[] {
  const family = ipFamily(text);
  if (family === 0)
    return [fieldInvalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  if (hasLeadingZeros(text)) return [fieldInvalid(path, text, "must not have leading 0s")];
  return isMapped({ family, bits: addressBits(text, family), length: 0 })
    ? [fieldInvalid(path, text, "must not be an IPv4-mapped IPv6 address")]
    : [];
}

const hasLeadingZeros = (address: string): boolean => !address.includes(":") && /\b0[0-9]/.test(address);

const prefix = ({ family, bits, length }: Range, of = length): bigint => bits >> BigInt(widths[family]! - of);

/** Whether `inner` is a part of `outer`, and not all of it. */
export const isPartOf = (inner: Range, outer: Range): boolean =>
  inner.family === outer.family &&
  inner.length > outer.length &&
  prefix(inner, outer.length) === prefix(outer);

/** Addresses and prefixes as Go's net/netip reads and prints them. */
import { quote } from "#base/quote.ts";

/** 4 or 16 bytes in network order, and the zone of an IPv6 address. */
export interface IpAddress {
  readonly bytes: readonly number[];
  readonly zone: string;
}

/** Longer texts are no address: this is more than the longest with a zone. */
const maxAddressLength = 512;

class AddressError extends Error {
  constructor(text: string, message: string, at = "") {
    super(`ParseAddr(${quote(text)}): ${message}${at === "" ? "" : ` (at ${quote(at)})`}`);
  }
}

/** The address, or an Error with Go's text. */
export function parseAddress(text: string): IpAddress | Error {
  const kind = text.length > maxAddressLength ? undefined : /[.:%]/.exec(text)?.[0];
  if (kind === "%") return new AddressError(text, "missing IPv6 address");
  if (kind === undefined) return new AddressError(text, "unable to parse IP");
  const bytes = kind === "." ? parseV4(text, text) : undefined;
  if (bytes instanceof Error) return bytes;
  return bytes === undefined ? parseV6(text) : { bytes, zone: "" };
}

/** Four bytes; `whole` is the text that errors show. */
function parseV4(text: string, whole: string): number[] | Error {
  const bytes: number[] = [];
  let value = 0;
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (/\d/.test(character)) {
      if (digits === 1 && value === 0)
        return new AddressError(whole, "IPv4 field has octet with leading zero");
      value = value * 10 + Number(character);
      digits++;
      if (value > 255) return new AddressError(whole, "IPv4 field has value >255");
    } else if (character === ".") {
      if (index === 0 || index === text.length - 1 || text[index - 1] === ".")
        return new AddressError(whole, "IPv4 field must have at least one digit", text.slice(index));
      if (bytes.length === 3) return new AddressError(whole, "IPv4 address too long");
      bytes.push(value);
      value = 0;
      digits = 0;
    } else return new AddressError(whole, "unexpected character", text.slice(index));
  }
  if (bytes.length < 3) return new AddressError(whole, "IPv4 address too short");
  return [...bytes, value];
}

function parseV6(text: string): IpAddress | Error {
  const percent = text.indexOf("%");
  const zone = percent < 0 ? "" : text.slice(percent + 1);
  if (percent >= 0 && zone === "") return new AddressError(text, "zone must be a non-empty string");
  let rest = percent < 0 ? text : text.slice(0, percent);
  const bytes: number[] = [];
  let ellipsis = -1;
  if (rest.startsWith("::")) {
    ellipsis = 0;
    rest = rest.slice(2);
    if (rest === "") return { bytes: new Array<number>(16).fill(0), zone };
  }
  while (bytes.length < 16) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)![0];
    if (digits.length > 4) return new AddressError(text, "each group must have 4 or less digits", rest);
    if (digits === "")
      return new AddressError(text, "each colon-separated field must have at least one digit", rest);
    if (rest[digits.length] === ".") {
      if (ellipsis < 0 && bytes.length !== 12)
        return new AddressError(
          text,
          "embedded IPv4 address must replace the final 2 fields of the address",
          rest,
        );
      if (bytes.length + 4 > 16)
        return new AddressError(
          text,
          "too many hex fields to fit an embedded IPv4 at the end of the address",
          rest,
        );
      const embedded = parseV4(rest, text);
      if (embedded instanceof Error) return embedded;
      bytes.push(...embedded);
      rest = "";
      break;
    }
    const group = Number.parseInt(digits, 16);
    bytes.push(group >> 8, group & 255);
    rest = rest.slice(digits.length);
    if (rest === "") break;
    if (rest[0] !== ":") return new AddressError(text, "unexpected character, want colon", rest);
    if (rest.length === 1) return new AddressError(text, "colon must be followed by more characters", rest);
    rest = rest.slice(1);
    if (rest[0] === ":") {
      if (ellipsis >= 0) return new AddressError(text, "multiple :: in address", rest);
      ellipsis = bytes.length;
      rest = rest.slice(1);
      if (rest === "") break;
    }
  }
  if (rest !== "") return new AddressError(text, "trailing garbage after address", rest);
  if (bytes.length < 16) {
    if (ellipsis < 0) return new AddressError(text, "address string too short");
    bytes.splice(ellipsis, 0, ...new Array<number>(16 - bytes.length).fill(0));
  } else if (ellipsis >= 0)
    return new AddressError(text, "the :: must expand to at least one field of zeros");
  return { bytes, zone };
}

export const isV4 = ({ bytes }: IpAddress): boolean => bytes.length === 4;

export const isV4Mapped = ({ bytes }: IpAddress): boolean =>
  bytes.length === 16 &&
  bytes.slice(0, 10).every((byte) => byte === 0) &&
  bytes[10] === 255 &&
  bytes[11] === 255;

/** The canonical text (RFC 5952). */
export function addressText({ bytes, zone }: IpAddress): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  let [start, length] = [-1, 1];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  const text =
    start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
  return zone === "" ? text : `${text}%${zone}`;
}

export interface IpPrefix {
  readonly address: IpAddress;
  readonly bits: number;
}

/** The prefix, or an Error with Go's text. */
export function parsePrefix(text: string): IpPrefix | Error {
  const wrong = (message: string): Error => new Error(`netip.ParsePrefix(${quote(text)}): ${message}`);
  const slash = text.lastIndexOf("/");
  if (slash < 0) return wrong("no '/'");
  const address = parseAddress(text.slice(0, slash));
  if (address instanceof Error) return wrong(address.message);
  if (address.zone !== "") return wrong("IPv6 zones cannot be present in a prefix");
  const digits = text.slice(slash + 1);
  if (!/^(?:\d|[1-9]\d{1,9})$/.test(digits)) return wrong(`bad bits after slash: ${quote(digits)}`);
  const bits = Number(digits);
  return bits > address.bytes.length * 8 ? wrong("prefix length out of range") : { address, bits };
}

/** The address with zeros behind the prefix. */
export function maskAddress({ address, bits }: IpPrefix): IpAddress {
  const bytes = address.bytes.map((byte, index) => {
    const kept = Math.min(Math.max(bits - index * 8, 0), 8);
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return { ...address, bytes };
}

export const prefixContains = ({ address, bits }: IpPrefix, other: IpAddress): boolean =>
  sameBytes(maskAddress({ address, bits }), maskAddress({ address: other, bits })) && other.zone === "";

export const sameBytes = (a: IpAddress, b: IpAddress): boolean =>
  a.bytes.length === b.bytes.length && a.bytes.every((byte, index) => byte === b.bytes[index]);

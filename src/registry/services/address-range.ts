/**
 * Ranges that addresses of Services are given out of, as k8s.io/kubernetes pkg/registry/core/service/ipallocator cuts them:
 * what nobody asked for comes from the upper part, so that the lower one stays free for whoever asks for an address.
 */
import { addressText } from "#machinery/cel/libraries/ip-address.ts";
import { addressBits, parseRange, type Range } from "../validation/addresses.ts";
import { ipFamily } from "../validation/checks.ts";

export type Family = "IPv4" | "IPv6";

/** Addresses as numbers. From `first` to `last`, both included; the upper part begins at `upper`. */
export interface AddressRange {
  /** `10.96.0.0/12` */
  readonly text: string;
  readonly family: Family;
  /** The address of the network itself, which is never given out. */
  readonly network: bigint;
  readonly first: bigint;
  readonly upper: bigint;
  readonly last: bigint;
}

const leastLower = 16n;
const mostLower = 256n;
/** One in so many addresses is in the lower part. */
const lowerShare = 16n;

/** Undefined when the text is no range. */
export function addressRange(text: string): AddressRange | undefined {
  const range = parseRange(text);
  return range && cut(text, range);
}

function cut(text: string, { family, bits, length }: Range): AddressRange {
  const host = BigInt((family === 4 ? 32 : 128) - length);
  const size = 1n << host;
  const network = (bits >> host) << host;
  const first = network + 1n;
  return {
    text,
    family: `IPv${family as 4 | 6}`,
    network,
    first,
    upper: first + lowerPart(size),
    // The last one of IPv4 is for broadcasts.
    last: network + size - (family === 4 ? 2n : 1n),
  };
}

function lowerPart(size: bigint): bigint {
  if (size <= leastLower) return 0n;
  const share = size / lowerShare;
  return share < leastLower ? leastLower : share > mostLower ? mostLower : share;
}

/** Whether an address is one that the range gives out. */
export const rangeHolds = ({ family, first, last }: AddressRange, address: Address): boolean =>
  family === address.family && address.bits >= first && address.bits <= last;

export interface Address {
  readonly family: Family;
  readonly bits: bigint;
}

/** A text that has been checked. */
export function parseServiceAddress(text: string): Address {
  const family = ipFamily(text) as 4 | 6;
  return { family: `IPv${family}`, bits: addressBits(text, family) };
}

/** The canonical text, which is the name of the IPAddress. */
export function serviceAddressText({ family, bits }: Address): string {
  const count = family === "IPv4" ? 4 : 16;
  const bytes = Array.from({ length: count }, (_, i) =>
    Number((bits >> BigInt(8 * (count - 1 - i))) & 0xffn),
  );
  return addressText({ bytes, zone: "" });
}

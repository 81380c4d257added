import { isIP } from "node:net";

/** An address as 16 bytes; IPv4 as IPv4-mapped IPv6 (`::ffff:a.b.c.d`). */
export type IpBytes = Uint8Array;

/** Addresses whose first `bits` bits are those of `bytes`. */
export interface IpRange {
  readonly bytes: IpBytes;
  /** Of 128. */
  readonly bits: number;
}

const mappedBits = 96;

/** Reads `10.0.0.1`, `::1`, `fe80::1%eth0` (the zone is dropped); undefined for anything else. */
export function parseIp(text: string): IpBytes | undefined {
  const percent = text.indexOf("%");
  const address = percent < 0 ? text : text.slice(0, percent);
  switch (isIP(address)) {
    case 4:
      return mapped(address.split(".").map(Number));
    case 6:
      return parseIpv6(address);
    default:
      return undefined;
  }
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined for anything else. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseIp(address);
  if (bytes === undefined || address.includes("%")) return undefined;
  const offset = isIP(address) === 4 ? mappedBits : 0;
  if (slash < 0) return { bytes, bits: 128 };
  const prefix = text.slice(slash + 1);
  const bits = Number(prefix) + offset;
  return /^\d{1,3}$/.test(prefix) && bits <= 128 ? { bytes, bits } : undefined;
}

export function inRange(address: IpBytes, { bytes, bits }: IpRange): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ bytes[whole]!) >> (8 - rest) === 0;
}

/** The mapped form of four bytes. */
export const mapped = (four: Iterable<number>): IpBytes =>
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...four);

function parseIpv6(address: string): IpBytes {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  const text =
    dotted === null ? address : `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}`;
  const gap = text.indexOf("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const head = groups(gap < 0 ? text : text.slice(0, gap));
  const tail = gap < 0 ? [] : groups(text.slice(gap + 2));
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

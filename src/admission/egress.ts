/**
 * Where this server may send requests that a workspace asks for (webhooks, conversions). Whoever may write a webhook
 * configuration chooses an address, and the server would fetch it from inside the operator's network (request forgery): so
 * the operator says what may be reached, and some addresses never are.
 */
import { type IpBytes, type IpRange, inRange, mapped, parseIp, parseIpRange } from "#base/ip-address.ts";

export interface EgressPolicy {
  /** For messages: what the operator chose. */
  readonly text: string;
  /** Whether an address may be connected to: `10.0.0.1`, `::1`. Anything else than an address may not. */
  allows(address: string): boolean;
}

const ranges = (...texts: readonly string[]): readonly IpRange[] => texts.map((text) => parseIpRange(text)!);

const loopback = ranges("127.0.0.0/8", "::1");
/** Networks that are somebody's own: RFC 1918, 6598, 4193, 3879, and what is reserved for tests and documents. */
const nonPublic = ranges(
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "fc00::/7",
  "fec0::/10",
  "2001:db8::/32",
  "100::/64",
);
/** Never reached, whatever the operator chose. */
const never = ranges(
  // "This host", which connects to loopback; multicast, reserved, broadcast.
  "0.0.0.0/8",
  "224.0.0.0/3",
  "::",
  "ff00::/8",
  // Link-local, where clouds keep their metadata; and where they keep it elsewhere: AWS, Alibaba, Oracle, Azure, Google.
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::/32",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "fd20:ce::254",
  // Teredo hides an IPv4 address behind an exclusive or; NAT64's local prefix hides it anywhere.
  "2001::/32",
  "64:ff9b:1::/48",
);
/** IPv6 addresses that lead to an IPv4 address, with the place where it stands: NAT64, 6to4, IPv4-compatible, -translated. */
const embedding: readonly (readonly [IpRange, number])[] = [
  ["64:ff9b::/96", 12],
  ["2002::/16", 2],
  ["::/96", 12],
  ["::ffff:0:0:0/96", 12],
].map(([range, at]) => [parseIpRange(range as string)!, at as number] as const);

const within = (address: IpBytes, list: readonly IpRange[]): boolean =>
  list.some((range) => inRange(address, range));

/** The address that packets reach in the end. */
function effective(address: IpBytes): IpBytes {
  if (within(address, loopback)) return address;
  const found = embedding.find(([range]) => inRange(address, range));
  return found === undefined ? address : mapped(address.subarray(found[1], found[1] + 4));
}

const keywords: Readonly<Record<string, (address: IpBytes) => boolean>> = {
  none: () => false,
  loopback: (address) => within(address, loopback),
  public: (address) => !within(address, loopback) && !within(address, nonPublic),
  all: () => true,
};

/**
 * Reads `none`, `loopback`, `public`, `all` and address ranges, several of them between commas. Undefined when a part is
 * none of these.
 */
export function parseEgressPolicy(text: string): EgressPolicy | undefined {
  const tests: ((address: IpBytes) => boolean)[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    const keyword = Object.hasOwn(keywords, part) ? keywords[part] : undefined;
    const range = parseIpRange(part);
    if (keyword !== undefined) tests.push(keyword);
    else if (range !== undefined) tests.push((address) => inRange(address, range));
    else return undefined;
  }
  return {
    text,
    allows(given) {
      const parsed = parseIp(given);
      if (parsed === undefined || within(parsed, never)) return false;
      const address = effective(parsed);
      return !within(address, never) && tests.some((test) => test(address));
    },
  };
}

/** What holds where the operator says nothing: loopback while only loopback reaches the server, else nothing. */
export function defaultEgressPolicy(bindAddress: string): EgressPolicy {
  const bound = parseIp(bindAddress);
  return parseEgressPolicy(bound !== undefined && within(bound, loopback) ? "loopback" : "none")!;
}

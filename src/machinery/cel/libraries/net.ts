/** Addresses and networks (k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go). */
import { quote } from "#base/quote.ts";
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import { type CelType, opaqueType } from "../types.ts";
import { CelError, CelOpaque, type CelResult, type CelValue, noSuchOverload } from "../values.ts";
import {
  addressText,
  type IpAddress,
  type IpPrefix,
  isV4,
  isV4Mapped,
  maskAddress,
  parseAddress,
  parsePrefix,
  prefixContains,
  sameBytes,
} from "./ip-address.ts";

export const ipType: CelType = opaqueType("net.IP");
export const cidrType: CelType = opaqueType("net.CIDR");

class CelIp extends CelOpaque {
  override readonly type = ipType;
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    super();
    this.address = address;
  }

  override get size(): number {
    return this.address.bytes.length;
  }

  override equals(other: CelValue): boolean | CelError {
    return other instanceof CelIp ? sameBytes(this.address, other.address) : noSuchOverload;
  }

  override toString(): string {
    return addressText(this.address);
  }
}

class CelCidr extends CelOpaque {
  override readonly type = cidrType;
  readonly prefix: IpPrefix;

  constructor(prefix: IpPrefix) {
    super();
    this.prefix = prefix;
  }

  override get size(): number {
    return Math.ceil(this.prefix.bits / 8);
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelCidr)) return noSuchOverload;
    return this.prefix.bits === other.prefix.bits && sameBytes(this.prefix.address, other.prefix.address);
  }

  override toString(): string {
    return `${addressText(this.prefix.address)}/${this.prefix.bits}`;
  }
}

/** Kubernetes takes no zones and no IPv4 in the clothes of IPv6. */
function toIp(text: CelValue): CelIp | CelError {
  const raw = text as string;
  const address = parseAddress(raw);
  if (address instanceof Error)
    return new CelError(
      `IP Address ${quote(raw)} parse error during conversion from string: ${address.message}`,
    );
  if (address.zone !== "") return new CelError(`IP address ${quote(raw)} with zone value is not allowed`);
  if (isV4Mapped(address)) return new CelError(`IPv4-mapped IPv6 address ${quote(raw)} is not allowed`);
  return new CelIp(address);
}

const conversion = "network address parse error during conversion from string: ";

function toCidr(text: CelValue): CelCidr | CelError {
  const raw = text as string;
  const prefix = parsePrefix(raw);
  if (prefix instanceof Error) return new CelError(conversion + conversion + prefix.message);
  if (isV4Mapped(prefix.address))
    return new CelError(`${conversion}IPv4-mapped IPv6 address ${quote(raw)} is not allowed`);
  return new CelCidr(prefix);
}

const onIp =
  (code: (address: IpAddress) => CelResult): Implementation =>
  (ip) =>
    ip instanceof CelIp ? code(ip.address) : noSuchOverload;

const onCidr =
  (code: (prefix: IpPrefix, other: CelValue) => CelResult): Implementation =>
  (cidr, other) =>
    cidr instanceof CelCidr ? code(cidr.prefix, other!) : noSuchOverload;

const isUnspecified = ({ bytes }: IpAddress): boolean => bytes.every((byte) => byte === 0);
const isLoopback = (address: IpAddress): boolean =>
  isV4(address)
    ? address.bytes[0] === 127
    : address.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
const isMulticast = (address: IpAddress): boolean =>
  isV4(address) ? (address.bytes[0]! & 0xf0) === 0xe0 : address.bytes[0] === 0xff;
const isLinkLocalMulticast = ({ bytes }: IpAddress): boolean =>
  bytes.length === 4
    ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
    : bytes[0] === 0xff && (bytes[1]! & 0x0f) === 2;
const isLinkLocalUnicast = ({ bytes }: IpAddress): boolean =>
  bytes.length === 4
    ? bytes[0] === 169 && bytes[1] === 254
    : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
const isBroadcast = ({ bytes }: IpAddress): boolean =>
  bytes.length === 4 && bytes.every((byte) => byte === 255);
const isGlobalUnicast = (address: IpAddress): boolean =>
  !isBroadcast(address) &&
  !isUnspecified(address) &&
  !isLoopback(address) &&
  !isMulticast(address) &&
  !isLinkLocalUnicast(address);

function containsIp(prefix: IpPrefix, other: CelValue | CelError): CelResult {
  if (other instanceof CelIp) return prefixContains(prefix, other.address);
  return noSuchOverload;
}

/** Whether one network is within another: it begins there, and is not larger. */
function containsCidr(prefix: IpPrefix, other: CelValue | CelError): CelResult {
  if (!(other instanceof CelCidr)) return other instanceof CelError ? other : noSuchOverload;
  return prefix.bits <= other.prefix.bits && prefixContains(prefix, other.prefix.address);
}

const options = {
  types: new Map([
    ["IP", ipType],
    ["CIDR", cidrType],
  ]),
};

const predicate = (name: string, id: string, test: (address: IpAddress) => boolean): FunctionDeclaration =>
  declare(name, [[id, "IP.(): bool", onIp(test)]], options);

export const netLibrary: readonly FunctionDeclaration[] = [
  declare(
    "ip",
    [
      ["string_to_ip", "(string): IP", toIp],
      ["cidr_ip", "CIDR.(): IP", onCidr(({ address }) => new CelIp(address))],
    ],
    options,
  ),
  declare("family", [["ip_family", "IP.(): int", onIp((address) => (isV4(address) ? 4 : 6))]], options),
  declare("ip.isCanonical", [
    [
      "ip_is_canonical",
      "(string): bool",
      (text) => {
        const ip = toIp(text!);
        return ip instanceof CelError ? ip : ip.toString() === text;
      },
    ],
  ]),
  predicate("isUnspecified", "ip_is_unspecified", isUnspecified),
  predicate("isLoopback", "ip_is_loopback", isLoopback),
  predicate("isLinkLocalMulticast", "ip_is_link_local_multicast", isLinkLocalMulticast),
  predicate("isLinkLocalUnicast", "ip_is_link_local_unicast", isLinkLocalUnicast),
  predicate("isGlobalUnicast", "ip_is_global_unicast", isGlobalUnicast),
  declare("isIP", [["is_ip", "(string): bool", (text) => !(toIp(text!) instanceof CelError)]]),
  declare(
    "string",
    [
      ["ip_to_string", "(IP): string", (ip) => (ip as CelIp).toString()],
      ["cidr_to_string", "(CIDR): string", (cidr) => (cidr as CelCidr).toString()],
    ],
    options,
  ),
  declare("cidr", [["string_to_cidr", "(string): CIDR", toCidr]], options),
  declare(
    "containsIP",
    [
      [
        "cidr_contains_ip_string",
        "CIDR.(string): bool",
        onCidr((prefix, text) => containsIp(prefix, toIp(text))),
      ],
      ["cidr_contains_ip_ip", "CIDR.(IP): bool", onCidr(containsIp)],
    ],
    options,
  ),
  declare(
    "containsCIDR",
    [
      [
        "cidr_contains_cidr_string",
        "CIDR.(string): bool",
        onCidr((prefix, text) => containsCidr(prefix, toCidr(text))),
      ],
      ["cidr_contains_cidr", "CIDR.(CIDR): bool", onCidr(containsCidr)],
    ],
    options,
  ),
  declare("prefixLength", [["cidr_prefix_length", "CIDR.(): int", onCidr(({ bits }) => bits)]], options),
  declare(
    "masked",
    [
      [
        "cidr_masked",
        "CIDR.(): CIDR",
        onCidr((prefix) => new CelCidr({ address: maskAddress(prefix), bits: prefix.bits })),
      ],
    ],
    options,
  ),
  declare("isCIDR", [["is_cidr", "(string): bool", (text) => !(toCidr(text!) instanceof CelError)]]),
];

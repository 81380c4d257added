/** The flags that say what Services are given (k8s.io/kubernetes cmd/kube-apiserver/app/options validation.go). */

import { FieldPath } from "#machinery/errors/field-path.ts";
import { addressRange } from "#registry/services/address-range.ts";
import {
  defaultServiceRanges,
  type PortRange,
  type ServiceRanges,
} from "#registry/services/service-ranges.ts";
import { rangeErrors } from "#registry/validation/addresses.ts";

/** Upstream's least number of addresses. */
const leastAddresses = 8n;
/** Upstream's shortest prefix of IPv6. */
const shortestPrefix = 64;

/** Undefined: not given. Throws an Error that names the flag. */
export function parseServiceRanges(addresses: string | undefined, ports: string | undefined): ServiceRanges {
  return {
    addresses: addresses === undefined ? defaultServiceRanges.addresses : parseAddresses(addresses),
    nodePorts: ports === undefined ? defaultServiceRanges.nodePorts : parsePorts(ports),
  };
}

function parseAddresses(value: string): string[] {
  const wrong = (why: string): Error =>
    new Error(`--service-cluster-ip-range ${JSON.stringify(value)} ${why}`);
  const texts = value.split(",").map((text) => text.trim());
  if (texts.length > 2) throw wrong("has more than two ranges");
  const ranges = texts.map((text) => {
    const range = addressRange(text);
    if (range === undefined || rangeErrors(text, FieldPath.of("range")).length > 0)
      throw wrong("is not an address range such as 10.96.0.0/12, or two between commas");
    if (range.last - range.network + 1n < leastAddresses - 1n)
      throw wrong(`has less than ${leastAddresses} addresses`);
    if (range.family === "IPv6" && Number(text.split("/")[1]) < shortestPrefix)
      throw wrong(`has a prefix shorter than ${shortestPrefix}`);
    return range;
  });
  if (ranges.length === 2 && ranges[0]!.family === ranges[1]!.family)
    throw wrong("has two ranges of the same family");
  return texts;
}

function parsePorts(value: string): PortRange {
  const wrong = (why: string): Error =>
    new Error(`--service-node-port-range ${JSON.stringify(value)} ${why}`);
  const [, from = "", to = from] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(value) ?? [];
  const range = { first: Number(from), last: Number(to) };
  if (from === "" || range.first < 1 || range.last > 65_535 || range.last < range.first)
    throw wrong("is not a range of ports such as 30000-32767");
  return range;
}

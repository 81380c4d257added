/** Addresses of Services (k8s.io/kubernetes pkg/registry/core/service/storage/alloc.go, ipallocator). */
import { quote } from "#base/quote.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { Draft } from "../strategies/draft.ts";
import { type Members, textAt, textsAt } from "../strategies/members.ts";
import {
  type AddressRange,
  type Family,
  parseServiceAddress,
  rangeHolds,
  serviceAddressText,
} from "./address-range.ts";
import { keepsPreference } from "./families.ts";
import { nothingLeft, pickFree } from "./pick.ts";

const path = FieldPath.of("spec", "clusterIPs");

export interface AddressSource {
  /** Of the Service, for texts. */
  readonly name: string;
  /** Made when an address is needed. */
  ranges(): readonly AddressRange[];
  /** `name`: canonical. */
  isTaken(name: string): boolean;
  randomBytes(size: number): Uint8Array;
  readonly dryRun: boolean;
}

/** Gives the Service the addresses that it lacks; families are settled. @throws StatusError 500 */
export function takeAddresses(
  spec: Draft,
  old: Members | undefined,
  source: AddressSource,
): readonly FieldError[] {
  if (spec.type === "ExternalName") return [];
  if (old === undefined || textAt(old, "type") === "ExternalName")
    return textsAt(spec, "clusterIPs")[0] === "None" ? [] : takeFrom(spec, 0, source);
  if (keepsPreference(spec, old)) return [];
  const had = textsAt(old, "clusterIPs");
  if (had[0] === "None") return [];
  // From before addresses were given out.
  if (had.length === 0) return textsAt(spec, "clusterIPs")[0] === "None" ? [] : takeFrom(spec, 0, source);
  const families = [textsAt(old, "ipFamilies").length, textsAt(spec, "ipFamilies").length];
  return families[0] === 1 && families[1] === 2 ? takeFrom(spec, 1, source) : [];
}

/** Of all families from the `from`th on. */
function takeFrom(spec: Draft, from: number, source: AddressSource): readonly FieldError[] {
  const families = textsAt(spec, "ipFamilies") as readonly Family[];
  const addresses = [...textsAt(spec, "clusterIPs")];
  while (addresses.length < families.length) addresses.push("");
  const given = [...addresses];
  for (const [index, family] of families.entries()) {
    if (index < from) continue;
    const told = addresses[index]!;
    const found = told === "" ? anyAddress(family, source) : why(told, source);
    if (found.error !== undefined) {
      const detail = `failed to allocate IP${told === "" ? "" : ` ${told}`}: ${found.error}`;
      return [fieldInvalid(path, addresses, detail)];
    }
    given[index] = found.address ?? told;
  }
  spec.clusterIPs = given;
  if (given[0] !== undefined) spec.clusterIP = given[0];
  return [];
}

interface Found {
  readonly address?: string;
  readonly error?: string;
}

/** Why an address cannot be had. A dry run looks at one range only, and not at who has the address, as upstream's. */
function why(told: string, { ranges, isTaken, dryRun }: AddressSource): Found {
  const address = parseServiceAddress(told);
  const name = serviceAddressText(address);
  if (dryRun) {
    const range = ranges().find(({ family }) => family === address.family);
    const valid = `The range of valid IPs is ${range?.text}`;
    return range === undefined || rangeHolds(range, address)
      ? {}
      : { error: `the provided IP (${name}) is not in the valid range. ${valid}` };
  }
  if (!ranges().some((range) => rangeHolds(range, address)))
    return { error: "the provided network does not match the current range" };
  return isTaken(name) ? { error: "provided IP is already allocated" } : {};
}

/** @throws StatusError 500 */
function anyAddress(family: Family, { name, ranges, isTaken, randomBytes, dryRun }: AddressSource): Found {
  for (const range of ranges()) {
    if (range.family !== family) continue;
    if (dryRun) return { address: serviceAddressText({ family, bits: range.network }) };
    const { first, upper, last } = range;
    const parts = [
      { first: upper, last },
      { first, last: upper - 1n },
    ];
    const bits = pickFree(parts, (at) => isTaken(serviceAddressText({ family, bits: at })), randomBytes);
    if (bits !== undefined) return { address: serviceAddressText({ family, bits }) };
  }
  throw nothingLeft(`failed to allocate a serviceIP for Service ${quote(name)}: range is full`);
}

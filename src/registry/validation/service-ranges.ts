/** ServiceCIDRs and IPAddresses (k8s.io/kubernetes pkg/apis/networking/validation). */

import { addressText, parseAddress } from "#machinery/cel/libraries/ip-address.ts";
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import { dns1123SubdomainErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import { type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { ipErrors, parseRange, rangeErrors } from "./addresses.ts";
import { type Errors, invalids, ipFamily } from "./checks.ts";

const cidrs = FieldPath.of("spec", "cidrs");

export function* serviceCidrErrors(object: KubeObject): Errors {
  const all = textsAt(object, "spec", "cidrs");
  if (all.length === 0) yield fieldRequired(cidrs, "at least one CIDR required");
  else if (all.length > 2)
    yield fieldInvalid(cidrs, membersAt(object, "spec"), "may only hold up to 2 values");
  else {
    for (const [index, text] of all.entries()) {
      const errors = rangeErrors(text, cidrs.index(index));
      yield* errors;
      if (errors.length === 0) yield* canonicalRange(text, cidrs.index(index));
    }
    const [first, second] = all.map((text) => parseRange(text)?.family);
    if (all.length === 2 && first !== undefined && first === second) {
      const detail =
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
      yield fieldInvalid(cidrs, all, detail);
    }
  }
}

function* canonicalRange(text: string, path: FieldPath): Errors {
  const [address = "", length] = text.split("/");
  const canonical = `${canonicalText(address)}/${length}`;
  if (canonical !== text) yield fieldInvalid(path, text, `must be in canonical form ("${canonical}")`);
}

function canonicalText(text: string): string {
  const address = parseAddress(text);
  return address instanceof Error ? text : addressText(address);
}

/** A second range may come, once. */
export function serviceCidrUpdateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const now = textsAt(object, "spec", "cidrs");
  const before = textsAt(old, "spec", "cidrs");
  const second = before.length === 1 && now.length === 2;
  const errors: FieldError[] = [];
  if (now.length !== before.length && !second)
    return [fieldInvalid(cidrs, valueAt(object, "spec", "cidrs") ?? null, fieldImmutable)];
  for (const [index, text] of before.entries())
    if (text !== now[index]) errors.push(fieldInvalid(cidrs.index(index), now[index], fieldImmutable));
  if (second) errors.push(...serviceCidrErrors(object));
  return errors;
}

/** The name of an IPAddress is one, in the one way to write it. */
export function ipAddressNameErrors(name: string): string[] {
  const errors = ipErrors(name, FieldPath.of("")).map(({ detail }) => detail);
  if (errors.length > 0 || ipFamily(name) === 0) return errors;
  const canonical = canonicalText(name);
  return canonical === name ? [] : [`must be in canonical form ("${canonical}")`];
}

export function* ipAddressErrors(object: KubeObject): Errors {
  const at = FieldPath.of("spec", "parentRef");
  const parent = valueAt(object, "spec", "parentRef") as Members | undefined;
  if (parent === undefined) {
    yield fieldRequired(at);
    return;
  }
  const group = textAt(parent, "group");
  if (group !== "") yield* invalids(at.child("group"), group, dns1123SubdomainErrors(group));
  for (const field of ["resource", "name"]) {
    const text = textAt(parent, field);
    if (text === "") yield fieldRequired(at.child(field));
    else yield* invalids(at.child(field), text, pathSegmentErrors(text));
  }
  const namespace = textAt(parent, "namespace");
  if (namespace !== "") yield* invalids(at.child("namespace"), namespace, pathSegmentErrors(namespace));
}

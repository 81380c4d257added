/** Address families of Services (k8s.io/kubernetes pkg/registry/core/service/storage alloc.go, initIPFamilyFields). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { Draft } from "../strategies/draft.ts";
import { type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { ipFamily } from "../validation/checks.ts";
import { addressFieldErrors } from "../validation/service.ts";
import type { Family } from "./address-range.ts";

const path = FieldPath.of("spec");
const policyPath = path.child("ipFamilyPolicy");

export const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i]);

const sameAt = (a: Members, b: Members, field: string): boolean =>
  sameTexts(textsAt(a, field), textsAt(b, field));

export const otherFamily = (family: string): Family => (family === "IPv4" ? "IPv6" : "IPv4");
const hasAddress = (type: string): boolean =>
  type === "ClusterIP" || type === "NodePort" || type === "LoadBalancer";

/** A Service that may have two families is not changed because the server's ranges have: only when its writer says so. */
export function keepsPreference(spec: Members, old: Members | undefined): boolean {
  if (old === undefined) return false;
  const type = textAt(spec, "type");
  const before = valueAt(old, "ipFamilyPolicy");
  return (
    type === textAt(old, "type") &&
    hasAddress(type) &&
    textAt(spec, "ipFamilyPolicy") === "PreferDualStack" &&
    (before === undefined || before === "PreferDualStack") &&
    sameAt(spec, old, "clusterIPs") &&
    sameAt(spec, old, "ipFamilies")
  );
}

/**
 * Fills in policy and families.
 * @param configured families of the server's ranges; the first one is the default
 * @returns what is wrong; then nothing else is to be looked at
 */
export function settleFamilies(
  spec: Draft,
  old: Members | undefined,
  configured: readonly Family[],
): readonly FieldError[] {
  if (spec.type === "ExternalName" || keepsPreference(spec, old)) return [];
  const free = spec.clusterIP === "None" && Object.keys(membersAt(spec, "selector")).length === 0;
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (free ? "RequireDualStack" : "SingleStack");
  const wrong = [...addressFieldErrors(spec)];
  if (wrong.length > 0) return wrong;
  const errors = [
    ...(old === undefined ? [] : reductions(spec, old)),
    ...contradictions(spec),
    ...inferred(spec, configured),
  ];
  if (errors.length > 0) return errors;
  const families = [...textsAt(spec, "ipFamilies")];
  const single = spec.ipFamilyPolicy === "SingleStack";
  if (free) {
    if (families.length === 0) families.push(configured[0]!);
    if (families.length < 2 && !single) families.push(otherFamily(families[0]!));
    spec.ipFamilies = families;
    return [];
  }
  const unserved = [...unconfigured(spec, configured)];
  if (unserved.length > 0) return unserved;
  if (families.length === 0) families.push(configured[0]!);
  if (!single && families.length === 1 && configured.length === 2) families.push(otherFamily(families[0]!));
  spec.ipFamilies = families;
  return [];
}

/** To go back to one family is said by the policy. */
function* reductions(spec: Draft, old: Members): Iterable<FieldError> {
  if (spec.ipFamilyPolicy === "SingleStack") {
    for (const field of ["clusterIPs", "ipFamilies"])
      if (sameAt(spec, old, field) && textsAt(spec, field).length > 1)
        spec[field] = [textsAt(spec, field)[0]!];
    return;
  }
  const words = [
    ["clusterIPs", "cluster IP"],
    ["ipFamilies", "IP family"],
  ] as const;
  for (const [field, word] of words) {
    const now = textsAt(spec, field).length;
    if (now > 0 && now < textsAt(old, field).length)
      yield fieldInvalid(
        policyPath,
        spec.ipFamilyPolicy,
        `must be 'SingleStack' to release the secondary ${word}`,
      );
  }
}

function* contradictions(spec: Members): Iterable<FieldError> {
  if (spec.ipFamilyPolicy !== "SingleStack") return;
  const words = [
    ["clusterIPs", "cluster IPs"],
    ["ipFamilies", "IP families"],
  ] as const;
  for (const [field, word] of words) {
    if (textsAt(spec, field).length === 2)
      yield fieldInvalid(
        policyPath,
        spec.ipFamilyPolicy,
        `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${word} are specified`,
      );
  }
}

/** Addresses tell their families. */
function* inferred(spec: Draft, configured: readonly Family[]): Iterable<FieldError> {
  const addresses = textsAt(spec, "clusterIPs");
  for (const [index, address] of addresses.entries()) {
    if (address === "None") return;
    const families = textsAt(spec, "ipFamilies");
    if (index < families.length) continue;
    const family = `IPv${ipFamily(address) as 4 | 6}` as const;
    if (configured.includes(family)) spec.ipFamilies = [...families, family];
    else
      yield fieldInvalid(
        path.child("clusterIPs").index(index),
        addresses,
        `${family} is not configured on this cluster`,
      );
  }
}

function* unconfigured(spec: Members, configured: readonly Family[]): Iterable<FieldError> {
  if (spec.ipFamilyPolicy === "RequireDualStack" && configured.length < 2)
    yield fieldInvalid(
      policyPath,
      spec.ipFamilyPolicy,
      "this cluster is not configured for dual-stack services",
    );
  for (const [index, family] of textsAt(spec, "ipFamilies").entries())
    if (!configured.includes(family as Family))
      yield fieldInvalid(path.child("ipFamilies").index(index), family, "not configured on this cluster");
}

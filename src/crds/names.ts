/**
 * Which names a definition gets, and the conditions that follow (apiextensions-apiserver pkg/controller/status,
 * pkg/controller/establish, pkg/controller/apiapproval). Where upstream's controllers come by one after the other, all is
 * computed in the transaction that writes the definition.
 */
import { X509Certificate } from "node:crypto";
import { quote } from "#base/quote.ts";
import { aggregate } from "#machinery/errors/field-error.ts";
import { conditionIsTrue, type NewCondition, withCondition } from "./conditions.ts";
import type { CustomResourceDefinition, DefinitionStatus, Names } from "./types.ts";
import { type Approval, approvalOf, isProtectedGroup } from "./validation/definition.ts";

/** Names in use in a workspace, by others than the definition in question. */
export interface NameClaims {
  /** Plural, singular and short names of one group. */
  resource(group: string, name: string): boolean;
  /** Kinds and list kinds of one group. */
  kind(group: string, name: string): boolean;
}

/** The status after a change of the definition. `now` is an RFC 3339 time. */
export function settledStatus(
  definition: CustomResourceDefinition,
  claims: NameClaims,
  now: string,
): DefinitionStatus {
  const { spec, status = {} } = definition;
  const { names, conflict } = acceptedNames(spec.group, spec.names, status.acceptedNames, claims);
  let { conditions } = status;
  conditions = withCondition(conditions, namesAccepted(conflict), now);
  const established = conditionIsTrue(conditions, "Established")
    ? undefined
    : establishedCondition(conflict === undefined, spec.conversion?.webhook?.clientConfig?.caBundle);
  if (established !== undefined) conditions = withCondition(conditions, established, now);
  const approval = approvalCondition(definition);
  if (approval !== undefined) conditions = withCondition(conditions, approval, now);
  return { ...status, conditions, acceptedNames: names, storedVersions: withStorageVersion(spec, status) };
}

/** `status.storedVersions` only grows here: the storage version is among them. */
function withStorageVersion(
  spec: CustomResourceDefinition["spec"],
  status: DefinitionStatus | undefined,
): readonly string[] {
  const stored = status?.storedVersions ?? [];
  const storage = (spec.versions ?? []).find((version) => version.storage)?.name;
  return storage === undefined || stored.includes(storage) ? stored : [...stored, storage];
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

/** What is free becomes the definition's; where there is a conflict, the old name stays. The last conflict is told. */
function acceptedNames(
  group: string,
  wanted: Names,
  accepted: Names | undefined,
  claims: NameClaims,
): { names: Names; conflict: Conflict | undefined } {
  const old: Names = accepted ?? { plural: "", kind: "" };
  let conflict: Conflict | undefined;
  const inUse = (name: string): string => `${quote(name)} is already in use`;
  const settle = (
    reason: string,
    name: string,
    before: string,
    taken: (group: string, name: string) => boolean,
  ): string => {
    if (name === before || !taken(group, name)) return name;
    conflict = { reason, message: inUse(name) };
    return before;
  };
  const resource = (of: string, name: string): boolean => claims.resource(of, name);
  const kind = (of: string, name: string): boolean => claims.kind(of, name);
  const plural = settle("PluralConflict", wanted.plural, old.plural, resource);
  const singular = settle("SingularConflict", wanted.singular ?? "", old.singular ?? "", resource);
  let shortNames = wanted.shortNames ?? [];
  const taken = shortNames.filter((name) => old.shortNames?.includes(name) !== true && resource(group, name));
  if (taken.length > 0) {
    conflict = { reason: "ShortNamesConflict", message: aggregate(taken.map(inUse)) };
    shortNames = old.shortNames ?? [];
  }
  const acceptedKind = settle("KindConflict", wanted.kind, old.kind, kind);
  const listKind = settle("ListKindConflict", wanted.listKind ?? "", old.listKind ?? "", kind);
  const { categories = [] } = wanted;
  return {
    names: {
      plural,
      ...(singular === "" ? {} : { singular }),
      ...(shortNames.length === 0 ? {} : { shortNames }),
      kind: acceptedKind,
      ...(listKind === "" ? {} : { listKind }),
      ...(categories.length === 0 ? {} : { categories }),
    },
    conflict,
  };
}

const namesAccepted = (conflict: Conflict | undefined): NewCondition =>
  conflict === undefined
    ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
    : { type: "NamesAccepted", status: "False", ...conflict };

function establishedCondition(accepted: boolean, caBundle: string | undefined): NewCondition {
  const type = "Established";
  if (!accepted)
    return { type, status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  if (!isCaBundle(caBundle)) {
    const message = "The conversion webhook CABundle is invalid";
    return { type, status: "False", reason: "InvalidCABundle", message };
  }
  const message = "the initial names have been accepted";
  return { type, status: "True", reason: "InitialNamesAccepted", message };
}

/** Absent and empty ones mean the system's authorities. */
function isCaBundle(base64: string | undefined): boolean {
  if (base64 === undefined || base64 === "") return true;
  const pem = Buffer.from(base64, "base64").toString("latin1");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return false;
  }
  return blocks.length > 0;
}

const approvalReasons: Readonly<Record<Approval["state"], string>> = {
  missing: "MissingAnnotation",
  bypassed: "UnapprovedAnnotation",
  approved: "ApprovedAnnotation",
  invalid: "InvalidAnnotation",
};

function approvalCondition(definition: CustomResourceDefinition): NewCondition | undefined {
  if (!isProtectedGroup(definition.spec.group)) return undefined;
  const { state, reason } = approvalOf(definition);
  return {
    type: "KubernetesAPIApprovalPolicyConformant",
    status: state === "approved" ? "True" : "False",
    reason: approvalReasons[state],
    message: reason,
  };
}

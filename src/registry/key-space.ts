/** What the store is told about our keys: partitions and the secondary indexes that controllers read. */
import { readOwnJson } from "#machinery/json/read.ts";
import { findOwnJson } from "#machinery/json/skim.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { Key, KeySpace } from "#storage/port.ts";
import { partitionOf, registryPrefix } from "./keys.ts";
import { storedMetadata } from "./stored-metadata.ts";

/** Objects that are being deleted (`metadata.deletionTimestamp`): `deleting/<collection>`. */
export const deletingIndex = "deleting/";
/** Events by creation second, for their time to live: `event-age/<RFC 3339 time>`. */
export const eventAgeIndex = "event-age/";
/** Workspaces by the logical cluster they own: `workspace-cluster/<cluster>`. */
const workspaceClusterIndex = "workspace-cluster/";
/** Objects by the UIDs of their owners, which are in the same workspace: `owner/<cluster>/<uid>`. */
export const ownerIndex = "owner/";
export const ownerTerm = (cluster: string, uid: string): string => `${ownerIndex}${cluster}/${uid}`;

/**
 * Definitions by the names that were accepted, which are in use in their workspace and group:
 * `accepted-name/<cluster>/<group>/<resource or kind>/<name>`.
 */
const acceptedNameIndex = "accepted-name/";
export const acceptedNameTerm = (
  cluster: string,
  group: string,
  type: "resource" | "kind",
  name: string,
): string => `${acceptedNameIndex}${cluster}/${group}/${type}/${name}`;
/** Definitions that wait for names which others have: `refused-names/<cluster>/<group>`. */
export const refusedNamesIndex = "refused-names/";
export const refusedNamesTerm = (cluster: string, group: string): string =>
  `${refusedNamesIndex}${cluster}/${group}`;

/** Definitions by the resource that they make their workspace serve, of all workspaces: `defined/<group>/<resource>`. */
export const definedTerm = (group: string, resource: string): string => `defined/${group}/${resource}`;

/** Owners that are indexed, of one object; with more, the rest is looked at only when the object itself changes. */
const maxIndexedOwners = 1_024;
/** As `makeUid` makes them. An owner with any other UID cannot exist; such references share one term. */
const uidPattern = /^[0-9a-f-]{36}$/;
const impossibleUid = "none";

const ownersMark = Buffer.from('"ownerReferences":[');
const deletionMark = Buffer.from('"deletionTimestamp":"');
/** Of both groups: they show the same objects. */
const eventCollection = "/registry/core/events/";
const definitionCollection = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
const workspaceCollection = "/registry/tenancy.kcp.io/workspaces/";

export const registryKeySpace: KeySpace = {
  version: "5",
  prefix: registryPrefix,
  partition: partitionOf,
  terms,
};

const none: readonly string[] = [];

/** Bytes are searched before anything is parsed: nearly every value has no term. */
function terms(key: Key, value: Buffer): readonly string[] {
  const own = ownTerms(key, value);
  return value.includes(ownersMark) ? [...own, ...ownerTerms(key, value)] : own;
}

function ownerTerms(key: Key, value: Buffer): Iterable<string> {
  const partition = partitionOf(key);
  const references = storedMetadata(value)?.ownerReferences;
  if (partition === undefined || !Array.isArray(references)) return none;
  const found = new Set<string>();
  for (const { uid } of references.slice(0, maxIndexedOwners))
    found.add(ownerTerm(partition.tenant, uidPattern.test(uid) ? uid : impossibleUid));
  return found;
}

function ownTerms(key: Key, value: Buffer): readonly string[] {
  const isEvent = key.startsWith(eventCollection);
  const isWorkspace = key.startsWith(workspaceCollection);
  const isDefinition = key.startsWith(definitionCollection);
  const mayBeDeleting = value.includes(deletionMark);
  if (!isEvent && !isWorkspace && !isDefinition && !mayBeDeleting) return none;
  const found: string[] = [];
  const metadata = isEvent || mayBeDeleting ? storedMetadata(value) : undefined;
  if (metadata?.deletionTimestamp !== undefined) {
    const partition = partitionOf(key);
    if (partition !== undefined) found.push(deletingIndex + partition.collection);
  }
  if (isEvent && typeof metadata?.creationTimestamp === "string")
    found.push(eventAgeIndex + metadata.creationTimestamp);
  if (!isWorkspace && !isDefinition) return found;
  // Labels, and versions of definitions, may be all but a few bytes.
  const read = (...path: string[]): JsonValue | undefined => {
    const bytes = findOwnJson(value, path);
    return bytes && readOwnJson(bytes);
  };
  const cluster = isWorkspace ? read("spec", "cluster") : undefined;
  if (typeof cluster === "string" && cluster !== "") found.push(workspaceClusterIndex + cluster);
  if (isDefinition) {
    const status = (read("status") ?? {}) as DefinitionStatus;
    found.push(...definitionTerms(key, String(read("spec", "group") ?? ""), status));
  }
  return found;
}

interface DefinitionStatus {
  readonly acceptedNames?: {
    readonly plural?: string;
    readonly singular?: string;
    readonly shortNames?: readonly string[];
    readonly kind?: string;
    readonly listKind?: string;
  };
  readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] | null;
}

function definitionTerms(key: Key, group: string, { acceptedNames = {}, conditions }: DefinitionStatus) {
  const cluster = partitionOf(key)?.tenant ?? "";
  const { plural = "", singular = "", shortNames = [], kind = "", listKind = "" } = acceptedNames;
  const terms = new Set<string>();
  for (const name of [plural, singular, ...shortNames])
    if (name !== "") terms.add(acceptedNameTerm(cluster, group, "resource", name));
  for (const name of [kind, listKind])
    if (name !== "") terms.add(acceptedNameTerm(cluster, group, "kind", name));
  if (plural !== "") terms.add(definedTerm(group, plural));
  if (conditions?.some(({ type, status }) => type === "NamesAccepted" && status === "False") === true)
    terms.add(refusedNamesTerm(cluster, group));
  return terms;
}

/** What the store is told about our keys: partitions and the secondary indexes that controllers read. */
import type { Key, KeySpace } from "#storage/port.ts";
import { partitionOf, registryPrefix } from "./keys.ts";

/** Objects that are being deleted (`metadata.deletionTimestamp`): `deleting/<collection>`. */
export const deletingIndex = "deleting/";
/** Events by creation second, for their time to live: `event-age/<RFC 3339 time>`. */
export const eventAgeIndex = "event-age/";
/** Workspaces by the logical cluster they own: `workspace-cluster/<cluster>`. */
export const workspaceClusterIndex = "workspace-cluster/";

const deletionMark = Buffer.from('"deletionTimestamp":"');
const eventCollections = ["/registry/core/events/", "/registry/events.k8s.io/events/"];
const workspaceCollection = "/registry/tenancy.kcp.io/workspaces/";

export const registryKeySpace: KeySpace = {
  version: "1",
  prefix: registryPrefix,
  partition: partitionOf,
  terms,
};

const none: readonly string[] = [];

/** Bytes are searched before anything is parsed: nearly every value has no term. */
function terms(key: Key, value: Buffer): readonly string[] {
  const isEvent = eventCollections.some((prefix) => key.startsWith(prefix));
  const isWorkspace = key.startsWith(workspaceCollection);
  const mayBeDeleting = value.includes(deletionMark);
  if (!isEvent && !isWorkspace && !mayBeDeleting) return none;
  const object = JSON.parse(value.toString("utf8")) as {
    metadata?: { deletionTimestamp?: string; creationTimestamp?: string };
    spec?: { cluster?: string };
  };
  const found: string[] = [];
  if (object.metadata?.deletionTimestamp !== undefined) {
    const partition = partitionOf(key);
    if (partition !== undefined) found.push(deletingIndex + partition.collection);
  }
  if (isEvent && object.metadata?.creationTimestamp !== undefined) {
    found.push(eventAgeIndex + object.metadata.creationTimestamp);
  }
  if (isWorkspace && typeof object.spec?.cluster === "string" && object.spec.cluster !== "") {
    found.push(workspaceClusterIndex + object.spec.cluster);
  }
  return found;
}

/**
 * Removing what a workspace or a namespace that is going away still holds. The counts per (workspace, collection) tell
 * where to look, so it costs what the workspace holds, never what the server holds.
 */
import type { Comparison, Key, Operation } from "#storage/port.ts";
import { prefixRange } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { listPrefix, parseObjectKey } from "./keys.ts";
import type { Registry } from "./registry.ts";
import type { Resource } from "./resource.ts";
import { StoredObject } from "./stored-object.ts";
import type { Requester } from "./strategy.ts";

export interface PurgeRequest {
  readonly cluster: ClusterName;
  /** Only this namespace's content; undefined = the whole workspace's. */
  readonly namespace: string | undefined;
  /** Collections that are left alone. */
  keep(resource: Resource): boolean;
  /**
   * Finalizers of the object itself still count, unless this says that the object may go regardless (namespaces of a
   * workspace that is being deleted: their content is purged here as well).
   */
  ignoreFinalizers(object: StoredObject): boolean;
  readonly requester: Requester;
}

/** What is left after a purge step. */
export interface PurgeResult {
  /** More could be removed at once: call again. */
  readonly more: boolean;
  /** Objects that their finalizers hold, by resource. */
  readonly held: ReadonlyMap<Resource, number>;
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Deletes in one transaction. */
const batchSize = 100;
/**
 * Held objects looked at in one collection in one step. There may be more: whenever one of them goes, the caller comes
 * again, so they are gone through from event to event and never in a loop.
 */
const maxHeldPerCollection = 1_000;

const finalizersMark = Buffer.from('"finalizers":[');

/**
 * One bounded step: removes up to a transaction's worth of objects; those with finalizers are marked deleted and counted.
 * Nothing new may appear meanwhile: the caller has marked the namespace or workspace as being deleted, which creates check.
 */
export async function purgeStep(registry: Registry, request: PurgeRequest): Promise<PurgeResult> {
  const compare: Comparison[] = [];
  const operations: Operation[] = [];
  const heldObjects: StoredObject[] = [];
  let more = false;
  for (const { collection } of registry.store.tenantCounts(request.cluster)) {
    const resource = registry.resourceOfCollectionIn(request.cluster, collection);
    if (resource === undefined || request.keep(resource)) continue;
    if (request.namespace !== undefined && !resource.namespaced) continue;
    const heldBefore = heldObjects.length;
    const range = prefixRange(listPrefix(collection, request.cluster, request.namespace ?? ""));
    registry.store.visit(range, undefined, (key: Key, value, revision) => {
      if (operations.length >= batchSize) {
        more = true;
        return false;
      }
      if (heldObjects.length - heldBefore >= maxHeldPerCollection) return false;
      const location = parseObjectKey(collection, resource.namespaced, key);
      if (value.includes(finalizersMark)) {
        const stored = new StoredObject(resource, location, revision, Buffer.from(value));
        if (isHeld(stored) && !request.ignoreFinalizers(stored)) {
          heldObjects.push(stored);
          return true;
        }
      }
      compare.push({ key, revision });
      operations.push({ type: "delete", key });
      return true;
    });
    if (more) break;
  }
  if (operations.length > 0) {
    const result = await registry.store.commit({ compare, operations });
    // Something changed under us: look again.
    if (!result.ok) more = true;
  }
  return { more, ...(await markHeld(registry, request, heldObjects)) };
}

const isHeld = (stored: StoredObject): boolean =>
  (stored.metadata.finalizers ?? []).length > 0 ||
  stored.resource.strategy.hasPendingFinalizers?.(stored.object) === true;

/** Asks the owners of finalizers to let go, by marking their objects deleted. */
async function markHeld(
  registry: Registry,
  request: PurgeRequest,
  objects: readonly StoredObject[],
): Promise<{ held: Map<Resource, number>; finalizers: Map<string, number> }> {
  const held = new Map<Resource, number>();
  const finalizers = new Map<string, number>();
  const unmarked: StoredObject[] = [];
  for (const stored of objects) {
    held.set(stored.resource, (held.get(stored.resource) ?? 0) + 1);
    for (const name of stored.metadata.finalizers ?? [])
      finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
    if (stored.metadata.deletionTimestamp === undefined) unmarked.push(stored);
  }
  await Promise.allSettled(
    unmarked.map((stored) =>
      registry.delete({
        resource: stored.resource,
        ...stored.location,
        preconditions: {},
        dryRun: false,
        internal: true,
        requester: request.requester,
      }),
    ),
  );
  return { held, finalizers };
}

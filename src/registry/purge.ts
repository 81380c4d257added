/**
 * Removing what a workspace or a namespace that is going away still holds. The counts per (workspace, collection) tell
 * where to look, so it costs what the workspace holds, never what the server holds.
 */
import type { Comparison, Key, Operation, Revision } from "#storage/port.ts";
import { maxTxnOperations } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { ElsewhereError } from "./elsewhere.ts";
import { momentOf } from "./journal.ts";
import { listRange, objectKey, parseObjectKey } from "./keys.ts";
import { mustBeReadHere } from "./preparation.ts";
import type { Registry } from "./registry.ts";
import type { Resource } from "./resource.ts";
import { nodePortCollection } from "./services/held-keys.ts";
import { StoredObject } from "./stored-object.ts";
import type { HoldingChanges, Requester } from "./strategy.ts";

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

/** Collections of no kind that is served. */
const ownCollections: ReadonlySet<string> = new Set([nodePortCollection]);

const finalizersMark = Buffer.from('"finalizers":[');

/** One transaction that only deletes. */
class Batch {
  readonly compare: Comparison[] = [];
  readonly operations: Operation[] = [];
  readonly #keys = new Set<Key>();

  /** False: it has no room for the object with what it takes along. Some of that may be in the batch already. */
  add(key: Key, revision: Revision, along: HoldingChanges = { compare: [], operations: [] }): boolean {
    const isNew = (of: { readonly key: Key }): boolean => !this.#keys.has(of.key);
    const operations = along.operations.filter(isNew);
    if (this.operations.length + 1 + operations.length > maxTxnOperations) return false;
    this.compare.push({ key, revision }, ...along.compare.filter(isNew));
    this.operations.push({ type: "delete", key }, ...operations);
    for (const operation of this.operations.slice(this.#keys.size)) this.#keys.add(operation.key);
    return true;
  }
}

/**
 * One bounded step: removes up to a transaction's worth of objects; those with finalizers are marked deleted and counted.
 * Nothing new may appear meanwhile: the caller has marked the namespace or workspace as being deleted, which creates check.
 */
export async function purgeStep(registry: Registry, request: PurgeRequest): Promise<PurgeResult> {
  const batch = new Batch();
  const heldObjects: StoredObject[] = [];
  let more = false;
  for (const { collection } of registry.store.tenantCounts(request.cluster)) {
    const resource = registry.resourceOfCollectionIn(request.cluster, collection);
    const all = request.namespace === undefined;
    if (resource === undefined ? !all || !ownCollections.has(collection) : request.keep(resource)) continue;
    if (!all && resource?.namespaced !== true) continue;
    // With the whole workspace they go by themselves.
    const holdings = all ? undefined : resource?.strategy.holdings;
    const withHoldings: StoredObject[] = [];
    const heldBefore = heldObjects.length;
    const range = listRange(collection, request.cluster, request.namespace ?? "");
    registry.store.visit(range, undefined, (key: Key, value, revision) => {
      if (batch.operations.length + withHoldings.length >= batchSize) {
        more = true;
        return false;
      }
      if (heldObjects.length - heldBefore >= maxHeldPerCollection) return false;
      if (resource !== undefined && (holdings !== undefined || value.includes(finalizersMark))) {
        const location = parseObjectKey(collection, resource.namespaced, key);
        mustBeReadHere(registry, value);
        const stored = new StoredObject(resource, location, revision, Buffer.from(value));
        if (isHeld(stored) && !request.ignoreFinalizers(stored)) {
          heldObjects.push(stored);
          return true;
        }
        if (holdings !== undefined) {
          withHoldings.push(stored);
          return true;
        }
      }
      batch.add(key, revision);
      return true;
    });
    for (const { location, revision, object } of withHoldings) {
      const along = holdings?.changes(location, undefined, object, momentOf(registry));
      if (!batch.add(objectKey(collection, location), revision, along)) more = true;
    }
    if (more) break;
  }
  if (batch.operations.length > 0) {
    const result = await registry.store.commit(batch);
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
  const outcomes = await Promise.allSettled(
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
  for (const outcome of outcomes)
    if (outcome.status === "rejected" && outcome.reason instanceof ElsewhereError) throw outcome.reason;
  return { held, finalizers };
}

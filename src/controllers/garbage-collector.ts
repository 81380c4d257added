/**
 * Garbage collection by owner references (k8s.io/kubernetes pkg/controller/garbagecollector). Where upstream keeps a graph of all
 * objects in memory, this asks the store's index of owners; what an item needs is read when it is processed.
 */
import type { OwnerReference } from "#machinery/meta/object.ts";
import { foregroundFinalizer, orphanFinalizer } from "#machinery/meta/validation.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { deletingIndex, ownerIndex, ownerTerm } from "#registry/key-space.ts";
import { collectionPrefix, type ObjectLocation, parseObjectKey, partitionOf } from "#registry/keys.ts";
import { isReadElsewhere, mustBeReadHere } from "#registry/preparation.ts";
import type { Registry } from "#registry/registry.ts";
import { storedMetadata } from "#registry/stored-metadata.ts";
import { StoredObject } from "#registry/stored-object.ts";
import { type Change, CompactedError, type Key, prefixRange, type Revision } from "#storage/port.ts";
import { type BatchOptions, collectBatch } from "./collect-batch.ts";
import { CollectorWrites } from "./collector-writes.ts";
import { type Controller, controllerRequester } from "./controller.ts";
import { reportForeignOwners } from "./foreign-owners.ts";
import { indexedKeys, indexPages, ofTerm, type TermRange } from "./indexed-keys.ts";
import { isBlocking, Owners } from "./owner-references.ts";

const name = "generic-garbage-collector";
/** Dependents worked on side by side: deleted in one transaction, or changed one by one, of which group commit makes few flushes. */
const pageSize = 100;
/** Transactions on their way at once, so that one does not wait for the other's flush. */
const pagesAtOnce = 2;
/** Tries of one object against concurrent writers, before it goes back into the queue. */
const maxAttempts = 16;

const ownersMark = Buffer.from('"ownerReferences":[');
const deletionMark = Buffer.from('"deletionTimestamp":"');
const finalizerMarks = [orphanFinalizer, foregroundFinalizer].map((finalizer) =>
  Buffer.from(`"${finalizer}"`),
);
/** Upstream leaves these alone as well: they are many, and live for an hour. */
const ignored = [collectionPrefix({ group: "", resource: "events" })];

/**
 * Items:
 * - `object <key>`: its owners may be gone, or it waits to be deleted after its dependents or without them.
 * - `changed <revision> <key>`: the owners of that large object may have changed.
 * - `blocked <key>`: a dependent of that owner is gone, or blocks no more.
 * - `dependents <cluster> <uid>`: that owner is gone.
 * - `everything`: all of it, when the change log does not reach back far enough.
 */
export const garbageCollector = (registry: Registry): Controller => new GarbageCollector(registry);

class GarbageCollector implements Controller {
  readonly name = name;
  readonly concurrency = 16;
  readonly collections = undefined;
  readonly #registry: Registry;
  readonly #owners: Owners;
  readonly #requester = controllerRequester(name);
  readonly #writes: CollectorWrites;
  readonly #batch: BatchOptions;
  /** Owners whose dependents are gone through at this moment; no more than items are processed side by side. */
  readonly #settling = new Set<Key>();

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#owners = new Owners(registry);
    this.#writes = new CollectorWrites(registry, this.#requester);
    this.#batch = {
      registry,
      owners: this.#owners,
      resourceOf: (key) => {
        const resource = registry.resourceOfKey(key);
        return resource === undefined || ignored.includes(resource.collection) ? undefined : resource;
      },
      hasDependents: (key, uid) => this.#hasDependents(partitionOf(key)?.tenant as ClusterName, uid),
    };
  }

  observe(change: Change, collection: string, enqueue: (item: string) => void): void {
    const { key, value, previous, revision } = change;
    const resource = this.#registry.resourceOfKey(key);
    if (resource === undefined || ignored.includes(collection)) return;
    const location = parseObjectKey(collection, resource.namespaced, key);
    if (value === undefined) {
      const uid = previous === undefined ? undefined : storedMetadata(previous.value)?.uid;
      if (uid !== undefined && this.#hasDependents(location.cluster, uid))
        enqueue(`dependents ${location.cluster} ${uid}`);
    } else if (mayWait(value)) enqueue(`object ${key}`);
    if (this.#isLarge(value) || this.#isLarge(previous?.value)) {
      if (hasReferences(value) || hasReferences(previous?.value)) enqueue(`changed ${revision} ${key}`);
      return;
    }
    const before = referencesOf(previous?.value);
    const now = referencesOf(value);
    if (now.length > 0 && JSON.stringify(now) !== JSON.stringify(before)) enqueue(`object ${key}`);
    for (const owner of this.#released(location, before, now)) enqueue(`blocked ${owner}`);
  }

  #isLarge(value: Buffer | undefined): boolean {
    return value !== undefined && isReadElsewhere(this.#registry, value);
  }

  /** Owners that wait, and for this dependent no more. */
  *#released(
    dependent: ObjectLocation,
    before: readonly OwnerReference[],
    now: readonly OwnerReference[],
  ): Iterable<Key> {
    const blocked = new Set(now.filter(isBlocking).map(({ uid }) => uid));
    for (const reference of before) {
      if (!isBlocking(reference) || blocked.has(reference.uid)) continue;
      const owner = this.#owners.waitingOwner(dependent, reference);
      if (owner !== undefined) yield owner;
    }
  }

  resync(enqueue: (item: string) => void): void {
    enqueue("everything");
  }

  async process(item: string): Promise<void> {
    // Called from within the delivery of changes, where nothing may be written yet.
    await Promise.resolve();
    const [kind, ...rest] = item.split(" ");
    const argument = item.slice(item.indexOf(" ") + 1) as Key;
    if (kind === "object") await this.#settle(argument);
    else if (kind === "blocked") await this.#unblock(argument);
    else if (kind === "changed")
      await this.#afterChange(Number(rest[0]) as Revision, argument.slice(argument.indexOf(" ") + 1) as Key);
    else if (kind === "dependents") {
      await this.#eachDependentPage(rest[0] as ClusterName, rest[1] ?? "", this.#collectAll);
    } else {
      await this.#eachPage(prefixRange(ownerIndex), this.#collectAll);
      await this.#settleDeleting();
    }
  }

  async #afterChange(revision: Revision, key: Key): Promise<void> {
    const { elsewhere, store } = this.#registry;
    if (elsewhere !== undefined) throw new ElsewhereError();
    const resource = this.#registry.resourceOfKey(key);
    if (resource === undefined) return;
    const location = parseObjectKey(resource.collection, resource.namespaced, key);
    await this.#settle(key);
    try {
      const before = referencesOf(store.get(key, (revision - 1) as Revision)?.value);
      const now = referencesOf(store.get(key, revision)?.value);
      for (const owner of this.#released(location, before, now)) await this.#unblock(owner);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      await this.#settleDeleting();
    }
  }

  #settleDeleting(): Promise<void> {
    return this.#eachPage(prefixRange(deletingIndex), (keys) => allOf(keys, (key) => this.#settle(key)));
  }

  #read(key: Key): StoredObject | undefined {
    const resource = this.#registry.resourceOfKey(key);
    const entry = resource === undefined ? undefined : this.#registry.store.get(key);
    if (resource === undefined || entry === undefined) return undefined;
    mustBeReadHere(this.#registry, entry.value);
    const location = parseObjectKey(resource.collection, resource.namespaced, key);
    return new StoredObject(resource, location, entry.revision, entry.value);
  }

  #hasDependents(cluster: ClusterName, uid: string): boolean {
    const term = ownerTerm(cluster, uid);
    return this.#registry.store.indexEntries(term, `${term}\0`, 1).length > 0;
  }

  /** Does the same to all dependents, a page at a time. The objects may have other owners, and be changed meanwhile. */
  #eachDependent(cluster: ClusterName, uid: string, act: (key: Key) => Promise<unknown>) {
    return this.#eachDependentPage(cluster, uid, (keys) => allOf(keys, act));
  }

  #eachDependentPage(cluster: ClusterName, uid: string, act: (keys: Key[]) => Promise<unknown>) {
    return this.#eachPage(ofTerm(ownerTerm(cluster, uid)), act);
  }

  async #eachPage(range: TermRange, act: (keys: Key[]) => Promise<unknown>): Promise<void> {
    for (const all of indexPages(this.#registry.store, range, pageSize * pagesAtOnce)) {
      const pages: Key[][] = [];
      for (let from = 0; from < all.length; from += pageSize) pages.push(all.slice(from, from + pageSize));
      await allOf(pages, async (keys) => {
        await nextTurn();
        await act(keys);
      });
    }
  }

  readonly #collectAll = async (keys: readonly Key[]): Promise<void> => {
    await allOf(await collectBatch(this.#batch, keys), (key) => this.#collect(key));
  };

  async #settle(key: Key): Promise<void> {
    const stored = this.#read(key);
    if (stored === undefined) return;
    const { deletionTimestamp, finalizers = [], uid = "" } = stored.metadata;
    if (deletionTimestamp === undefined) {
      await reportForeignOwners(this.#registry, this.#owners, stored, this.#requester);
      return this.#collect(key);
    }
    const { cluster } = stored.location;
    if (finalizers.includes(orphanFinalizer)) {
      const others = (reference: OwnerReference) => reference.uid !== uid;
      await this.#eachDependent(cluster, uid, (dependent) =>
        this.#writes.keepReferences(this.#read(dependent), others),
      );
      await this.#writes.removeFinalizer(stored, orphanFinalizer);
    } else if (finalizers.includes(foregroundFinalizer)) {
      this.#settling.add(key);
      try {
        await this.#eachDependentPage(cluster, uid, this.#collectAll);
      } finally {
        this.#settling.delete(key);
      }
      if (this.#blockingDependent(stored) === undefined)
        await this.#writes.removeFinalizer(stored, foregroundFinalizer);
    }
  }

  /** The owner of a dependent that blocks no more. Most often another one does: looking for the first one is enough. */
  async #unblock(key: Key): Promise<void> {
    const owner = this.#read(key);
    const { deletionTimestamp, finalizers = [] } = owner?.metadata ?? {};
    if (owner === undefined || deletionTimestamp === undefined) return;
    // Whoever goes through all of its dependents looks afterwards whether one blocks.
    if (!finalizers.includes(foregroundFinalizer) || this.#settling.has(key)) return;
    const blocking = this.#blockingDependent(owner);
    if (blocking === undefined) await this.#writes.removeFinalizer(owner, foregroundFinalizer);
    else await this.#collect(blocking);
  }

  /**
   * The first dependent that the owner has to wait for. A reference that tells the right UID and the wrong name, kind or namespace
   * does not block: nobody could ever resolve it.
   */
  #blockingDependent(owner: StoredObject): Key | undefined {
    const { uid = "" } = owner.metadata;
    const dependents = ofTerm(ownerTerm(owner.location.cluster, uid));
    for (const key of indexedKeys(this.#registry.store, dependents, pageSize)) {
      const dependent = this.#read(key);
      if (dependent === undefined || ignored.includes(dependent.resource.collection)) continue;
      const blocks = dependent.metadata.ownerReferences?.some(
        (reference) =>
          reference.uid === uid &&
          isBlocking(reference) &&
          this.#owners.waitingOwner(dependent.location, reference) !== undefined,
      );
      if (blocks === true) return key;
    }
    return undefined;
  }

  /** Deletes an object without owners, or takes away the references to owners that are gone or waiting (attemptToDeleteItem). */
  async #collect(key: Key): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = this.#read(key);
      if (stored === undefined || ignored.includes(stored.resource.collection)) return;
      const { metadata } = stored;
      if (metadata.deletionTimestamp !== undefined || (metadata.ownerReferences ?? []).length === 0) return;
      // The content of a workspace that is being deleted goes as a whole.
      if (this.#registry.tenants.get(stored.location.cluster)?.deleting !== false) return;
      const classified = this.#owners.classify(stored);
      if (classified === undefined) return;
      const { solid, dangling, waiting } = classified;
      if (solid.length > 0) {
        if (dangling.length + waiting.length === 0) return;
        const kept = new Set(solid.map((reference) => JSON.stringify(reference)));
        const dropped = new Set([...dangling, ...waiting].map((reference) => JSON.stringify(reference)));
        await this.#writes.keepReferences(stored, (reference) => {
          const text = JSON.stringify(reference);
          return kept.has(text) || !dropped.has(text);
        });
        return;
      }
      const foreground =
        waiting.length > 0 && this.#hasDependents(stored.location.cluster, metadata.uid ?? "");
      if (foreground && waiting.some(isBlocking) && (await this.#isInCircle(stored))) {
        await this.#writes.stopBlocking(stored);
        continue;
      }
      if (await this.#writes.remove(stored, foreground ? "Foreground" : undefined)) return;
    }
    throw new Error("the object changes too often to be collected");
  }

  /** One of its dependents waits as well: they could wait for each other. May be so without a circle; that does no harm. */
  async #isInCircle(stored: StoredObject): Promise<boolean> {
    let found = false;
    await this.#eachDependent(stored.location.cluster, stored.metadata.uid ?? "", async (key) => {
      const metadata = this.#read(key)?.metadata;
      if (metadata?.deletionTimestamp !== undefined && metadata.finalizers?.includes(foregroundFinalizer))
        found = true;
    });
    return found;
  }
}

/** Lets requests have their turn. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for all, also when one fails. */
async function allOf<T>(all: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
  const outcomes = await Promise.allSettled(all.map(act));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Bytes first: nearly no value has any. */
const hasReferences = (value: Buffer | undefined): value is Buffer => value?.includes(ownersMark) === true;

const referencesOf = (value: Buffer | undefined): readonly OwnerReference[] =>
  hasReferences(value) ? (storedMetadata(value)?.ownerReferences ?? []) : [];

const mayWait = (value: Buffer): boolean =>
  value.includes(deletionMark) && finalizerMarks.some((mark) => value.includes(mark));

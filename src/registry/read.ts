import { compareBytes } from "#base/bytes.ts";
import { Pacer } from "#base/pacer.ts";
import { expired, notFound, tooLargeResourceVersion } from "#machinery/errors/errors.ts";
import { CompactedError, type Key, type KeyRange, type Revision } from "#storage/port.ts";
import type { ClusterName, ClusterScope } from "./cluster-name.ts";
import { isCustomKey, isSegment, listRange, objectKey, parseObjectKey } from "./keys.ts";
import { prepare, preparedTogether } from "./preparation.ts";
import type { Registry } from "./registry.ts";
import { mustBeCurrent, type Resource } from "./resource.ts";
import { isRuledOut, isTooMuchToSelect, matches, type Selection, selectsAll } from "./selection.ts";
import { StoredObject } from "./stored-object.ts";

/** How new the answer of a read must be (spec, resourceVersion semantics). */
export type Freshness =
  /** As new as every write answered before the read. */
  | { readonly kind: "consistent" }
  /** Whatever the local copy has. */
  | { readonly kind: "any" }
  | { readonly kind: "not-older"; readonly revision: Revision }
  | { readonly kind: "exact"; readonly revision: Revision };

export interface GetRequest {
  readonly resource: Resource;
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
  readonly freshness: Freshness;
}

/** How long a read waits for a revision that the server has not reached (upstream: 3 s). */
const futureRevisionWaitMs = 3_000;
/** A scan gives the event loop back after this long. */
const sliceMs = 8;
/** Entries between two looks at the clock, each counted once more for every KiB of it: large ones may have to be parsed. */
const entriesPerClockRead = 64;

/**
 * The revision to read at; undefined = the newest the local copy has.
 * @throws StatusError 504 when it is not reached in time
 */
export function settleFreshness(
  registry: Registry,
  freshness: Freshness,
): undefined | Revision | Promise<Revision | undefined> {
  const { store } = registry;
  switch (freshness.kind) {
    case "any":
      return undefined;
    case "consistent": {
      const fresh = store.fresh();
      return typeof fresh === "number" ? undefined : fresh.then(() => undefined);
    }
    case "not-older":
    case "exact": {
      const at = freshness.kind === "exact" ? freshness.revision : undefined;
      return store.current() >= freshness.revision ? at : reach(registry, freshness.revision).then(() => at);
    }
  }
}

async function reach(registry: Registry, revision: Revision): Promise<void> {
  if (!(await registry.store.waitFor(revision, futureRevisionWaitMs))) {
    throw tooLargeResourceVersion(revision, registry.store.current());
  }
}

export async function getObject(registry: Registry, request: GetRequest): Promise<StoredObject> {
  const settled = settleFreshness(registry, request.freshness);
  if (settled instanceof Promise) {
    await settled;
    mustBeCurrent(request.resource);
  }
  const stored = readObject(registry, request);
  await stored.load();
  return stored;
}

/** Reads the local copy, without waiting. @throws StatusError 404 */
export function readObject(registry: Registry, request: Omit<GetRequest, "freshness">): StoredObject {
  const { resource, cluster, namespace, name } = request;
  const location = { cluster, namespace, name };
  const entry = registry.store.get(objectKey(resource.collection, location));
  if (entry === undefined) throw notFound(resource, name);
  return new StoredObject(resource, location, entry.revision, entry.value);
}

export interface ScanRequest {
  readonly resource: Resource;
  readonly cluster: ClusterScope;
  /** "" = all namespaces, and for cluster-scoped resources. */
  readonly namespace: string;
  readonly selection: Selection;
  /** Read at exactly this revision; it must not be in the future. */
  readonly at: Revision;
  /** Resume behind this key; it must lie within the range. */
  readonly after?: Key;
  /** Most matching objects to visit; absent = all. */
  readonly limit?: number;
  /**
   * Called for every match, in key order. The object's `value` is valid during the call only. May ask for a pause (slow
   * reader) by returning a promise, which is awaited before the scan goes on.
   */
  visit(object: StoredObject): Promise<void> | undefined | void;
}

export interface ScanResult {
  /** The last visited key when the limit was reached and more keys follow; else undefined. */
  readonly resumeAfter: Key | undefined;
}

/**
 * Visits a collection at one revision, in slices that never hold the event loop for long.
 * @throws StatusError 410 when the revision has been compacted before or during the scan
 */
export async function scanCollection(registry: Registry, request: ScanRequest): Promise<ScanResult> {
  if (request.resource.form?.asynchronous === true) return scanPrepared(registry, request);
  const { elsewhere } = registry;
  const { resource, selection, at, limit = Number.POSITIVE_INFINITY } = request;
  const whole = rangeOf(request);
  // A wildcard over one namespace cannot be a range: the namespace stands behind the cluster in the key.
  const onlyNamespace = request.cluster === "*" ? request.namespace : "";
  const all = selectsAll(selection) && onlyNamespace === "";
  const everywhere = request.cluster === "*";
  let range: KeyRange = request.after === undefined ? whole : startAfter(whole, request.after);
  if (compareBytes(range.start, range.end) >= 0) return { resumeAfter: undefined };
  let visited = 0;
  let lastVisited: Key | undefined;
  for (;;) {
    let lastKey: Key | undefined;
    let stopped = false;
    let full = false;
    let sinceClock = 0;
    let pause: Promise<void> | undefined;
    let mustPrepare = false;
    const deadline = registry.clock.now() + sliceMs;
    try {
      // The newest revision is read without looking into history; every slice asks anew whether it still is that.
      const newest = at === registry.store.current() ? undefined : at;
      registry.store.visit(range, newest, (key, value, revision) => {
        if (visited >= limit) {
          full = true;
          return false;
        }
        const before = lastKey;
        lastKey = key;
        if (everywhere && isCustomKey(resource.collection, key)) return true;
        const location = parseObjectKey(resource.collection, resource.namespaced, key);
        const stored = new StoredObject(resource, location, revision, value);
        if (!all && elsewhere !== undefined && isTooMuchToSelect(selection, elsewhere.limits, stored)) {
          lastKey = before;
          mustPrepare = true;
          return false;
        }
        if (
          all ||
          ((onlyNamespace === "" || location.namespace === onlyNamespace) && matches(selection, stored))
        ) {
          visited++;
          lastVisited = key;
          pause = request.visit(stored) ?? undefined;
        }
        sinceClock += 1 + (value.length >> 10);
        if (pause === undefined && (sinceClock < entriesPerClockRead || registry.clock.now() < deadline)) {
          if (sinceClock >= entriesPerClockRead) sinceClock = 0;
          return true;
        }
        stopped = true;
        return false;
      });
    } catch (error) {
      if (error instanceof CompactedError) throw expired(compactedListMessage);
      throw error;
    }
    if (full) return { resumeAfter: lastVisited };
    if (mustPrepare) {
      if (lastKey !== undefined) range = startAfter(whole, lastKey);
      return scanPrepared(registry, request, { range, visited });
    }
    if (!stopped || lastKey === undefined) return { resumeAfter: undefined };
    range = startAfter(whole, lastKey);
    if (pause === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    else await pause;
  }
}

/** How far a scan has come. */
interface ScanProgress {
  /** What is left. */
  readonly range: KeyRange;
  readonly visited: number;
}

/**
 * {@link scanCollection} where somebody has to be asked before objects can be selected from: batches are copied and prepared, and
 * only then selected from. A conversion may change labels and fields.
 */
async function scanPrepared(
  registry: Registry,
  request: ScanRequest,
  begun?: ScanProgress,
): Promise<ScanResult> {
  const { resource, cluster, namespace, selection, at, limit = Number.POSITIVE_INFINITY } = request;
  const whole = rangeOf(request);
  const onlyNamespace = cluster === "*" ? namespace : "";
  let range = begun?.range ?? (request.after === undefined ? whole : startAfter(whole, request.after));
  if (compareBytes(range.start, range.end) >= 0) return { resumeAfter: undefined };
  let visited = begun?.visited ?? 0;
  const pacer = new Pacer();
  for (;;) {
    const batch: { key: Key; stored: StoredObject }[] = [];
    let bytes = 0;
    let lastKey: Key | undefined;
    let seen = 0;
    let more = false;
    try {
      registry.store.visit(
        range,
        at === registry.store.current() ? undefined : at,
        (key, value, revision) => {
          const { length } = batch;
          more = length >= preparedTogether.objects || bytes >= preparedTogether.bytes || seen++ >= mostSeen;
          if (more) return false;
          lastKey = key;
          if (cluster === "*" && isCustomKey(resource.collection, key)) return true;
          const location = parseObjectKey(resource.collection, resource.namespaced, key);
          const stored = new StoredObject(resource, location, revision, value);
          if ((onlyNamespace !== "" && location.namespace !== onlyNamespace) || isRuledOut(selection, stored))
            return true;
          bytes += value.length;
          batch.push({ key, stored: stored.copy() });
          return true;
        },
      );
    } catch (error) {
      if (error instanceof CompactedError) throw expired(compactedListMessage);
      throw error;
    }
    await prepare(
      registry,
      selection,
      batch.map(({ stored }) => stored),
    );
    for (const { key, stored } of batch) {
      if (!matches(selection, stored)) continue;
      await request.visit(stored);
      if (++visited >= limit) return { resumeAfter: more || key !== lastKey ? key : undefined };
      await pacer.turn();
    }
    if (!more || lastKey === undefined) return { resumeAfter: undefined };
    range = startAfter(whole, lastKey);
    await pacer.turn();
  }
}

/** Entries gone through in one go, with those that their bytes rule out. */
const mostSeen = 1_000;

/** Text of a 410 for a list or continue token whose revision is gone (apiserver pkg/storage/etcd3). */
export const compactedListMessage =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.";

/** One key where a selector names the object, as clients that wait for one thing do (apiserver registry/store.go, ListPredicate). */
function rangeOf({ resource, cluster, namespace, selection }: ScanRequest): KeyRange {
  const whole = listRange(resource.collection, cluster, namespace);
  const name = selection.fields?.requiresExactMatch("metadata.name");
  const isOne = cluster !== "*" && resource.namespaced === (namespace !== "");
  if (name === undefined || !isOne || !isSegment(name)) return whole;
  const key = objectKey(resource.collection, { cluster, namespace, name });
  return { start: key, end: `${key}\0` as Key };
}

const startAfter = (range: KeyRange, key: Key): KeyRange => ({ start: `${key}\0` as Key, end: range.end });

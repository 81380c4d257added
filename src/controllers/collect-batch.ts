/** Many objects at once that lose their owners: what surely goes, goes in one transaction. */

import type { OwnerReference } from "#machinery/meta/object.ts";
import { parseObjectKey } from "#registry/keys.ts";
import { isReadElsewhere } from "#registry/preparation.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { storedMetadata } from "#registry/stored-metadata.ts";
import type { Strategy } from "#registry/strategy.ts";
import type { Comparison, Key, Operation } from "#storage/port.ts";
import type { Owners } from "./owner-references.ts";

export interface BatchOptions {
  readonly registry: Registry;
  readonly owners: Owners;
  /** Undefined: objects of that key are none of the collector's. */
  resourceOf(key: Key): Resource | undefined;
  /** The object with that UID in the workspace of that key has dependents of its own. */
  hasDependents(key: Key, uid: string): boolean;
}

/** Deletes those whose owners are all gone and that nothing holds back; answers the others. */
export async function collectBatch(options: BatchOptions, keys: readonly Key[]): Promise<readonly Key[]> {
  const { store } = options.registry;
  const compare: Comparison[] = [];
  const operations: Operation[] = [];
  const others: Key[] = [];
  for (const key of keys) {
    const entry = store.get(key);
    if (entry === undefined) continue;
    if (!surelyGoes(options, key, entry.value)) {
      others.push(key);
      continue;
    }
    compare.push({ key, revision: entry.revision });
    operations.push({ type: "delete", key });
  }
  if (operations.length === 0) return others;
  const result = await store.commit({ compare, operations });
  // One of them changed meanwhile: all are looked at again, one by one.
  return result.ok ? others : keys;
}

function surelyGoes(
  { registry, owners, resourceOf, hasDependents }: BatchOptions,
  key: Key,
  value: Buffer,
): boolean {
  const resource = resourceOf(key);
  if (resource === undefined || hasOwnRules(resource.strategy)) return false;
  // What is large is looked at by itself.
  if (isReadElsewhere(registry, value)) return false;
  const metadata = storedMetadata(value);
  const { ownerReferences = [], finalizers = [], deletionTimestamp, uid = "" } = metadata ?? {};
  if (ownerReferences.length === 0 || finalizers.length > 0 || deletionTimestamp !== undefined) return false;
  const location = parseObjectKey(resource.collection, resource.namespaced, key);
  // The content of a workspace that is being deleted goes as a whole.
  if (registry.tenants.get(location.cluster)?.deleting !== false) return false;
  let waits = false;
  for (const reference of ownerReferences as readonly OwnerReference[]) {
    const state = owners.stateOf(location, reference);
    if (state === undefined || state === "solid") return false;
    waits ||= state === "waiting";
  }
  // Below an owner that waits, dependents of dependents are waited for as well.
  return !waits || !hasDependents(key, uid);
}

const hasOwnRules = ({ checkDelete, prepareForDeletion, hasPendingFinalizers }: Strategy): boolean =>
  checkDelete !== undefined || prepareForDeletion !== undefined || hasPendingFinalizers !== undefined;

/**
 * Managed fields between an object and its Scale, which shows one field of it (apimachinery managedfields/scalehandler.go).
 */
import type { JsonValue } from "#machinery/json/value.ts";
import { FieldSet } from "./field-set.ts";
import {
  type EntryMaker,
  emptyManaged,
  type ManagedFieldsEntry,
  readManaged,
  readSet,
  type SetReader,
  writeManaged,
} from "./managed.ts";
import type { FieldPath } from "./path-element.ts";

export const scaleApiVersion = "autoscaling/v1";
const replicasInScale: FieldPath = ["f:spec", "f:replicas"];

/** Where the replicas stand in the object, by its apiVersion. Versions that are not named are not known. */
export type ReplicasPaths = ReadonlyMap<string, FieldPath | undefined>;

export interface ScaleFieldsOptions {
  readonly setOf?: SetReader;
  readonly makeEntry?: EntryMaker | undefined;
}

/** Who owns the replicas, as managed fields of the Scale. @throws ManagedFieldsError, FieldSetError */
export function managedOfScale(
  parent: readonly JsonValue[] | undefined,
  paths: ReplicasPaths,
  { setOf = readSet, makeEntry }: ScaleFieldsOptions = {},
): ManagedFieldsEntry[] | undefined {
  const managed = readManaged(parent, setOf);
  const scale = emptyManaged();
  for (const [id, { set, apiVersion, applied }] of managed.sets) {
    const path = paths.get(apiVersion);
    if (path === undefined || !set.has(path)) continue;
    scale.sets.set(id, { set: FieldSet.of(replicasInScale), apiVersion: scaleApiVersion, applied });
    scale.times.set(id, managed.times.get(id));
  }
  return writeManaged(scale, makeEntry);
}

/** The object's managed fields after a write of its Scale. @throws ManagedFieldsError, FieldSetError */
export function managedOfScaled(
  parent: readonly JsonValue[] | undefined,
  scaleEntries: readonly JsonValue[] | undefined,
  paths: ReplicasPaths,
  apiVersion: string,
  { setOf = readSet, makeEntry }: ScaleFieldsOptions = {},
): ManagedFieldsEntry[] | undefined {
  const before = readManaged(parent, setOf);
  const scale = readManaged(scaleEntries, setOf);
  const result = emptyManaged();
  for (const [id, owned] of before.sets) {
    if (!paths.has(owned.apiVersion)) continue;
    const path = paths.get(owned.apiVersion);
    let { set } = owned;
    if (path !== undefined && set.has(path) && !scale.sets.delete(id))
      set = set.difference(FieldSet.of(path));
    if (set.isEmpty && !owned.set.isEmpty) continue;
    result.sets.set(id, set === owned.set ? owned : { ...owned, set });
    result.times.set(id, before.times.get(id));
  }
  const path = paths.get(apiVersion);
  for (const [id, { set, applied }] of scale.sets) {
    if (path === undefined || !set.has(replicasInScale)) continue;
    result.sets.set(id, { set: FieldSet.of(path), apiVersion, applied });
    // Upstream looks here, so who had nothing of the object before has no time.
    result.times.set(id, before.times.get(id));
  }
  return writeManaged(result, makeEntry);
}

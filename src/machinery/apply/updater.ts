/**
 * Who owns what after a write, and what an apply makes of an object (structured-merge-diff merge/update.go). All values were
 * validated against their types.
 */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { type Comparison, compareTyped, mapComparison } from "./compare.ts";
import { FieldSet } from "./field-set.ts";
import { mergeTyped } from "./merge.ts";
import type { FieldPath } from "./path-element.ts";
import { reconcileFieldSet } from "./reconcile.ts";
import { removeFields } from "./remove.ts";
import { toFieldSet } from "./to-field-set.ts";
import { ApplyError, TypedErrors } from "./typed-errors.ts";
import type { TypedNode } from "./typed-node.ts";

/** What one manager owns, in the terms of one version. */
export interface VersionedSet {
  readonly set: FieldSet;
  readonly apiVersion: string;
  readonly applied: boolean;
}

/** By manager identifier; see `managed.ts`. */
export type Managers = ReadonlyMap<string, VersionedSet>;

/** An object in one version, with its type there. */
export interface TypedObject {
  readonly value: JsonObject;
  readonly apiVersion: string;
  readonly type: TypedNode;
}

export interface UpdaterOptions {
  /** The object in another version; undefined when that version is not known any more. */
  convert(object: TypedObject, apiVersion: string): TypedObject | undefined;
  /** Takes out of a set what the endpoint does not let anyone write, in the terms of a version. */
  withoutReset(set: FieldSet, apiVersion: string): FieldSet;
}

export interface Conflict {
  /** Identifier of the manager that owns the field. */
  readonly manager: string;
  readonly path: FieldPath;
}

/** Other managers own what the apply would change. */
export class ConflictsError extends Error {
  override readonly name = "ConflictsError";
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super("apply conflicts");
    this.conflicts = conflicts;
  }
}

/** Of a write that is no apply: `object` is what will be stored. Answers the managers after it. */
export function updateManagers(
  options: UpdaterOptions,
  live: TypedObject,
  object: TypedObject,
  managers: Managers,
  manager: string,
): Map<string, VersionedSet> {
  const { apiVersion } = object;
  const reconciled = reconcileAll(options, live, managers);
  const { managers: result, comparison } = shiftOwners(options, live, object, reconciled, manager, true);
  const before = result.get(manager)?.set ?? FieldSet.empty;
  const owned = before.difference(comparison.removed).union(comparison.modified).union(comparison.added);
  const set = options.withoutReset(owned, apiVersion);
  if (set.isEmpty) result.delete(manager);
  else result.set(manager, { set, apiVersion, applied: false });
  return result;
}

export interface Applied {
  /** Undefined when the live object already is what was asked for. */
  readonly value: JsonObject | undefined;
  readonly managers: Map<string, VersionedSet>;
}

/** @throws ConflictsError unless `force` */
export function applyObject(
  options: UpdaterOptions,
  live: TypedObject,
  config: TypedObject,
  managers: Managers,
  manager: string,
  force: boolean,
): Applied {
  const { apiVersion, type } = config;
  const reconciled = reconcileAll(options, live, managers);
  const merged: TypedObject = {
    value: mergeTyped(type, live.value, config.value) as JsonObject,
    apiVersion,
    type,
  };
  const last = reconciled.get(manager);
  const set = options.withoutReset(toFieldSet(type, config.value), apiVersion);
  reconciled.set(manager, { set, apiVersion, applied: true });
  const pruned = last === undefined ? merged : prune(options, merged, reconciled, manager, last);
  const { managers: result } = shiftOwners(options, live, pruned, reconciled, manager, force);
  return { value: jsonEqual(live.value, pruned.value) ? undefined : pruned.value, managers: result };
}

/** Versions that are no longer known are left out: what was owned in them has no meaning. */
function reconcileAll(
  options: UpdaterOptions,
  live: TypedObject,
  managers: Managers,
): Map<string, VersionedSet> {
  const result = new Map<string, VersionedSet>();
  for (const [manager, owned] of managers) {
    const converted = options.convert(live, owned.apiVersion);
    if (converted === undefined) continue;
    const set = reconcileFieldSet(converted.type, owned.set);
    result.set(manager, set === owned.set ? owned : { ...owned, set });
  }
  return result;
}

/** Takes from all other managers what changed or was removed. */
function shiftOwners(
  options: UpdaterOptions,
  live: TypedObject,
  object: TypedObject,
  managers: Managers,
  workflow: string,
  force: boolean,
): { managers: Map<string, VersionedSet>; comparison: Comparison } {
  const compare = (from: TypedObject, to: TypedObject): Comparison =>
    mapComparison(comparisonOf(from, to), (set) => options.withoutReset(set, to.apiVersion));
  const comparison = compare(live, object);
  const versions = new Map([[object.apiVersion, comparison]]);
  const result = new Map<string, VersionedSet>();
  const conflicts: Conflict[] = [];
  for (const [manager, owned] of managers) {
    if (manager === workflow) {
      if (!owned.set.isEmpty) result.set(manager, owned);
      continue;
    }
    let changed = versions.get(owned.apiVersion);
    if (changed === undefined) {
      const before = options.convert(live, owned.apiVersion);
      const after = options.convert(object, owned.apiVersion);
      if (before === undefined || after === undefined) continue;
      changed = compare(before, after);
      versions.set(owned.apiVersion, changed);
    }
    const contested = owned.set.intersection(changed.modified.union(changed.added));
    contested.forEachPath((path) => conflicts.push({ manager, path }));
    const set = owned.set.difference(contested).difference(changed.removed);
    if (!set.isEmpty) result.set(manager, set === owned.set ? owned : { ...owned, set });
  }
  if (!force && conflicts.length > 0) throw new ConflictsError(sorted(conflicts));
  return { managers: result, comparison };
}

function comparisonOf(from: TypedObject, to: TypedObject): Comparison {
  try {
    return compareTyped(to.type, from.value, to.value);
  } catch (error) {
    if (error instanceof TypedErrors) throw new ApplyError(`failed to compare objects: ${error.message}`);
    throw error;
  }
}

/** Upstream names managers in the order of a hash map; here they are sorted. */
const sorted = (conflicts: readonly Conflict[]): Conflict[] =>
  [...conflicts].sort((a, b) => (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0));

/** Removes what the manager applied last time, does not apply now, and nobody else owns. */
function prune(
  options: UpdaterOptions,
  merged: TypedObject,
  managers: Managers,
  manager: string,
  last: VersionedSet,
): TypedObject {
  if (last.set.isEmpty) return merged;
  const now = managers.get(manager)!;
  // Nothing was given up: the usual case.
  if (last.apiVersion === now.apiVersion && last.set.difference(now.set).isEmpty) return merged;
  const converted = options.convert(merged, last.apiVersion);
  if (converted === undefined) return merged;
  let pruned = without(converted, last.set.withNamedFields(converted.type));
  pruned = addBackOwned(options, converted, pruned, last.apiVersion, managers);
  pruned = addBackDangling(options, converted, pruned, last);
  return options.convert(pruned, now.apiVersion) ?? pruned;
}

const without = (object: TypedObject, set: FieldSet): TypedObject => {
  const value = removeFields(object.type, object.value, set);
  return { ...object, value: (value ?? {}) as JsonObject };
};

const namedFieldsOf = ({ type, value }: TypedObject): FieldSet =>
  toFieldSet(type, value).withNamedFields(type);

function addBackOwned(
  options: UpdaterOptions,
  merged: TypedObject,
  pruned: TypedObject,
  prunedVersion: string,
  managers: Managers,
): TypedObject {
  const owned = new Map<string, FieldSet>();
  for (const { set, apiVersion } of managers.values()) {
    owned.set(apiVersion, (owned.get(apiVersion) ?? FieldSet.empty).union(set));
  }
  // The pruned version first: conversion may need what is added back there.
  const versions = [...owned.keys()].sort(
    (a, b) => Number(b === prunedVersion) - Number(a === prunedVersion),
  );
  for (const version of versions) {
    const all = options.convert(merged, version);
    const rest = options.convert(pruned, version);
    if (all === undefined || rest === undefined) continue;
    const keep = namedFieldsOf(rest).union(owned.get(version)!.withNamedFields(all.type));
    pruned = without(all, namedFieldsOf(all).difference(keep));
    merged = all;
  }
  return pruned;
}

/** What was removed along with its container, but was not this manager's. */
function addBackDangling(
  options: UpdaterOptions,
  merged: TypedObject,
  pruned: TypedObject,
  last: VersionedSet,
): TypedObject {
  const rest = options.convert(pruned, last.apiVersion);
  if (rest === undefined) return merged;
  const gone = namedFieldsOf(merged).difference(namedFieldsOf(rest));
  return without(merged, gone.intersection(last.set.withNamedFields(merged.type)));
}

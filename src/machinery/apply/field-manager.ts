/**
 * Managed fields of one endpoint: the layers of apimachinery's managedfields/internal, from the outermost (version check, the
 * annotation of client-side apply) to the innermost (structured merge).
 */
import { badRequest } from "#machinery/errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { parseApiVersion } from "#machinery/meta/object.ts";
import { addedToEmpty } from "./added.ts";
import { capUpdaters } from "./cap-managers.ts";
import { conflictStatus } from "./conflict.ts";
import { FieldSet } from "./field-set.ts";
import { lastAppliedAllows, refreshLastApplied, serverSideKubectl } from "./last-applied.ts";
import {
  type EntryMaker,
  emptyManaged,
  identifierOf,
  isReset,
  type Managed,
  type ManagedFieldsEntry,
  type Operation,
  readManaged,
  readSet,
  type SetReader,
  writeManaged,
} from "./managed.ts";
import { ApplyError, TypedErrors } from "./typed-errors.ts";
import type { TypedNode } from "./typed-node.ts";
import {
  applyObject,
  ConflictsError,
  type TypedObject,
  type UpdaterOptions,
  updateManagers,
  type VersionedSet,
} from "./updater.ts";
import { validateTyped } from "./validate.ts";

/** The kind of an endpoint, as managed fields need to know it. Objects are JSON in the endpoint's version. */
export interface ManagedKind {
  readonly apiVersion: string;
  readonly kind: string;
  /** "" for the main endpoint. */
  readonly subresource: string;
  /** Type of the kind in a version; undefined for versions that are not known. */
  typeIn(apiVersion: string): TypedNode | undefined;
  /** The object in another known version. */
  convert(object: JsonObject, apiVersion: string): JsonObject;
  /** What the endpoint resets, in the terms of a version; undefined: nothing. */
  resetFields(apiVersion: string): FieldSet | undefined;
  /** What a new object is before anything is written into it. */
  emptyObject(): JsonObject;
  /**
   * What an apply made, as an object of the kind with its defaults.
   * @throws StatusError or any error that says what is wrong with it
   */
  complete(merged: JsonObject): JsonObject;
}

/** At most so many entries of operation `Update` are kept apart. */
const maxUpdateManagers = 10;
/** Owns what was there before the first apply, where nobody was noted. */
const beforeFirstApply = "before-first-apply";

/** Never part of managed fields. */
const stripped = FieldSet.of(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((field) => ["f:metadata", `f:${field}`]),
);

export interface FieldManagerOptions {
  readonly setOf?: SetReader;
  readonly makeEntry?: EntryMaker;
}

/** Stateless but for what `options` remember; one is enough for a server. */
export class FieldManager {
  readonly #setOf: SetReader;
  readonly #makeEntry: EntryMaker | undefined;

  constructor(options: FieldManagerOptions = {}) {
    this.#setOf = options.setOf ?? readSet;
    this.#makeEntry = options.makeEntry;
  }

  /**
   * Notes who wrote what, for all writes but applies. Answers the managed fields of `object`, which is what will be stored;
   * undefined: none. Never fails: what cannot be typed has no managed fields.
   * @param live what is stored now; undefined for a new object
   */
  update(
    kind: ManagedKind,
    live: JsonObject | undefined,
    object: JsonObject,
    manager: string,
    time: string,
  ): ManagedFieldsEntry[] | undefined {
    let managed = this.#startingFrom(kind, live, object);
    // Tracking starts with creation, or with the first apply.
    if (live === undefined || managed.sets.size > 0) {
      try {
        managed = capUpdaters(
          this.#tracked(kind, live ?? kind.emptyObject(), object, managed, manager, time),
          maxUpdateManagers,
        );
      } catch (error) {
        if (error instanceof ApplyError) return undefined;
        throw error;
      }
    }
    return writeManaged(managed, this.#makeEntry);
  }

  /**
   * Merges what a client wants into the live object. Answers the new object with its managed fields.
   * @param live what is stored now; undefined: the object will be created
   * @throws StatusError 400, 409; ApplyError
   */
  apply(
    kind: ManagedKind,
    live: JsonObject | undefined,
    patch: JsonObject,
    manager: string,
    force: boolean,
    time: string,
  ): JsonObject {
    checkVersion(kind, patch);
    const current = live ?? kind.emptyObject();
    let managed: Managed;
    try {
      managed = readManaged(managedFieldsOf(current), this.#setOf);
    } catch (error) {
      throw new ApplyError(`failed to decode managed fields: ${(error as Error).message}`);
    }
    const isFirst = managed.sets.size === 0;
    if (isFirst) managed = this.#ownedBefore(kind, current, managed, time);
    const id = identify(kind, manager, "Apply");
    const attempt = (forced: boolean): JsonObject =>
      this.#applied(kind, withoutManaged(current), patch, managed, id, forced, time);
    let result: JsonObject;
    try {
      result = attempt(force);
    } catch (error) {
      if (!(error instanceof ConflictsError)) throw error;
      const { conflicts } = error;
      const left =
        manager === serverSideKubectl
          ? conflicts.filter(lastAppliedAllows(kind, withoutManaged(current)))
          : conflicts;
      if (left.length > 0) throw conflictStatus(left, isFirst);
      result = attempt(true);
    }
    return manager === serverSideKubectl ? refreshLastApplied(result, patch) : result;
  }

  /** What {@link beforeFirstApply} owns of an object that nobody was noted for. */
  #ownedBefore(kind: ManagedKind, current: JsonObject, none: Managed, time: string): Managed {
    try {
      const managed = this.#tracked(kind, kind.emptyObject(), current, none, beforeFirstApply, time);
      return capUpdaters(managed, maxUpdateManagers);
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      throw new ApplyError(`failed to create manager for existing fields: ${error.message}`);
    }
  }

  /** The managed fields that a write starts from: those it brings along, where it may and they make sense. */
  #startingFrom(kind: ManagedKind, live: JsonObject | undefined, object: JsonObject): Managed {
    const old = (): Managed => {
      try {
        return live === undefined ? emptyManaged() : readManaged(managedFieldsOf(live), this.#setOf);
      } catch {
        return emptyManaged();
      }
    };
    if (kind.subresource !== "") return old();
    const given = managedFieldsOf(object);
    if (isReset(given)) return emptyManaged();
    if (given === undefined || given === (live && managedFieldsOf(live))) return old();
    try {
      const managed = readManaged(given, this.#setOf);
      return managed.sets.size === 0 ? old() : managed;
    } catch {
      return old();
    }
  }

  #tracked(
    kind: ManagedKind,
    live: JsonObject,
    object: JsonObject,
    managed: Managed,
    manager: string,
    time: string,
  ): Managed {
    const self = "current-operation";
    const sets =
      this.#firstOwner(kind, live, object, managed, self) ?? this.#owners(kind, live, object, managed, self);
    strip(sets, self);
    const times = new Map(managed.times);
    const mine = sets.get(self);
    if (mine !== undefined) {
      sets.delete(self);
      const id = identify(kind, manager, "Update");
      const previous = sets.get(id);
      sets.set(id, previous === undefined ? mine : { ...mine, set: mine.set.union(previous.set) });
      times.set(id, time);
    }
    return { sets, times };
  }

  #owners(
    kind: ManagedKind,
    live: JsonObject,
    object: JsonObject,
    managed: Managed,
    self: string,
  ): Map<string, VersionedSet> {
    const after = typed(kind, withoutManaged(object), true, "failed to convert new object", " to smd typed");
    const before = typed(kind, withoutManaged(live), true, "failed to convert live object", " to smd typed");
    return updateManagers(updaterOptions(kind), before, after, managed.sets, self);
  }

  /** The same for a new object that nobody owns anything of: the usual case, without comparing. */
  #firstOwner(
    kind: ManagedKind,
    empty: JsonObject,
    object: JsonObject,
    managed: Managed,
    self: string,
  ): Map<string, VersionedSet> | undefined {
    const { apiVersion } = kind;
    const type = managed.sets.size > 0 ? undefined : kind.typeIn(apiVersion);
    const added = type && addedToEmpty(type, empty, withoutManaged(object));
    if (added === undefined) return undefined;
    const set = updaterOptions(kind).withoutReset(added, apiVersion);
    return new Map(set.isEmpty ? [] : [[self, { set, apiVersion, applied: false }]]);
  }

  #applied(
    kind: ManagedKind,
    live: JsonObject,
    patch: JsonObject,
    managed: Managed,
    id: string,
    force: boolean,
    time: string,
  ): JsonObject {
    const { metadata } = patch;
    if (isJsonObject(metadata) && Array.isArray(metadata.managedFields))
      throw badRequest("metadata.managedFields must be nil");
    const config = typed(kind, patch, false, "failed to create typed patch object");
    const current = typed(kind, live, true, "failed to create typed live object");
    const { value, managers } = applyObject(updaterOptions(kind), current, config, managed.sets, id, force);
    strip(managers, id);
    const times = new Map(managed.times);
    let object = live;
    if (value !== undefined) {
      times.set(id, time);
      object = kind.complete(value);
    }
    const entries = writeManaged({ sets: managers, times }, this.#makeEntry);
    const rest = isJsonObject(object.metadata) ? object.metadata : {};
    return {
      ...object,
      metadata: { ...rest, ...(entries !== undefined && { managedFields: entries as unknown as JsonValue }) },
    };
  }
}

function strip(sets: Map<string, VersionedSet>, id: string): void {
  const owned = sets.get(id);
  if (owned === undefined) return;
  const set = withoutStripped(owned.set);
  if (set.isEmpty) sets.delete(id);
  else if (set !== owned.set) sets.set(id, { ...owned, set });
}

/** Sets that are found again (`shared-level.ts`) are so without what is stripped, too, and with them their stored text. */
const strippedSets = new WeakMap<FieldSet, FieldSet>();

function withoutStripped(set: FieldSet): FieldSet {
  if (set.sharedHash === undefined) return set.difference(stripped);
  let rest = strippedSets.get(set);
  if (rest === undefined) {
    rest = set.difference(stripped);
    strippedSets.set(set, rest);
  }
  return rest;
}

const identify = (kind: ManagedKind, manager: string, operation: Operation): string =>
  identifierOf({
    manager: manager === "" ? "unknown" : manager,
    operation,
    apiVersion: kind.apiVersion,
    subresource: kind.subresource,
  });

/** `metadata.managedFields`; undefined when it is absent or no list. */
export function managedFieldsOf({ metadata }: JsonObject): JsonValue[] | undefined {
  if (!isJsonObject(metadata)) return undefined;
  const { managedFields } = metadata;
  return Array.isArray(managedFields) ? managedFields : undefined;
}

function withoutManaged(object: JsonObject): JsonObject {
  if (!isJsonObject(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _none, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** `ns/name; group/version, Kind=Kind`, as upstream's errors name an object. */
function objectText(object: JsonObject): string {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
  return `${text(metadata.namespace)}/${text(metadata.name)}; ${kindText(object)}`;
}

function kindText({ apiVersion, kind }: JsonObject): string {
  const version = typeof apiVersion === "string" ? parseApiVersion(apiVersion) : undefined;
  if (version === undefined && typeof apiVersion === "string" && apiVersion !== "") return "/, Kind=";
  return `${version?.group ?? ""}/${version?.version ?? ""}, Kind=${typeof kind === "string" ? kind : ""}`;
}

function checkVersion(kind: ManagedKind, patch: JsonObject): void {
  if (patch.apiVersion === kind.apiVersion && patch.kind === kind.kind) return;
  throw badRequest(`invalid object type: ${kindText(patch)}`);
}

/** @throws ApplyError */
function typed(
  kind: ManagedKind,
  value: JsonObject,
  allowDuplicates: boolean,
  failure: string,
  failedTo = "",
): TypedObject {
  const fail = (why: string): ApplyError =>
    new ApplyError(`${failure} (${objectText(value)})${failedTo}: ${why}`);
  const type = kind.typeIn(kind.apiVersion);
  if (type === undefined) throw fail(`no corresponding type for ${kindText(value)}`);
  try {
    validateTyped(type, value, { allowDuplicates });
  } catch (error) {
    if (error instanceof TypedErrors) throw fail(error.message);
    throw error;
  }
  return { value, apiVersion: kind.apiVersion, type };
}

function updaterOptions(kind: ManagedKind): UpdaterOptions {
  return {
    convert(object, apiVersion) {
      if (object.apiVersion === apiVersion) return object;
      const type = kind.typeIn(apiVersion);
      return type && { value: kind.convert(object.value, apiVersion), apiVersion, type };
    },
    withoutReset(set, apiVersion) {
      const reset = kind.resetFields(apiVersion);
      return reset === undefined ? set : set.recursiveDifference(reset);
    },
  };
}

import { readCompactManaged, sameButTime } from "#machinery/apply/compact.ts";
import type { ManagedFieldsEntry } from "#machinery/apply/managed.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { clusterAnnotation } from "#machinery/schema/canonical.ts";
import type { Change, Revision } from "#storage/port.ts";
import { type ObjectLocation, parseObjectKey } from "./keys.ts";
import type { Resource } from "./resource.ts";

/** The annotation that names an object's workspace; it comes from the key on read and is never stored. */
export { clusterAnnotation };

/**
 * An object as it lies in the store: canonical bytes, with what the key and the revision say kept beside them.
 * `value` is the holder's own copy, or a view while a visit is going on (then it must not be kept).
 */
export class StoredObject {
  readonly resource: Resource;
  readonly location: ObjectLocation;
  readonly revision: Revision;
  readonly value: Buffer;
  /** Encoded forms by name, filled by encoders, so that all watchers of one event share one encoding. */
  encoded: Map<string, Buffer> | undefined;
  #object: KubeObject | undefined;

  constructor(resource: Resource, location: ObjectLocation, revision: Revision, value: Buffer) {
    this.resource = resource;
    this.location = location;
    this.revision = revision;
    this.value = value;
  }

  /** The whole object in its storage version, as clients see it. Parsed on first use; treat as frozen. */
  get object(): KubeObject {
    this.#object ??= decodeStored(this);
    return this.#object;
  }
}

/** The stored text of managed fields (`machinery/apply/compact.ts`) becomes entries again, in place. */
export function readStoredManaged(metadata: KubeObject["metadata"], apiVersion: string): void {
  const text: unknown = metadata.managedFields;
  if (typeof text === "string")
    metadata.managedFields = readCompactManaged(text, apiVersion) as unknown as JsonValue[];
}

/** Whether the managed fields of two objects differ, and in nothing but times. */
export function differInManagedTimes(a: KubeObject, b: KubeObject): boolean {
  const before = (a.metadata.managedFields ?? []) as ManagedFieldsEntry[];
  const after = (b.metadata.managedFields ?? []) as ManagedFieldsEntry[];
  if (before.length !== after.length) return false;
  let differ = false;
  for (let i = 0; i < before.length; i++) {
    if (!sameButTime(before[i]!, after[i]!)) return false;
    if (before[i]!.time !== after[i]!.time) differ = true;
  }
  return differ;
}

/** A fresh, changeable copy of the object. */
export function decodeStored(stored: StoredObject): KubeObject {
  const object = readOwnJson(stored.value) as JsonObject as KubeObject;
  const { name, namespace, cluster } = stored.location;
  const { annotations, ...rest } = object.metadata;
  readStoredManaged(rest, object.apiVersion);
  object.metadata = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    ...rest,
    ...(stored.revision === 0 ? {} : { resourceVersion: String(stored.revision) }),
    annotations: { ...annotations, [clusterAnnotation]: cluster },
  };
  return object;
}

/** The object before and after a change. Shared by all watchers of the change. */
export interface ChangeView {
  readonly location: ObjectLocation;
  /** Undefined when the object was deleted. */
  readonly current: StoredObject | undefined;
  /** With the *new* revision, as DELETED events show it; undefined when it was created. */
  readonly previous: StoredObject | undefined;
}

/** Remembers the view of a change for as long as the change itself is held by someone. */
export class ChangeViews {
  readonly #views = new WeakMap<Change, ChangeView>();

  of(resource: Resource, change: Change): ChangeView {
    let view = this.#views.get(change);
    if (view === undefined) {
      const location = parseObjectKey(resource.collection, resource.namespaced, change.key);
      const stored = (value: Buffer): StoredObject =>
        new StoredObject(resource, location, change.revision, value);
      view = {
        location,
        current: change.value === undefined ? undefined : stored(change.value),
        previous: change.previous === undefined ? undefined : stored(change.previous.value),
      };
      this.#views.set(change, view);
    }
    return view;
  }
}

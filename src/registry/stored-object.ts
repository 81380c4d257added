import { bufferOf } from "#base/buffer-of.ts";
import { readCompactManaged } from "#machinery/apply/compact.ts";
import type { ManagedFieldsEntry } from "#machinery/apply/managed.ts";
import { sameButTime } from "#machinery/apply/managed-entry.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import { findOwnJson } from "#machinery/json/skim.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { clusterAnnotation } from "#machinery/schema/canonical.ts";
import type { Change, Revision } from "#storage/port.ts";
import { type ObjectLocation, parseObjectKey } from "./keys.ts";
import type { Resource, StoredForm } from "./resource.ts";

/** The annotation that names an object's workspace; it comes from the key on read and is never stored. */
export { clusterAnnotation };

type Labels = Readonly<Record<string, string>>;

/** A {@link StoredObject} without its resource, as plain data. */
export interface PlainObject {
  readonly location: ObjectLocation;
  readonly revision: Revision;
  readonly writtenAt: Revision;
  readonly value: Uint8Array;
  readonly shown: Uint8Array | undefined;
}

/** What another thread finds out about an object. */
export interface ReadObject {
  readonly selected: boolean;
  /** JSON of the object as clients see it; absent where that is what is stored, or where it is not selected. */
  readonly shown: Uint8Array | undefined;
}

/**
 * An object as it lies in the store: canonical bytes, with what the key and the revision say kept beside them.
 * `value` is the holder's own copy, or a view while a visit is going on (then it must not be kept).
 */
export class StoredObject {
  readonly resource: Resource;
  readonly location: ObjectLocation;
  readonly revision: Revision;
  readonly value: Buffer;
  /** When `value` was written: before `revision` where that is the one of a deletion. */
  readonly writtenAt: Revision;
  /** Encoded forms by name, filled by encoders, so that all watchers of one event share one encoding. */
  encoded: Map<string, Buffer> | undefined;
  /** The same while another thread makes them. */
  encoding: Map<string, Promise<Buffer>> | undefined;
  /** Whether it is selected, where another thread found out; by the selection's text. */
  verdicts: Map<string, boolean> | undefined;
  /** Settled when another thread has found out. */
  reading: Map<string, Promise<void>> | undefined;
  #object: KubeObject | undefined;
  #metadata: KubeObject["metadata"] | undefined;
  #labels: Labels | undefined;
  #shown: Buffer | undefined;

  constructor(
    resource: Resource,
    location: ObjectLocation,
    revision: Revision,
    value: Buffer,
    writtenAt: Revision = revision,
  ) {
    this.resource = resource;
    this.location = location;
    this.revision = revision;
    this.value = value;
    this.writtenAt = writtenAt;
  }

  /** One whose content is known without decoding; `object` as clients see it, but for what the key and the revision say. */
  static of(
    resource: Resource,
    location: ObjectLocation,
    revision: Revision,
    value: Buffer,
    object: KubeObject,
  ): StoredObject {
    const stored = new StoredObject(resource, location, revision, value);
    if (resource.form !== undefined) stored.#object = withIdentity(object, stored);
    return stored;
  }

  /** From {@link plain}, in another thread. */
  static fromPlain(resource: Resource, plain: PlainObject): StoredObject {
    const { location, revision, writtenAt, value, shown } = plain;
    const stored = new StoredObject(resource, location, revision, bufferOf(value), writtenAt);
    stored.#shown = shown && bufferOf(shown);
    return stored;
  }

  get plain(): PlainObject {
    const { location, revision, writtenAt, value } = this;
    return { location, revision, writtenAt, value, shown: this.#shown };
  }

  /** The same with bytes of its own. */
  copy(): StoredObject {
    const { resource, location, revision, writtenAt } = this;
    const copy = new StoredObject(resource, location, revision, Buffer.from(this.value), writtenAt);
    copy.#object = this.#object;
    copy.verdicts = this.verdicts;
    copy.#shown = this.#shown;
    return copy;
  }

  /** What another thread has found out, so that nothing of the object has to be read here. */
  take(selection: string, { selected, shown }: ReadObject): void {
    this.verdicts ??= new Map();
    this.verdicts.set(selection, selected);
    if (shown !== undefined) this.#shown = bufferOf(shown);
  }

  /** JSON of {@link object}, if another thread has made it. */
  get shown(): Buffer | undefined {
    return this.#shown;
  }

  /** It is for somebody else to convert, and has not been. */
  get mustLoad(): boolean {
    const { form } = this.resource;
    if (form?.asynchronous !== true || this.#object !== undefined || this.#shown !== undefined) return false;
    return !form.shownAsStored(this);
  }

  /**
   * The whole object in the resource's version, as clients see it. Made on first use; treat as frozen. Of kinds that are
   * converted by somebody else, {@link load} comes first.
   */
  get object(): KubeObject {
    if (this.#object === undefined && this.#shown !== undefined)
      this.#object = readOwnJson(this.#shown) as JsonObject as KubeObject;
    if (this.#object === undefined) {
      const decoded = this.resource.form?.decode([this]);
      if (decoded instanceof Promise) throw new Error("stored object: not loaded");
      this.#object = decoded === undefined ? decodeStored(this) : decoded[0]!;
    }
    return this.#object;
  }

  /** Makes {@link object} and the encoders ready; undefined when they are. */
  load(): Promise<void> | undefined {
    return this.mustLoad ? StoredObject.loadAll(this.resource.form!, [this]) : undefined;
  }

  /** The same for many objects of one form, with one question to whoever converts them. */
  static async loadAll(form: StoredForm, all: readonly StoredObject[]): Promise<void> {
    const missing = all.filter((stored) => stored.mustLoad);
    if (missing.length === 0) return;
    const decoded = await form.decode(missing);
    for (const [index, stored] of missing.entries()) stored.#object = decoded[index]!;
  }

  /** As {@link object} has them, without reading the rest of it where nobody else converts it. */
  get labels(): Labels {
    if (this.#object !== undefined || this.resource.form?.asynchronous === true)
      return this.object.metadata.labels ?? {};
    if (this.#labels === undefined) {
      const bytes = this.labelBytes;
      this.#labels = bytes === undefined ? {} : (readOwnJson(bytes) as Labels);
    }
    return this.#labels;
  }

  /** As they are stored. */
  get labelBytes(): Buffer | undefined {
    return findOwnJson(this.value, ["metadata", "labels"]);
  }

  /** What every kind has, also of an object that is not loaded; labels and annotations as they are stored. Frozen. */
  get metadata(): KubeObject["metadata"] {
    if (this.#object !== undefined) return this.#object.metadata;
    if (this.resource.form === undefined) return this.object.metadata;
    this.#metadata ??= decodeStored(this).metadata;
    return this.#metadata;
  }
}

/** The stored text of managed fields (`machinery/apply/compact.ts`) becomes entries again, in place. */
function readStoredManaged(metadata: KubeObject["metadata"], apiVersion: string): void {
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

/** A fresh, changeable copy of the object, as it is stored. */
export function decodeStored(stored: StoredObject): KubeObject {
  return withIdentity(readOwnJson(stored.value) as JsonObject as KubeObject, stored);
}

/** The object with what its key and revision say. */
export function withIdentity(object: KubeObject, stored: StoredObject): KubeObject {
  const { name, namespace, cluster } = stored.location;
  const { annotations, resourceVersion: _old, ...rest } = object.metadata;
  readStoredManaged(rest, object.apiVersion);
  const metadata: KubeObject["metadata"] = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    ...rest,
    ...(stored.revision === 0 ? {} : { resourceVersion: String(stored.revision) }),
    annotations: { ...annotations, [clusterAnnotation]: cluster },
  };
  return { ...object, metadata };
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
  /** By resource first: each version of a kind that a workspace defines sees its own object. */
  readonly #views = new WeakMap<Resource, WeakMap<Change, ChangeView>>();

  of(resource: Resource, change: Change): ChangeView {
    let views = this.#views.get(resource);
    if (views === undefined) {
      views = new WeakMap();
      this.#views.set(resource, views);
    }
    let view = views.get(change);
    if (view === undefined) {
      const location = parseObjectKey(resource.collection, resource.namespaced, change.key);
      const { revision, value, previous } = change;
      view = {
        location,
        current: value === undefined ? undefined : new StoredObject(resource, location, revision, value),
        previous:
          previous === undefined
            ? undefined
            : new StoredObject(resource, location, revision, previous.value, previous.revision),
      };
      views.set(change, view);
    }
    return view;
  }
}

/**
 * `metadata.managedFields` of every write: binds the pure field manager to resources, their versions and their types, and keeps
 * the field sets that are in use.
 */

import { FieldManager, type ManagedKind, managedFieldsOf } from "#machinery/apply/field-manager.ts";
import {
  type EntryMaker,
  type ManagedFieldsEntry,
  readSet,
  type SetReader,
} from "#machinery/apply/managed.ts";
import { entryOf, setBehind } from "#machinery/apply/managed-entry.ts";
import {
  managedOfScale,
  managedOfScaled,
  type ReplicasPaths,
  scaleApiVersion,
} from "#machinery/apply/scale-fields.ts";
import { ApplyError } from "#machinery/apply/typed-errors.ts";
import type { TypedNode } from "#machinery/apply/typed-node.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { apiVersionOf, type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { FieldSetCache } from "./field-set-cache.ts";
import {
  decodeMerged,
  type ManagedEndpoint,
  type ManagedFieldsOptions,
  ManagedKinds,
} from "./managed-kinds.ts";
import { clusterAnnotation } from "./stored-object.ts";
import { dropDerivedAnnotation, timestamp } from "./system-fields.ts";

/** What a workspace's writes of the server itself are noted as, where Kubernetes has a controller for them. */
export const controllerManager = "kube-controller-manager";
/** The same where kcp has it. */
export const kcpManager = "kcp";

const scaleType: TypeName = "io.k8s.api.autoscaling.v1.Scale";

/** The endpoint of a Scale, and where the object has the replicas. */
export interface ManagedScale extends ManagedEndpoint {
  readonly replicasPath: readonly string[];
}

export class ManagedFields {
  readonly #options: ManagedFieldsOptions;
  readonly #manager: FieldManager;
  readonly #kinds: ManagedKinds;
  readonly #sets = new FieldSetCache();
  readonly #setOf: SetReader = (entry) => setBehind(entry, this.#sets) ?? readSet(entry);
  readonly #makeEntry: EntryMaker = entryOf;

  constructor(options: ManagedFieldsOptions) {
    this.#options = options;
    this.#kinds = new ManagedKinds(options);
    this.#manager = new FieldManager({ setOf: this.#setOf, makeEntry: this.#makeEntry });
  }

  /**
   * The object with the managed fields that it gets by a write that is no apply. Both objects are in the endpoint's version.
   * A promise only where a webhook converts.
   * @param live undefined for a new object
   */
  update(
    endpoint: ManagedEndpoint,
    live: KubeObject | undefined,
    object: KubeObject,
    manager: string,
  ): KubeObject | Promise<KubeObject> {
    const now = this.#now(endpoint);
    const before = live && json(withoutDerived(live));
    const after = json(withoutDerived(object));
    return this.#converting(endpoint, (kind) =>
      withManaged(object, this.#manager.update(kind, before, after, manager, now)),
    );
  }

  /**
   * What an apply makes of an object: decoded, defaulted, with its managed fields.
   * @throws StatusError 400, 409; ApplyError
   */
  apply(
    endpoint: ManagedEndpoint,
    live: KubeObject | undefined,
    patch: JsonObject,
    manager: string,
    force: boolean,
  ): KubeObject | Promise<KubeObject> {
    const now = this.#now(endpoint);
    const before = live && json(withoutDerived(live));
    const wanted = isJsonObject(patch.metadata) ? json(withoutDerived(kube(patch))) : patch;
    return this.#converting(endpoint, (kind) =>
      toldManaged(kube(this.#manager.apply(kind, before, wanted, manager, force, now))),
    );
  }

  /**
   * The algorithms are synchronous, and conversion by a webhook is not: a run ends where a converted object is missing, and
   * begins anew when it is there.
   */
  #converting<T>(endpoint: ManagedEndpoint, run: (kind: ManagedKind) => T): T | Promise<T> {
    const kind = this.#kinds.of(endpoint);
    const { form } = endpoint.resource;
    if (form?.asynchronous !== true) return run(kind);
    const converted = new Map<string, JsonObject>();
    const convert = (object: JsonObject, to: string): JsonObject => {
      const key = `${to} ${writeJson(object)}`;
      const known = converted.get(key);
      if (known !== undefined) return known;
      throw new Missing(key, object, to);
    };
    const settle = async (): Promise<T> => {
      for (let tries = 0; tries < maxConversions; tries++) {
        try {
          return run(kind.converting(convert));
        } catch (error) {
          if (!(error instanceof Missing)) throw error;
          const answer = await form.convert(kube(error.object), parseApiVersion(error.to)!.version);
          converted.set(error.key, json(answer));
        }
      }
      throw new ApplyError("managed fields are in too many versions");
    };
    return settle();
  }

  /** {@link update} through a Scale: `shown` and `scale` are the Scale before and after; answers the object's managed fields. */
  updateScale(
    endpoint: ManagedScale,
    object: KubeObject,
    shown: KubeObject,
    scale: KubeObject,
    manager: string,
  ): JsonValue[] | undefined {
    const live = this.#scaleWithManaged(endpoint, object, shown);
    const entries = this.#manager.update(
      scaleKind(this),
      json(live),
      json(scale),
      manager,
      this.#now(endpoint),
    );
    return this.#parentEntries(endpoint, object, entries);
  }

  /** {@link apply} to a Scale: answers the new Scale and the object's managed fields. */
  applyScale(
    endpoint: ManagedScale,
    object: KubeObject,
    shown: KubeObject,
    patch: JsonObject,
    manager: string,
    force: boolean,
  ): { readonly scale: KubeObject; readonly managedFields: JsonValue[] | undefined } {
    const live = this.#scaleWithManaged(endpoint, object, shown);
    const applied = this.#manager.apply(
      scaleKind(this),
      json(live),
      patch,
      manager,
      force,
      this.#now(endpoint),
    );
    const managedFields = this.#parentEntries(endpoint, object, managedFieldsOf(applied));
    return { scale: kube(applied), managedFields };
  }

  /** The type of what an endpoint shows in its version, for merges that nobody owns. */
  typeOf(endpoint: ManagedEndpoint, isScale: boolean): TypedNode | undefined {
    if (isScale) return this.#kinds.schemas.named(scaleType);
    return this.#kinds.of(endpoint).typeIn(apiVersionOf(endpoint.resource.group, endpoint.version));
  }

  #scaleWithManaged(endpoint: ManagedScale, object: KubeObject, shown: KubeObject): KubeObject {
    const entries = managedOfScale(managedFieldsOf(json(object)), replicasPaths(endpoint), this.#reading);
    return withManaged(shown, entries);
  }

  #parentEntries(
    endpoint: ManagedScale,
    object: KubeObject,
    entries: readonly unknown[] | undefined,
  ): JsonValue[] | undefined {
    return managedOfScaled(
      managedFieldsOf(json(object)),
      entries as readonly JsonValue[] | undefined,
      replicasPaths(endpoint),
      apiVersionOf(endpoint.resource.group, endpoint.version),
      this.#reading,
    ) as JsonValue[] | undefined;
  }

  get #reading() {
    return { setOf: this.#setOf, makeEntry: this.#makeEntry };
  }

  #now({ nowMs }: ManagedEndpoint): string {
    return timestamp(nowMs ?? this.#options.clock.now());
  }

  /** The kind of all Scales. */
  get scaleKind(): ManagedKind {
    const compiled = this.#options.compiler.compile(scaleType);
    const type = this.#kinds.schemas.named(scaleType);
    return {
      apiVersion: scaleApiVersion,
      kind: "Scale",
      subresource: "scale",
      typeIn: (apiVersion) => (apiVersion === scaleApiVersion ? type : undefined),
      convert: (object) => object,
      resetFields: () => undefined,
      emptyObject: () => compiled.decode({ apiVersion: scaleApiVersion, kind: "Scale", metadata: {} }).value,
      complete: (merged) => decodeMerged(compiled, merged),
    };
  }
}

/** A converted object that is not there yet. */
class Missing extends Error {
  override readonly name = "Missing";
  readonly key: string;
  readonly object: JsonObject;
  readonly to: string;

  constructor(key: string, object: JsonObject, to: string) {
    super("not converted yet");
    this.key = key;
    this.object = object;
    this.to = to;
  }
}

/** Objects converted for one write: a handful for each version that anybody wrote in. */
const maxConversions = 64;

const scaleKind = (fields: ManagedFields): ManagedKind => fields.scaleKind;

function replicasPaths({ resource, replicasPath }: ManagedScale): ReplicasPaths {
  const path = replicasPath.map((name) => `f:${name}`);
  return new Map(resource.info.versions.map(({ version }) => [apiVersionOf(resource.group, version), path]));
}

/** An empty list says that there are none, where no list would say that they stay. */
function withManaged(object: KubeObject, entries: readonly ManagedFieldsEntry[] | undefined): KubeObject {
  return {
    ...object,
    metadata: { ...object.metadata, managedFields: (entries ?? []) as unknown as JsonValue[] },
  };
}

/** The annotation that is told from the key belongs to nobody, and the first annotation of a client is the first one. */
function withoutDerived(object: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  if (!isJsonObject(annotations) || !Object.hasOwn(annotations, clusterAnnotation)) return object;
  const bare = { ...object, metadata: { ...object.metadata } };
  dropDerivedAnnotation(bare);
  return bare;
}

const toldManaged = (object: KubeObject): KubeObject =>
  object.metadata.managedFields === undefined ? withManaged(object, undefined) : object;

const json = (object: KubeObject): JsonObject => object as unknown as JsonObject;
const kube = (object: JsonObject): KubeObject => object as unknown as KubeObject;

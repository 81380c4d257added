import type { ResourceInfo } from "#api/resource.ts";
import type { Clock } from "#base/clock.ts";
import { Lru } from "#base/lru.ts";
import type { GroupResource, GroupVersionKind } from "#machinery/meta/object.ts";
import type { Comparison, Key, Store } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { type CreateRequest, createObject } from "./create.ts";
import { type DeleteRequest, type DeleteResult, deleteObject } from "./delete.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { partitionOf } from "./keys.ts";
import type { ManagedFields } from "./managed-fields.ts";
import { type GetRequest, getObject, type ScanRequest, scanCollection } from "./read.ts";
import { makeResource, type Resource } from "./resource.ts";
import { ChangeViews, type StoredObject } from "./stored-object.ts";
import type { StrategyCatalogue } from "./strategy.ts";
import { Tenants } from "./tenants.ts";
import { type UpdateRequest, type UpdateResult, updateObject } from "./update.ts";
import { type WatchHandle, type WatchRequest, watchCollection } from "./watch.ts";
import { WriteTurns } from "./write-turns.ts";

/**
 * Kinds that workspaces define themselves. Answers are views of the store, as of its local copy's newest revision. Without a
 * version the resource is seen in its storage version.
 */
export interface CustomResources {
  /** The resource as the workspace defines and serves it now; undefined when it does not. */
  find(cluster: ClusterName, of: GroupResource, version?: string): Resource | undefined;
  /** The resource whose objects have that kind, in a served version. */
  ofKind(cluster: ClusterName, kind: GroupVersionKind): Resource | undefined;
  /** All that the workspace defines, served or not. */
  list(cluster: ClusterName): readonly Resource[];
  /** The resource whose keys start with `collection`, for clean-up also after its definition is gone. */
  ofCollection(cluster: ClusterName, collection: string): Resource | undefined;
}

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Unpredictable bytes: names and UIDs are made of them. */
  randomBytes(size: number): Uint8Array;
  readonly resources: readonly ResourceInfo[];
  readonly strategies: StrategyCatalogue;
  readonly custom?: CustomResources;
  /** Keeps track of who writes what; without it nobody does (tests of other things). */
  readonly managedFields?: ManagedFields;
  /** Absent: everything is read in this thread. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** About 250 bytes each; a miss costs one read. */
const cachedNamespaces = 10_000;

/**
 * The generic registry: every REST endpoint and every controller reads and writes objects through it. It knows each
 * resource's key prefix; the workspace, namespace and name come with the request.
 */
export class Registry {
  readonly store: Store;
  readonly clock: Clock;
  readonly tenants: Tenants;
  readonly views = new ChangeViews();
  readonly turns: WriteTurns;
  /** Namespaces that were not terminating at a revision, by key; see `guards.ts`. */
  readonly openNamespaces = new Lru<Key, Comparison>(cachedNamespaces);
  readonly managedFields: ManagedFields | undefined;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly elsewhere: Elsewhere | undefined;
  readonly #byName = new Map<string, Resource>();
  readonly #byCollection = new Map<string, Resource>();
  readonly #custom: CustomResources | undefined;

  constructor(options: RegistryOptions) {
    this.store = options.store;
    this.clock = options.clock;
    this.turns = new WriteTurns(options.clock);
    this.randomBytes = options.randomBytes;
    this.tenants = new Tenants(options.store);
    this.#custom = options.custom;
    this.managedFields = options.managedFields;
    this.elsewhere = options.elsewhere;
    for (const info of options.resources) {
      if (info.virtual) continue;
      const resource = makeResource(info, options.strategies.strategyFor(info));
      this.#byName.set(`${info.group}/${info.resource}`, resource);
      // Of two views of the same objects, the one that they are stored as.
      if (resource.strategy.storedAs === undefined) this.#byCollection.set(resource.collection, resource);
    }
  }

  /** The stored resource of that name; undefined for unknown and for virtual ones. */
  resource({ group, resource }: GroupResource): Resource | undefined {
    return this.#byName.get(`${group}/${resource}`);
  }

  /** The same for callers that know it exists. Throws otherwise. */
  mustResource(of: GroupResource): Resource {
    const resource = this.resource(of);
    if (resource === undefined) throw new Error(`registry: unknown resource ${of.resource}.${of.group}`);
    return resource;
  }

  /**
   * The stored resource of that name in a workspace: a built-in one, or one that the workspace defines, seen in its storage
   * version unless another one is named.
   */
  resourceIn(cluster: ClusterName, of: GroupResource, version?: string): Resource | undefined {
    return this.resource(of) ?? this.#custom?.find(cluster, of, version);
  }

  /** What a workspace defines itself under that kind. */
  customResourceOfKind(cluster: ClusterName, kind: GroupVersionKind): Resource | undefined {
    return this.#custom?.ofKind(cluster, kind);
  }

  /** The resource whose keys start with `collection`, in a workspace. */
  resourceOfCollectionIn(cluster: ClusterName, collection: string): Resource | undefined {
    return this.#byCollection.get(collection) ?? this.#custom?.ofCollection(cluster, collection);
  }

  /** The resource that an object's key is of, in the workspace of the key. */
  resourceOfKey(key: Key): Resource | undefined {
    const partition = partitionOf(key);
    return partition && this.resourceOfCollectionIn(partition.tenant as ClusterName, partition.collection);
  }

  /** What a workspace defines itself. */
  customResources(cluster: ClusterName): readonly Resource[] {
    return this.#custom?.list(cluster) ?? [];
  }

  resources(): Iterable<Resource> {
    return this.#byName.values();
  }

  /** @throws StatusError 404, 504 (revision too new), 410. See {@link GetRequest}. */
  get(request: GetRequest): Promise<StoredObject> {
    return getObject(this, request);
  }

  /** Visits the matching objects of a collection at one revision; see {@link ScanRequest}. */
  scan(request: ScanRequest): ReturnType<typeof scanCollection> {
    return scanCollection(this, request);
  }

  watch(request: WatchRequest): WatchHandle {
    return watchCollection(this, request);
  }

  create(request: CreateRequest): Promise<StoredObject> {
    return createObject(this, request);
  }

  update(request: UpdateRequest): Promise<UpdateResult> {
    return updateObject(this, request);
  }

  delete(request: DeleteRequest): Promise<DeleteResult> {
    return deleteObject(this, request);
  }
}

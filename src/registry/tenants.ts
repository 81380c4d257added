import { Lru } from "#base/lru.ts";
import type { Key, Revision, Store } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { collectionPrefix, objectKey } from "./keys.ts";

export const logicalClusters = { group: "core.kcp.io", resource: "logicalclusters" } as const;
/** The one LogicalCluster object of a workspace. */
export const logicalClusterName = "cluster";
/** Annotation on the LogicalCluster: `<path>:<type name>` of the workspace's type. */
export const workspaceTypeAnnotation = "internal.tenancy.kcp.io/type";
/** Annotation on the LogicalCluster: the canonical path. */
export const pathAnnotation = "kcp.io/path";

/** What the server must know of a workspace on every request; a view of its LogicalCluster at `revision`. */
export interface Tenant {
  readonly cluster: ClusterName;
  readonly key: Key;
  readonly revision: Revision;
  /** `root:universal`, `root:kubernetes`, ... */
  readonly type: string;
  readonly path: string;
  /** Scheduling, Initializing, Ready, ... */
  readonly phase: string;
  readonly deleting: boolean;
}

/** Bounds memory: about 300 bytes each. A miss costs one read and one small parse. */
const cachedTenants = 10_000;

/** Looks workspaces up by cluster name. Cached entries are checked against the store's revision on every use. */
export class Tenants {
  readonly #store: Store;
  readonly #cache = new Lru<ClusterName, Tenant>(cachedTenants);
  readonly #collection = collectionPrefix(logicalClusters);

  constructor(store: Store) {
    this.#store = store;
  }

  /** The workspace as of the local copy's newest revision; undefined when there is none of that name. */
  get(cluster: ClusterName): Tenant | undefined {
    const cached = this.#cache.get(cluster);
    if (cached !== undefined && this.#store.revisionOf(cached.key) === cached.revision) return cached;
    const key = cached?.key ?? this.keyOf(cluster);
    const entry = this.#store.get(key);
    if (entry === undefined) {
      this.#cache.delete(cluster);
      return undefined;
    }
    const object = JSON.parse(entry.value.toString("utf8")) as {
      metadata: { annotations?: Record<string, string>; deletionTimestamp?: string };
      status?: { phase?: string };
    };
    const annotations = object.metadata.annotations ?? {};
    const tenant: Tenant = {
      cluster,
      key,
      revision: entry.revision,
      type: annotations[workspaceTypeAnnotation] ?? "",
      path: annotations[pathAnnotation] ?? cluster,
      phase: object.status?.phase ?? "",
      deleting: object.metadata.deletionTimestamp !== undefined,
    };
    this.#cache.set(cluster, tenant);
    return tenant;
  }

  keyOf(cluster: ClusterName): Key {
    return objectKey(this.#collection, { cluster, namespace: "", name: logicalClusterName });
  }
}

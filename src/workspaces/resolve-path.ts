import { Lru } from "#base/lru.ts";
import { type ClusterName, isWorkspaceName, parseClusterName } from "#registry/cluster-name.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import type { Key, Revision, Store } from "#storage/port.ts";
import { workspaces } from "./types.ts";

interface Child {
  readonly revision: Revision;
  readonly cluster: ClusterName | undefined;
}

/** About 200 bytes each. */
const cachedChildren = 10_000;

/**
 * Finds the logical cluster of a workspace path (`root:org:team`, `<cluster name>:team`) or name. A single name is taken
 * as it is: whether such a workspace exists is asked when it is entered. Every hop is checked against the store's
 * revision, so a renamed, deleted or new workspace is never seen late.
 */
export class PathResolver {
  readonly #store: Store;
  readonly #children = new Lru<Key, Child>(cachedChildren);
  readonly #collection = collectionPrefix(workspaces);

  constructor(store: Store) {
    this.#store = store;
  }

  /** From the local copy, without waiting. Undefined when some hop is not there; nothing unresolved becomes a key. */
  resolve(path: string): ClusterName | undefined {
    const [first = "", ...names] = path.startsWith("system:") ? [path] : path.split(":");
    let cluster = parseClusterName(first);
    for (const name of names) {
      if (cluster === undefined || !isWorkspaceName(name)) return undefined;
      cluster = this.#child(cluster, name);
    }
    return cluster;
  }

  /**
   * As {@link resolve}, but before it says no it looks again on a fresh copy: another server, or this one, may have answered
   * the workspace's creation a moment ago. Rejects with StoreUnavailableError.
   */
  find(path: string): ClusterName | undefined | Promise<ClusterName | undefined> {
    const found = this.resolve(path);
    // A single name is not looked up here.
    if (found !== undefined || !path.includes(":")) return found;
    const fresh = this.#store.fresh();
    return typeof fresh === "number" ? undefined : fresh.then(() => this.resolve(path));
  }

  #child(parent: ClusterName, name: string): ClusterName | undefined {
    const key = objectKey(this.#collection, { cluster: parent, namespace: "", name });
    const cached = this.#children.get(key);
    const revision = this.#store.revisionOf(key);
    if (revision === 0) return undefined;
    if (cached !== undefined && cached.revision === revision) return cached.cluster;
    const entry = this.#store.get(key);
    if (entry === undefined) return undefined;
    const { spec } = JSON.parse(entry.value.toString("utf8")) as { spec?: { cluster?: string } };
    const child = { revision: entry.revision, cluster: parseClusterName(spec?.cluster ?? "") };
    this.#children.set(key, child);
    return child.cluster;
  }
}

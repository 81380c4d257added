import { Lru } from "#base/lru.ts";
import { foreignError } from "#machinery/errors/errors.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { collectionPrefix, listRange, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { StoredObject } from "#registry/stored-object.ts";
import type { Key, Revision } from "#storage/port.ts";

/** Objects of one kind that a workspace may have for its writes to be possible; each of them is looked at by each write. */
const maxConfigurations = 1_000;
/** Of configurations that one request reads in the thread that serves everybody. */
const maxReadBytes = 128 * 1_024;
/** The same where all that stands in them is compiled when it is read. */
export const maxCompiledBytes = 32 * 1_024;
/** Read objects that are kept, of all workspaces: some 10 KB each. */
const cachedObjects = 1_000;

/**
 * The webhook configurations, policies or bindings of a workspace, as of the newest revision. Nothing is kept for a
 * workspace: read objects are, with the revision that they are of.
 */
export class Configurations<T> {
  readonly #registry: Registry;
  readonly #of: GroupResource;
  readonly #collection: string;
  readonly #read: (object: KubeObject) => T;
  readonly #readBytes: number;
  readonly #cache = new Lru<Key, { readonly revision: Revision; readonly value: T }>(cachedObjects);

  constructor(
    registry: Registry,
    of: GroupResource,
    read: (object: KubeObject) => T,
    readBytes: number = maxReadBytes,
  ) {
    this.#readBytes = readBytes;
    this.#registry = registry;
    this.#of = of;
    this.#collection = collectionPrefix(of);
    this.#read = read;
  }

  /** One look at a counter: what a workspace without any costs. */
  hasAny(cluster: ClusterName): boolean {
    return this.#registry.store.count(this.#collection, cluster) > 0;
  }

  /**
   * In order of their names. @throws StatusError 500 when there are too many; ElsewhereError when too much of them has to be read, which
   * goes on with the next request
   */
  list(cluster: ClusterName): readonly T[] {
    if (!this.hasAny(cluster)) return [];
    const found: T[] = [];
    let tooMany = false;
    const { elsewhere } = this.#registry;
    let bytesLeft = elsewhere === undefined ? Number.POSITIVE_INFINITY : this.#readBytes;
    this.#registry.store.visit(
      listRange(this.#collection, cluster, ""),
      undefined,
      (key, bytes, revision) => {
        tooMany = found.length === maxConfigurations;
        if (tooMany) return false;
        const known = this.#cache.get(key);
        if (known?.revision === revision) {
          found.push(known.value);
          return true;
        }
        bytesLeft -= bytes.length;
        if (bytesLeft < 0) throw new ElsewhereError();
        const resource = this.#registry.mustResource(this.#of);
        const location = parseObjectKey(this.#collection, false, key);
        const value = this.#read(new StoredObject(resource, location, revision, Buffer.from(bytes)).object);
        this.#cache.set(key, { revision, value });
        found.push(value);
        return true;
      },
    );
    if (tooMany) throw foreignError(`the workspace has more than ${maxConfigurations} ${this.#of.resource}`);
    return found;
  }
}

/** Reads and writes of definitions by their controller: without their schemas, which may be a megabyte and are taken over as they are. */

import { definitionParts, withHead } from "#crds/definition-parts.ts";
import { type CustomResourceDefinition, customResourceDefinitions } from "#crds/types.ts";
import { conflict } from "#machinery/errors/errors.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { objectKey, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { isReleased } from "#registry/update.ts";
import type { Entry, Key, Operation } from "#storage/port.ts";

/** Tries against concurrent writers; each lost try means that somebody else's write succeeded. */
const maxAttempts = 256;

export class DefinitionWrites {
  readonly #registry: Registry;
  readonly #resource: Resource;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#resource = registry.mustResource(customResourceDefinitions);
  }

  /** Where definitions are kept. */
  get collection(): string {
    return this.#resource.collection;
  }

  keyOf(cluster: ClusterName, definition: string): Key {
    return objectKey(this.collection, { cluster, namespace: "", name: definition });
  }

  locationOf(key: Key): { readonly cluster: ClusterName; readonly name: string } {
    return parseObjectKey(this.collection, false, key);
  }

  /** The definition without schemas. */
  read(key: Key): CustomResourceDefinition | undefined {
    const entry = this.#registry.store.get(key);
    return entry && this.#headOf(entry);
  }

  /**
   * Changes metadata and status, if the definition is there. Not by the registry's update, which would parse and write all of it.
   * @param make undefined: it stays as it is
   * @throws StatusError 409 after 256 lost tries
   */
  async change(
    cluster: ClusterName,
    definition: string,
    make: (current: CustomResourceDefinition) => CustomResourceDefinition | undefined,
  ): Promise<void> {
    const { store } = this.#registry;
    const key = this.keyOf(cluster, definition);
    await nextTurn();
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const entry = store.get(key);
      const next = entry && make(this.#headOf(entry));
      if (next === undefined) return;
      const operation: Operation = isReleased(this.#resource, next)
        ? { type: "delete", key }
        : { type: "put", key, value: withHead(entry!.value, next) };
      const compare = [{ key, revision: entry!.revision }];
      if ((await store.commit({ compare, operations: [operation] })).ok) return;
      // The copy may be behind the write that was faster.
      await store.fresh();
    }
    throw conflict(this.#resource, definition);
  }

  /** With the name, which is not stored. */
  #headOf({ key, value }: Entry): CustomResourceDefinition {
    const { head } = definitionParts(value);
    return { ...head, metadata: { ...head.metadata, name: this.locationOf(key).name } };
  }
}

/** Others are served before what comes next. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * What happens to definitions after they are written: names that become free are given to those that wait for them
 * (`definition-names.ts`), and a definition that is being deleted goes when its instances have gone (`definition-cleanup.ts`).
 */

import type { NameClaims } from "#crds/names.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { deletingIndex, refusedNamesIndex, refusedNamesTerm } from "#registry/key-space.ts";
import { customResourceOf, partitionOf } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { type Change, prefixRange } from "#storage/port.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";
import { DefinitionCleanup } from "./definition-cleanup.ts";
import { DefinitionNames } from "./definition-names.ts";
import { DefinitionWrites, nextTurn } from "./definition-writes.ts";
import { indexedKeys, ofTerm } from "./indexed-keys.ts";

const name = "customresourcedefinition-controller";
const deletionMark = Buffer.from('"deletionTimestamp":"');

export interface DefinitionControllerOptions {
  readonly registry: Registry;
  /** Names in use by others than the definition. */
  claims(cluster: ClusterName, definition: string): NameClaims;
  /** Whether the definition is there and being deleted. Cheap. */
  isTerminating(cluster: ClusterName, definition: string): boolean;
}

/**
 * Items: `finalize/<cluster>/<definition>`, `names/<cluster>/<definition>`, and `group/<cluster>/<group>` when names of that group
 * may have become free.
 */
export const definitionController = (options: DefinitionControllerOptions): Controller =>
  new DefinitionController(options);

class DefinitionController implements Controller {
  readonly name = name;
  readonly concurrency = 8;
  readonly collections = undefined;
  readonly #registry: Registry;
  readonly #writes: DefinitionWrites;
  readonly #names: DefinitionNames;
  readonly #cleanup: DefinitionCleanup;
  readonly #isTerminating: DefinitionControllerOptions["isTerminating"];

  constructor({ registry, claims, isTerminating }: DefinitionControllerOptions) {
    this.#registry = registry;
    this.#writes = new DefinitionWrites(registry);
    this.#names = new DefinitionNames(registry, this.#writes, claims);
    this.#cleanup = new DefinitionCleanup(registry, this.#writes, controllerRequester(name));
    this.#isTerminating = isTerminating;
  }

  observe({ key, value }: Change, collection: string, enqueue: (item: string) => void): void {
    if (collection === this.#writes.collection) {
      const { cluster, name } = this.#writes.locationOf(key);
      if (value?.includes(deletionMark) === true) enqueue(itemName("finalize", cluster, name));
      else if (value !== undefined) enqueue(itemName("names", cluster, name));
      enqueue(itemName("group", cluster, name.slice(name.indexOf(".") + 1)));
    } else if (value === undefined) {
      const of = customResourceOf(collection);
      const cluster = of === undefined ? undefined : (partitionOf(key)?.tenant as ClusterName | undefined);
      if (of === undefined || cluster === undefined) return;
      const definition = `${of.resource}.${of.group}`;
      if (this.#isTerminating(cluster, definition)) enqueue(itemName("finalize", cluster, definition));
    }
  }

  resync(enqueue: (item: string) => void): void {
    const { store } = this.#registry;
    for (const key of indexedKeys(store, ofTerm(deletingIndex + this.#writes.collection))) {
      const { cluster, name } = this.#writes.locationOf(key);
      enqueue(itemName("finalize", cluster, name));
    }
    for (const key of indexedKeys(store, prefixRange(refusedNamesIndex))) {
      const { cluster, name } = this.#writes.locationOf(key);
      enqueue(itemName("names", cluster, name));
    }
  }

  async process(item: string): Promise<void> {
    // Called from within the delivery of changes, where nothing may be written yet; and a definition may be large.
    await nextTurn();
    const [kind, cluster, subject] = itemParts(item) as [string, ClusterName, string];
    if (kind === "finalize") await this.#cleanup.finalize(cluster, subject);
    else if (kind === "names") await this.#names.settle(cluster, subject);
    else {
      for (const key of indexedKeys(this.#registry.store, ofTerm(refusedNamesTerm(cluster, subject))))
        await this.#names.settle(cluster, this.#writes.locationOf(key).name);
    }
  }
}

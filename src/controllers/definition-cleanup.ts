/** A definition that is being deleted goes when its instances have gone (apiextensions-apiserver pkg/controller/finalizer). */

import { conditionIsTrue, type NewCondition, withCondition } from "#crds/conditions.ts";
import { sameContent } from "#crds/same-content.ts";
import { type CustomResourceDefinition, cleanupFinalizer } from "#crds/types.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { customCollectionPrefix } from "#registry/keys.ts";
import { purgeStep } from "#registry/purge.ts";
import type { Registry } from "#registry/registry.ts";
import type { Requester } from "#registry/strategy.ts";
import { timestamp } from "#registry/system-fields.ts";
import type { DefinitionWrites } from "./definition-writes.ts";

export class DefinitionCleanup {
  readonly #registry: Registry;
  readonly #writes: DefinitionWrites;
  readonly #requester: Requester;

  constructor(registry: Registry, writes: DefinitionWrites, requester: Requester) {
    this.#registry = registry;
    this.#writes = writes;
    this.#requester = requester;
  }

  /** Every step can be done again. What finalizers of instances hold is waited for: their deletion brings the item back. */
  async finalize(cluster: ClusterName, definition: string): Promise<void> {
    const stored = this.#writes.read(this.#writes.keyOf(cluster, definition));
    if (stored?.metadata.deletionTimestamp === undefined) return;
    if (stored.metadata.finalizers?.includes(cleanupFinalizer) !== true) return;
    let end: NewCondition = neverEstablished;
    if (conditionIsTrue(stored.status?.conditions, "Established")) {
      await this.#writes.change(cluster, definition, (current) => this.#withTerminating(current, inProgress));
      const { group, names } = stored.spec;
      if (!(await this.#purge(cluster, customCollectionPrefix({ group, resource: names.plural })))) return;
      end = completed;
    }
    await this.#writes.change(cluster, definition, (current) => {
      const { finalizers = [], deletionTimestamp, uid } = current.metadata;
      if (uid !== stored.metadata.uid || deletionTimestamp === undefined) return undefined;
      const kept = finalizers.filter((finalizer) => finalizer !== cleanupFinalizer);
      const ended = this.#withTerminating(current, end) ?? current;
      return { ...ended, metadata: { ...current.metadata, finalizers: kept } };
    });
  }

  /** False: some are held. */
  async #purge(cluster: ClusterName, instances: string): Promise<boolean> {
    for (;;) {
      const left = await purgeStep(this.#registry, {
        cluster,
        namespace: undefined,
        keep: (of) => of.collection !== instances,
        ignoreFinalizers: () => false,
        requester: this.#requester,
      });
      if (!left.more) return left.held.size === 0;
    }
  }

  /** Undefined: it has the condition, or is not being deleted. */
  #withTerminating(
    current: CustomResourceDefinition,
    condition: NewCondition,
  ): CustomResourceDefinition | undefined {
    if (current.metadata.deletionTimestamp === undefined) return undefined;
    const before = current.status?.conditions;
    const conditions = withCondition(before, condition, timestamp(this.#registry.clock.now()));
    if (sameContent(conditions, before)) return undefined;
    return { ...current, status: { ...current.status, conditions } };
  }
}

const terminating = (status: "True" | "False", reason: string, message: string): NewCondition => ({
  type: "Terminating",
  status,
  reason,
  message,
});
const inProgress = terminating(
  "True",
  "InstanceDeletionInProgress",
  "CustomResource deletion is in progress",
);
const completed = terminating("False", "InstanceDeletionCompleted", "removed all instances");
const neverEstablished = terminating("False", "NeverEstablished", "resource was never established");

/** Namespace termination (k8s.io/kubernetes pkg/controller/namespace): content first, then the finalizer. */
import type { KubeObject } from "#machinery/meta/object.ts";
import { groupResourceName } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { namespaces } from "#registry/guards.ts";
import { deletingIndex } from "#registry/key-space.ts";
import { objectKey, parseObjectKey } from "#registry/keys.ts";
import { controllerManager } from "#registry/managed-fields.ts";
import { mustBeReadHere } from "#registry/preparation.ts";
import { type PurgeResult, purgeStep } from "#registry/purge.ts";
import type { Registry } from "#registry/registry.ts";
import { storedMetadata } from "#registry/stored-metadata.ts";
import { timestamp } from "#registry/system-fields.ts";
import { specFinalizers } from "#workspaces/namespace-strategy.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";
import { indexedKeys, ofTerm } from "./indexed-keys.ts";

const name = "namespace-controller";
const deletionMark = Buffer.from('"deletionTimestamp":"');

/**
 * Empties namespaces that are being deleted. What finalizers hold is waited for: the deletion of any object in such a
 * namespace brings the namespace back into the queue.
 */
export function namespaceController(registry: Registry): Controller {
  const resource = registry.mustResource(namespaces);
  const { collection } = resource;
  const requester = controllerRequester(name);

  /** The namespace as it is stored, if it is there and says something of a deletion. */
  const mayTerminate = (cluster: ClusterName, namespace: string): Buffer | undefined => {
    const value = registry.store.get(
      objectKey(collection, { cluster, namespace: "", name: namespace }),
    )?.value;
    return value?.includes(deletionMark) === true ? value : undefined;
  };

  /** The namespace is there and being deleted. */
  const terminating = (cluster: ClusterName, namespace: string): boolean => {
    const value = mayTerminate(cluster, namespace);
    if (value === undefined) return false;
    mustBeReadHere(registry, value);
    return storedMetadata(value)?.deletionTimestamp !== undefined;
  };

  return {
    name,
    concurrency: 8,
    collections: undefined,
    observe(change, changed, enqueue) {
      if (changed === collection) {
        if (change.value?.includes(deletionMark) !== true) return;
        const { cluster, name: namespace } = parseObjectKey(collection, false, change.key);
        enqueue(itemName(cluster, namespace));
      } else if (change.value === undefined) {
        const of = registry.resourceOfKey(change.key);
        if (of?.namespaced !== true) return;
        const { cluster, namespace } = parseObjectKey(changed, true, change.key);
        if (namespace === "") return;
        // A purge deletes many at once; only namespaces that are going away are worth an item.
        if (mayTerminate(cluster, namespace) !== undefined) enqueue(itemName(cluster, namespace));
      }
    },
    resync(enqueue) {
      for (const key of indexedKeys(registry.store, ofTerm(deletingIndex + collection))) {
        const { cluster, name: namespace } = parseObjectKey(collection, false, key);
        enqueue(itemName(cluster, namespace));
      }
    },
    async process(item) {
      const [cluster, namespace] = itemParts(item) as [ClusterName, string];
      for (;;) {
        if (!terminating(cluster, namespace)) return;
        const left = await purgeStep(registry, {
          cluster,
          namespace,
          keep: () => false,
          ignoreFinalizers: () => false,
          requester,
        });
        if (left.more) continue;
        await settle(cluster, namespace, left);
        return;
      }
    },
  };

  /** Empty: let go. Else say in the status what is waited for. */
  async function settle(cluster: ClusterName, namespace: string, left: PurgeResult): Promise<void> {
    const empty = left.held.size === 0;
    const subresource = empty ? "finalize" : "status";
    await registry
      .update({
        resource,
        version: "v1",
        cluster,
        namespace: "",
        name: namespace,
        subresource,
        dryRun: false,
        requester,
        fieldManager: controllerManager,
        transform(current): KubeObject {
          if (current === undefined) throw new Error("namespace vanished");
          if (empty) {
            return {
              ...current,
              spec: { finalizers: specFinalizers(current).filter((finalizer) => finalizer !== "kubernetes") },
            };
          }
          const status = { ...(current.status as { conditions?: Condition[] } | undefined) };
          return {
            ...current,
            status: {
              ...status,
              conditions: conditions(status.conditions ?? [], left, registry.clock.now()),
            },
          };
        },
      })
      .catch((error: unknown) => {
        if ((error as { code?: number }).code !== 404) throw error;
      });
  }
}

interface Condition {
  type: string;
  status: string;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** Texts and reasons: k8s.io/kubernetes pkg/controller/namespace/deletion/status_condition_utils.go. */
function conditions(old: readonly Condition[], left: PurgeResult, nowMs: number): Condition[] {
  const remaining = [...left.held].map(
    ([resource, count]) =>
      `${groupResourceName(resource)}${resource.group === "" ? "." : ""} has ${count} resource instances`,
  );
  const finalizers = [...left.finalizers].map(
    ([finalizer, count]) => `${finalizer} in ${count} resource instances`,
  );
  const wanted: Omit<Condition, "lastTransitionTime">[] = [
    ok("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ok(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    ok(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message: `Some resources are remaining: ${remaining.sort().join(", ")}`,
    },
    finalizers.length === 0
      ? ok(
          "NamespaceFinalizersRemaining",
          "ContentHasNoFinalizers",
          "All content-preserving finalizers finished",
        )
      : {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${finalizers.sort().join(", ")}`,
        },
  ];
  return wanted.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const lastTransitionTime =
      before?.status === condition.status ? before.lastTransitionTime : timestamp(nowMs);
    return { ...condition, lastTransitionTime };
  });
}

const ok = (type: string, reason: string, message: string) => ({ type, status: "False", reason, message });

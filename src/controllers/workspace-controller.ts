/** Deletion of workspaces: children first, then the content, then the LogicalCluster and its Workspace together. */
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { type ClusterName, parseClusterName } from "#registry/cluster-name.ts";
import { deletingIndex } from "#registry/key-space.ts";
import { objectKey, parseObjectKey } from "#registry/keys.ts";
import { kcpManager } from "#registry/managed-fields.ts";
import { mustBeReadHere } from "#registry/preparation.ts";
import { type PurgeResult, purgeStep } from "#registry/purge.ts";
import type { Registry } from "#registry/registry.ts";
import { StoredObject } from "#registry/stored-object.ts";
import {
  logicalClusterDeletionFinalizer,
  logicalClusterFinalizer,
  logicalClusterName,
  logicalClusters,
  workspaceSpec,
  workspaces,
} from "#workspaces/types.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";
import { indexedKeys, ofTerm } from "./indexed-keys.ts";

const name = "workspace-controller";
const deletionMark = Buffer.from('"deletionTimestamp":"');

/**
 * Items are logical clusters (`cluster/<name>`) and Workspaces (`workspace/<parent cluster>/<name>`). Every step can be
 * repeated, so a crash anywhere is made good by doing the item again.
 */
export function workspaceController(registry: Registry): Controller {
  const workspaceResource = registry.mustResource(workspaces);
  const clusterResource = registry.mustResource(logicalClusters);
  const namespaceResource = registry.mustResource({ group: "", resource: "namespaces" });
  const requester = controllerRequester(name);

  const read = (
    resource: typeof workspaceResource,
    cluster: ClusterName,
    objectName: string,
  ): StoredObject | undefined => {
    const location = { cluster, namespace: "", name: objectName };
    const entry = registry.store.get(objectKey(resource.collection, location));
    if (entry === undefined) return undefined;
    mustBeReadHere(registry, entry.value);
    return new StoredObject(resource, location, entry.revision, entry.value);
  };
  const isDeleting = (stored: StoredObject): boolean =>
    stored.object.metadata.deletionTimestamp !== undefined;

  return {
    name,
    concurrency: 64,
    collections: undefined,
    observe(change, collection, enqueue) {
      if (change.value === undefined) {
        // Anything that goes may have been the last that a workspace waited for.
        const resource = registry.resourceOfKey(change.key);
        if (resource === undefined) return;
        if (resource === clusterResource) {
          const owner = change.previous === undefined ? undefined : ownerOf(change.previous.value);
          if (owner !== undefined) enqueue(itemName("workspace", owner.cluster, owner.name));
          return;
        }
        const { cluster } = parseObjectKey(collection, resource.namespaced, change.key);
        if (registry.tenants.get(cluster)?.deleting === true) enqueue(itemName("cluster", cluster));
        return;
      }
      if (!change.value.includes(deletionMark)) return;
      if (collection === workspaceResource.collection) {
        const at = parseObjectKey(collection, false, change.key);
        enqueue(itemName("workspace", at.cluster, at.name));
      } else if (collection === clusterResource.collection) {
        enqueue(itemName("cluster", parseObjectKey(collection, false, change.key).cluster));
      }
    },
    resync(enqueue) {
      for (const key of indexedKeys(registry.store, ofTerm(deletingIndex + workspaceResource.collection))) {
        const at = parseObjectKey(workspaceResource.collection, false, key);
        enqueue(itemName("workspace", at.cluster, at.name));
      }
      for (const key of indexedKeys(registry.store, ofTerm(deletingIndex + clusterResource.collection))) {
        enqueue(itemName("cluster", parseObjectKey(clusterResource.collection, false, key).cluster));
      }
    },
    process(item) {
      const [kind, cluster, workspace = ""] = itemParts(item) as [string, ClusterName, string?];
      return kind === "workspace" ? deleteWorkspace(cluster, workspace) : emptyCluster(cluster);
    },
  };

  /** A Workspace that is being deleted: its LogicalCluster goes the same way. */
  async function deleteWorkspace(parent: ClusterName, workspaceName: string): Promise<void> {
    const stored = read(workspaceResource, parent, workspaceName);
    if (stored === undefined || !isDeleting(stored)) return;
    const cluster = parseClusterName(workspaceSpec(stored.object).cluster ?? "");
    if (cluster !== undefined && registry.tenants.get(cluster) !== undefined) {
      await ignoreMissing(
        registry.delete({
          resource: clusterResource,
          cluster,
          namespace: "",
          name: logicalClusterName,
          preconditions: {},
          dryRun: false,
          internal: true,
          requester,
        }),
      );
      return;
    }
    await removeFinalizer(workspaceResource, parent, workspaceName, logicalClusterFinalizer);
  }

  /** A LogicalCluster that is being deleted: everything in it goes, then itself. */
  async function emptyCluster(cluster: ClusterName): Promise<void> {
    for (;;) {
      const tenant = registry.tenants.get(cluster);
      if (tenant === undefined || !tenant.deleting) return;
      const left: PurgeResult = await purgeStep(registry, {
        cluster,
        namespace: undefined,
        keep: (resource) => resource === clusterResource,
        // Namespaces are held by their content, which goes here too; other finalizers are somebody's and count.
        ignoreFinalizers: ({ resource, object }) =>
          resource === namespaceResource && (object.metadata.finalizers ?? []).length === 0,
        requester,
      });
      if (left.more) continue;
      // Its deletion brings the Workspace that owns it back into the queue.
      if (left.held.size === 0) {
        await removeFinalizer(clusterResource, cluster, logicalClusterName, logicalClusterDeletionFinalizer);
      }
      return;
    }
  }

  async function removeFinalizer(
    resource: typeof workspaceResource,
    cluster: ClusterName,
    objectName: string,
    finalizer: string,
  ): Promise<void> {
    await ignoreMissing(
      registry.update({
        resource,
        version: resource.storage.version,
        cluster,
        namespace: "",
        name: objectName,
        subresource: "",
        dryRun: false,
        requester,
        fieldManager: kcpManager,
        internal: true,
        transform(current): KubeObject {
          if (current === undefined) throw new Error("no object to release");
          const finalizers = (current.metadata.finalizers ?? []).filter((kept) => kept !== finalizer);
          return { ...current, metadata: { ...current.metadata, finalizers } };
        },
      }),
    );
  }
}

/** The Workspace that a stored LogicalCluster belongs to. */
function ownerOf(value: Buffer): { cluster: string; name: string } | undefined {
  const { spec } = JSON.parse(value.toString("utf8")) as {
    spec?: { owner?: { cluster?: string; name?: string } };
  };
  const { cluster = "", name: workspace = "" } = spec?.owner ?? {};
  return cluster === "" || workspace === "" ? undefined : { cluster, name: workspace };
}

/** Somebody else was faster: nothing is left to do. */
async function ignoreMissing(operation: Promise<unknown>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
}

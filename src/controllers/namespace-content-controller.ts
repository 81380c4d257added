/** Puts back what every namespace has: the default ServiceAccount and the root CA's ConfigMap. */
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { namespaces } from "#registry/guards.ts";
import { objectKey, parseObjectKey } from "#registry/keys.ts";
import { controllerManager } from "#registry/managed-fields.ts";
import type { Registry } from "#registry/registry.ts";
import type { Companion } from "#registry/strategy.ts";
import { noRevision } from "#storage/port.ts";
import { namespaceContent, rootCaConfigMapName } from "#workspaces/fresh-workspace.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";

const name = "namespace-content-controller";

export function namespaceContentController(registry: Registry, caPem: () => string): Controller {
  const serviceAccounts = registry.mustResource({ group: "", resource: "serviceaccounts" });
  const configMaps = registry.mustResource({ group: "", resource: "configmaps" });
  const namespaceCollection = registry.mustResource(namespaces).collection;
  const requester = controllerRequester(name);
  return {
    name,
    concurrency: 4,
    collections: [serviceAccounts.collection, configMaps.collection],
    observe(change, collection, enqueue) {
      const ours = collection === serviceAccounts.collection ? "/default" : `/${rootCaConfigMapName}`;
      // Creation is our own doing; what matters is that one was changed or removed.
      if (!change.key.endsWith(ours) || change.previous === undefined) return;
      const { cluster, namespace } = parseObjectKey(collection, true, change.key);
      enqueue(itemName(cluster, namespace));
    },
    // A namespace is born with its content: only changes can take it away, and their log is never skipped while we run.
    resync: () => undefined,
    async process(item) {
      const [cluster, namespace] = itemParts(item) as [ClusterName, string];
      // Most of what goes, goes with its workspace or namespace: nothing is put back there.
      if (registry.tenants.get(cluster)?.deleting !== false) return;
      const namespaceKey = objectKey(namespaceCollection, { cluster, namespace: "", name: namespace });
      if (registry.store.revisionOf(namespaceKey) === noRevision) return;
      for (const wanted of namespaceContent(cluster, namespace, caPem())) await restore(wanted);
    },
  };

  async function restore({ cluster, namespace, object, resource: of }: Companion): Promise<void> {
    const resource = registry.mustResource(of);
    const objectName = object.metadata.name ?? "";
    const key = objectKey(resource.collection, { cluster, namespace, name: objectName });
    const present = registry.store.revisionOf(key) !== noRevision;
    try {
      if (!present) {
        await registry.create({
          resource,
          cluster,
          namespace,
          object,
          dryRun: false,
          requester,
          fieldManager: controllerManager,
        });
      } else if (resource === configMaps) {
        const transform = (current: KubeObject | undefined): KubeObject => ({
          ...(current ?? object),
          data: object.data,
        });
        const version = resource.storage.version;
        const request = {
          resource,
          version,
          cluster,
          namespace,
          name: objectName,
          subresource: "",
          dryRun: false,
        };
        await registry.update({ ...request, requester, fieldManager: controllerManager, transform });
      }
    } catch (error) {
      // The namespace or workspace is going away, or another server put it back.
      if (!(error instanceof StatusError) || ![403, 404, 409].includes(error.code)) throw error;
    }
  }
}

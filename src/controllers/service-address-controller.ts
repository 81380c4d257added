/**
 * Makes the IPAddress of a Service again when somebody has deleted it (k8s.io/kubernetes
 * pkg/registry/core/service/ipallocator/controller/repairip.go): the address would be given out a second time.
 */

import { notFound } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { isSegment, objectKey, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { noRevision } from "#storage/port.ts";
import { services } from "#workspaces/kubernetes-service.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";

const name = "service-address-controller";

/** Items are Services. */
export function serviceAddressController(registry: Registry): Controller {
  const resource = registry.mustResource(services);
  const { collection } = registry.mustResource({ group: "networking.k8s.io", resource: "ipaddresses" });
  const requester = controllerRequester(name);
  const isThere = (cluster: ClusterName, namespace: string, service: string): boolean =>
    registry.store.revisionOf(objectKey(resource.collection, { cluster, namespace, name: service })) !==
    noRevision;
  return {
    name,
    concurrency: 4,
    collections: [collection],
    observe(change, _collection, enqueue) {
      if (change.value !== undefined || change.previous === undefined) return;
      const { cluster } = parseObjectKey(collection, false, change.key);
      const parent = parentOf(change.previous.value);
      if (parent === undefined) return;
      // Nearly always the Service has gone in the same transaction.
      if (isThere(cluster, ...parent)) enqueue(itemName(cluster, ...parent));
    },
    // Only changes can take one away, and a Service takes what it lacks with its next write as well.
    resync: () => undefined,
    async process(item) {
      const [cluster, namespace, service] = itemParts(item) as [ClusterName, string, string];
      // With a workspace all addresses go, whatever still holds a Service.
      if (registry.tenants.get(cluster)?.deleting !== false || !isThere(cluster, namespace, service)) return;
      try {
        await registry.update({
          resource,
          version: resource.storage.version,
          cluster,
          namespace,
          name: service,
          subresource: "",
          dryRun: false,
          requester,
          internal: true,
          // A write that changes nothing takes what the Service lacks.
          transform(current) {
            // PUT would make one.
            if (current === undefined) throw notFound(resource, service);
            return { ...current };
          },
        });
      } catch (error) {
        if (!(error instanceof StatusError) || ![403, 404, 409].includes(error.code)) throw error;
      }
    },
  };
}

/** Namespace and name of the Service that an IPAddress is of. */
function parentOf(value: Buffer): [namespace: string, name: string] | undefined {
  const { spec } = readOwnJson(value) as { spec?: { parentRef?: Record<string, unknown> } };
  const { resource, namespace, name: service } = spec?.parentRef ?? {};
  if (resource !== services.resource || typeof namespace !== "string" || typeof service !== "string")
    return undefined;
  return isSegment(namespace) && isSegment(service) ? [namespace, service] : undefined;
}

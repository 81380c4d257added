/**
 * Puts back what workspaces of type `kubernetes` say about the server: Service, EndpointSlice and Endpoints
 * `default/kubernetes`, and the ServiceCIDR `kubernetes`, of which upstream does not mind changes either.
 */
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { namespaces } from "#registry/guards.ts";
import { type ObjectLocation, objectKey, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { ownServiceCidr, type ServiceRanges, serviceCidrs } from "#registry/services/service-ranges.ts";
import type { Companion } from "#registry/strategy.ts";
import { noRevision } from "#storage/port.ts";
import {
  endpointSlices,
  endpoints,
  kubernetesService,
  kubernetesServiceContent,
  serviceCidrContent,
  services,
} from "#workspaces/kubernetes-service.ts";
import { kubernetesWorkspaceType, typeText } from "#workspaces/types.ts";
import { type Controller, controllerRequester } from "./controller.ts";

const name = "kubernetes-service-controller";
const type = typeText(kubernetesWorkspaceType);
const keyEnd = `/${kubernetesService.namespace}/${kubernetesService.name}`;

const cidrKeyEnd = `/${ownServiceCidr}`;

/** Items are names of logical clusters. */
export function kubernetesServiceController(
  registry: Registry,
  serverUrl: () => string,
  ranges: ServiceRanges,
): Controller {
  const cidrCollection = registry.mustResource(serviceCidrs).collection;
  const namespaceCollection = registry.mustResource(namespaces).collection;
  const requester = controllerRequester(name);
  return {
    name,
    concurrency: 4,
    collections: [services, endpointSlices, endpoints, serviceCidrs].map(
      (of) => registry.mustResource(of).collection,
    ),
    observe(change, collection, enqueue) {
      // Creation is our own doing; what matters is that one was changed or removed.
      if (change.previous === undefined) return;
      if (collection === cidrCollection) {
        if (change.value !== undefined || !change.key.endsWith(cidrKeyEnd)) return;
        enqueue(parseObjectKey(collection, false, change.key).cluster);
      } else if (change.key.endsWith(keyEnd)) enqueue(parseObjectKey(collection, true, change.key).cluster);
    },
    // A workspace is born with them: only changes can take them away, and their log is never skipped while we run.
    resync: () => undefined,
    async process(item) {
      const cluster = item as ClusterName;
      const tenant = registry.tenants.get(cluster);
      // Most of what goes, goes with its workspace or namespace: nothing is put back there.
      if (tenant?.deleting !== false || tenant.type !== type) return;
      const at = { cluster, namespace: "", name: kubernetesService.namespace };
      if (registry.store.revisionOf(objectKey(namespaceCollection, at)) === noRevision) return;
      for (const wanted of kubernetesServiceContent(cluster, serverUrl())) await restore(wanted);
      await restoreCidr(cluster);
    },
  };

  /** One that tells other ranges is from before the server had these, and stays: addresses may have been given out of it. */
  async function restoreCidr(cluster: ClusterName): Promise<void> {
    const resource = registry.mustResource(serviceCidrs);
    const location = { cluster, namespace: "", name: ownServiceCidr };
    if (registry.store.revisionOf(objectKey(resource.collection, location)) !== noRevision) return;
    const { object } = serviceCidrContent(cluster, ranges, registry.clock.now());
    try {
      await registry.create({ resource, cluster, namespace: "", object, dryRun: false, requester });
      await registry.update({
        resource,
        version: resource.storage.version,
        ...location,
        subresource: "status",
        dryRun: false,
        requester,
        transform: (current) => ({ ...(current ?? object), status: object.status }),
      });
    } catch (error) {
      ignoreLosses(error);
    }
  }

  async function restore({ cluster, namespace, object, resource: of }: Companion): Promise<void> {
    const resource = registry.mustResource(of);
    const location = { cluster, namespace, name: kubernetesService.name };
    const present = registry.store.revisionOf(objectKey(resource.collection, location)) !== noRevision;
    try {
      if (!present) {
        await registry.create({ resource, cluster, namespace, object, dryRun: false, requester });
      } else {
        await registry.update({
          resource,
          version: resource.storage.version,
          ...location,
          subresource: "",
          dryRun: false,
          requester,
          transform: (current) => merged(current ?? object, object),
        });
      }
    } catch (error) {
      if (error instanceof StatusError && error.code === 422) return replace(resource, location);
      ignoreLosses(error);
    }
  }

  /** Somebody made one that cannot become what it has to be: its deletion brings us back. */
  async function replace(resource: Resource, location: ObjectLocation): Promise<void> {
    await registry
      .delete({ resource, ...location, preconditions: {}, dryRun: false, requester })
      .catch((error: unknown) => {
        if (!(error instanceof StatusError) || error.code !== 404) throw error;
      });
  }
}

/** The namespace or workspace is going away, or another server put it back. */
function ignoreLosses(error: unknown): void {
  if (!(error instanceof StatusError) || ![403, 404, 409].includes(error.code)) throw error;
}

/** What says how the server is reached is the server's; labels and fields beside it may be anybody's. */
function merged(current: KubeObject, wanted: KubeObject): KubeObject {
  const { metadata, status: _status, spec, ...rest } = wanted;
  return {
    ...current,
    ...rest,
    ...(spec !== undefined && { spec: { ...(current.spec as object), ...(spec as object) } }),
    metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...metadata.labels } },
  };
}

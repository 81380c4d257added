/**
 * Status of ResourceQuotas (k8s.io/kubernetes pkg/controller/resourcequota). Admission adds to the usage in the transaction
 * of each write; this counts anew when a quota is new or changed, and when something is freed.
 */

import type { Evaluator } from "#admission/quota/evaluator.ts";
import { evaluatorFor } from "#admission/quota/evaluators.ts";
import { inScopes, type Quota, quotaOf, resourceQuotas } from "#admission/quota/quota.ts";
import { customResourceDefinitions } from "#crds/types.ts";
import { hasReason, notFound } from "#machinery/errors/errors.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import { quantityOf } from "#machinery/values/quantity.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { collectionPrefix, listRange, objectKey, parseObjectKey, partitionOf } from "#registry/keys.ts";
import { controllerManager } from "#registry/managed-fields.ts";
import { isReadElsewhere, mustBeReadHere } from "#registry/preparation.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { everything } from "#registry/selection.ts";
import { StoredObject } from "#registry/stored-object.ts";
import {
  addLists,
  equalLists,
  maskList,
  negativeNames,
  type ResourceList,
  resourceListJson,
  subtractLists,
  zero,
} from "#registry/strategies/resource-list.ts";
import type { Change, Revision } from "#storage/port.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";

const name = "resourcequota-controller";
/** Kinds whose updates may free something. */
const measured: readonly GroupResource[] = [
  { group: "", resource: "pods" },
  { group: "", resource: "services" },
  { group: "", resource: "persistentvolumeclaims" },
  { group: "resource.k8s.io", resource: "resourceclaims" },
];
const definitions = collectionPrefix(customResourceDefinitions);

/** Counts of one quota in a row that somebody else's overtake. */
const maxAttempts = 16;
/** Names that these kinds use up; all others are counts. */
const countPrefix = "count/";

/** Items are `cluster/namespace/quota`. */
export function resourceQuotaController(registry: Registry): Controller {
  const quotas = registry.mustResource(resourceQuotas);
  const { store } = registry;

  const enqueueNamespace = (cluster: string, namespace: string, enqueue: (item: string) => void): void => {
    store.visit(listRange(quotas.collection, cluster as ClusterName, namespace), undefined, (key) => {
      enqueue(itemName(cluster, namespace, parseObjectKey(quotas.collection, true, key).name));
    });
  };

  /** A kind whose objects went with its definition could not be counted then; now it can. */
  const enqueueCounting = (cluster: string, definition: string, enqueue: (item: string) => void): void => {
    if (store.count(quotas.collection, cluster) === 0) return;
    store.visit(listRange(quotas.collection, cluster as ClusterName, ""), undefined, (key, value) => {
      if (!value.includes(`${countPrefix}${definition}`)) return;
      const { namespace, name: quota } = parseObjectKey(quotas.collection, true, key);
      enqueue(itemName(cluster, namespace, quota));
    });
  };

  const frees = (change: Change, resource: Resource): boolean => {
    if (change.value === undefined) return true;
    if (change.previous === undefined || !measured.some((one) => sameResource(one, resource))) return false;
    const evaluator = evaluatorFor(resource);
    if (evaluator === undefined || evaluator.counts) return false;
    const usage = (value: Buffer): ResourceList =>
      evaluator.usage(readOwnJson(value) as unknown as KubeObject, registry.clock.now());
    return !equalLists(usage(change.value), usage(change.previous.value));
  };

  return {
    name,
    concurrency: 2,
    collections: undefined,
    observe(change, collection, enqueue) {
      const cluster = partitionOf(change.key)?.tenant;
      if (cluster === undefined) return;
      if (collection === quotas.collection) {
        const { value } = change;
        if (value === undefined) return;
        if (!isReadElsewhere(registry, value) && !needsCounting(value)) return;
        const at = parseObjectKey(collection, true, change.key);
        enqueue(itemName(cluster, at.namespace, at.name));
        return;
      }
      if (collection === definitions) {
        enqueueCounting(cluster, parseObjectKey(collection, false, change.key).name, enqueue);
        return;
      }
      if (change.value !== undefined && change.previous === undefined) return;
      if (store.count(quotas.collection, cluster) === 0) return;
      const resource = registry.resourceOfCollectionIn(cluster as ClusterName, collection);
      if (resource?.namespaced !== true || !frees(change, resource)) return;
      enqueueNamespace(cluster, parseObjectKey(collection, true, change.key).namespace, enqueue);
    },
    async process(item) {
      const [cluster = "", namespace = "", quotaName = ""] = itemParts(item);
      const at = { cluster: cluster as ClusterName, namespace, name: quotaName };
      for (let attempt = 0; attempt < maxAttempts; attempt++) if (await countOnce(at)) return;
      throw new Error("the quota is counted too often");
    },
    resync(enqueue) {
      store.visit(listRange(quotas.collection, "*", ""), undefined, (key) => {
        const at = parseObjectKey(quotas.collection, true, key);
        enqueue(itemName(at.cluster, at.namespace, at.name));
      });
    },
  };

  /** False: it was counted by somebody else meanwhile. */
  async function countOnce(at: QuotaPlace): Promise<boolean> {
    // The copy may be behind this controller's own last count.
    await store.fresh();
    const revision = store.current();
    const before = quotaAt(registry, quotas, at, revision);
    if (before === undefined) return true;
    const counted = await countUsage(registry, at.cluster, at.namespace, before, revision);
    let overtaken = false;
    try {
      await registry.update({
        resource: quotas,
        version: "v1",
        ...at,
        subresource: "status",
        transform(current) {
          if (current === undefined) throw notFound(quotas, at.name);
          const changed = withUsage(current, before, counted);
          overtaken = changed === undefined;
          return changed ?? current;
        },
        dryRun: false,
        requester: controllerRequester(name),
        fieldManager: controllerManager,
      });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
    return !overtaken;
  }
}

const sameResource = (a: GroupResource, b: GroupResource): boolean =>
  a.group === b.group && a.resource === b.resource;

/** The status does not yet say what the spec wants. */
function needsCounting(value: Buffer): boolean {
  const quota = quotaOf(readOwnJson(value) as unknown as KubeObject);
  return !quota.counted || !equalLists(quota.wanted, quota.hard);
}

interface QuotaPlace {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
}

function quotaAt(
  registry: Registry,
  resource: Resource,
  at: QuotaPlace,
  revision: Revision,
): Quota | undefined {
  const entry = registry.store.get(objectKey(resource.collection, at), revision);
  if (entry === undefined) return undefined;
  mustBeReadHere(registry, entry.value);
  return quotaOf(new StoredObject(resource, at, entry.revision, entry.value).object);
}

/**
 * The usage was counted at the revision of `before`; what admission charged to the quota since then comes on top, so
 * writes and counting need not wait for each other. Undefined: that is not all that has happened since then.
 */
function withUsage(current: KubeObject, before: Quota, counted: ResourceList): KubeObject | undefined {
  const quota = quotaOf(current);
  const charged = subtractLists(quota.used, before.used);
  const isSame = quota.counted === before.counted && equalLists(quota.hard, before.hard);
  // Admission only ever adds.
  if (!isSame || !equalLists(quota.wanted, before.wanted) || negativeNames(charged).length > 0)
    return undefined;
  const used = new Map([
    ...maskList(quota.used, quota.wanted),
    ...maskList(addLists(counted, maskList(charged, counted)), quota.wanted),
  ]);
  if (quota.counted && equalLists(quota.hard, quota.wanted) && equalLists(quota.used, used)) return current;
  return {
    ...current,
    status: { hard: resourceListJson(quota.wanted), used: resourceListJson(used) },
  };
}

/** What the namespace uses of the quota's resources, at one revision. Names that nothing can use up are left out. */
async function countUsage(
  registry: Registry,
  cluster: ClusterName,
  namespace: string,
  quota: Quota,
  at: Revision,
): Promise<ResourceList> {
  const names = [...quota.wanted.keys()];
  let used: ResourceList = new Map();
  for (const resource of resourcesOf(registry, cluster, names)) {
    const evaluator = evaluatorFor(resource);
    const matching = evaluator?.matchingResources(names) ?? [];
    if (evaluator === undefined || matching.length === 0) continue;
    const own = await resourceUsage(registry, cluster, namespace, quota, resource, evaluator, at);
    const all = addLists(new Map(matching.map((one) => [one, zero])), maskList(own, new Set(matching)));
    used = addLists(used, all);
  }
  return used;
}

/** Kinds that the names may be about: those that are measured, and those that a count names. */
function resourcesOf(registry: Registry, cluster: ClusterName, names: readonly string[]): Set<Resource> {
  const wanted: GroupResource[] = [...measured];
  for (const text of names) {
    const [resource = "", ...group] = (
      text.startsWith(countPrefix) ? text.slice(countPrefix.length) : text
    ).split(".");
    if (text.startsWith(countPrefix) || group.length === 0) wanted.push({ group: group.join("."), resource });
  }
  return new Set(
    wanted
      .map((one) => registry.resourceIn(cluster, one))
      .filter((resource) => resource?.namespaced === true),
  ) as Set<Resource>;
}

async function resourceUsage(
  registry: Registry,
  cluster: ClusterName,
  namespace: string,
  quota: Quota,
  resource: Resource,
  evaluator: Evaluator,
  at: Revision,
): Promise<ResourceList> {
  const nowMs = registry.clock.now();
  // A scope takes in no object of a kind that is only counted.
  if (evaluator.counts && quota.scopes.length > 0) return new Map();
  let used: ResourceList = new Map();
  let count = 0;
  await registry.scan({
    resource,
    cluster,
    namespace,
    selection: everything,
    at,
    visit(stored) {
      if (evaluator.counts) count++;
      else if (inScopes(quota, evaluator, stored.object))
        used = addLists(used, evaluator.usage(stored.object, nowMs));
    },
  });
  if (!evaluator.counts) return used;
  const each = evaluator.usage({ apiVersion: "", kind: "", metadata: {} }, nowMs);
  return new Map([...each.keys()].map((one) => [one, quantityOf(count)]));
}

/**
 * Admission plugin ResourceQuota. The new usage is written in the same transaction as the object it counts, compared with
 * the quota it was computed from, so no race lets usage exceed a limit, on any number of servers. What is freed, the
 * controller counts anew.
 */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { AdmissionAttributes, AdmissionCharges } from "#registry/admission.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { collectionPrefix, listRange, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { StoredObject } from "#registry/stored-object.ts";
import { resourceListJson } from "#registry/strategies/resource-list.ts";
import type { Comparison, Operation } from "#storage/port.ts";
import { checkRequest } from "./check-request.ts";
import { evaluatorFor } from "./evaluators.ts";
import { KeyedLock } from "./keyed-lock.ts";
import { type Quota, quotaOf, resourceQuotas } from "./quota.ts";

/** Quotas of a namespace that are looked at; more than a transaction can compare and write are of no use. */
const maxQuotas = 50;
const collection = collectionPrefix(resourceQuotas);

export interface QuotaPlugin {
  /** @throws StatusError 403 */
  validate(
    attributes: AdmissionAttributes,
  ): AdmissionCharges | undefined | Promise<AdmissionCharges | undefined>;
}

export function quotaPlugin(registry: Registry): QuotaPlugin {
  const { store } = registry;
  // Writes to one namespace would only make each other fail: on one server they take turns.
  const turns = new KeyedLock();
  const counting: QuotaPlugin = {
    validate(attributes) {
      const { cluster, namespace, operation } = attributes;
      if (namespace === "" || (operation !== "CREATE" && operation !== "UPDATE")) return undefined;
      if (store.count(collection, cluster) === 0) return undefined;
      const evaluator = evaluatorFor(attributes.resource);
      if (evaluator === undefined || !evaluator.handles(attributes)) return undefined;
      return (async () => {
        const release = await turns.take(`${cluster}/${namespace}`);
        try {
          const quotas = readQuotas(registry, attributes);
          const changed = checkRequest([...quotas.keys()], attributes, evaluator, registry.clock.now());
          if (changed.size === 0 || attributes.dryRun) {
            release();
            return undefined;
          }
          const compare: Comparison[] = [];
          const operations: Operation[] = [];
          for (const [quota, used] of changed) {
            const stored = quotas.get(quota)!;
            const { key, revision } = stored;
            compare.push({ key, revision });
            const status = { ...(stored.object.object.status as object), used: resourceListJson(used) };
            operations.push({ type: "put", key, value: canonicalBytes({ ...stored.object.object, status }) });
          }
          const again = async (): ReturnType<AdmissionCharges["again"]> => counting.validate(attributes);
          return { compare, operations, again, settled: release };
        } catch (error) {
          release();
          throw error;
        }
      })();
    },
  };
  return {
    validate(attributes) {
      const charges = counting.validate(attributes);
      if (!changesRules(attributes)) return charges;
      // Quotas and limit ranges are rules, and are counted.
      return charges instanceof Promise
        ? charges.then((counted) => together(touchWorkspace(registry, attributes.cluster), counted))
        : touchWorkspace(registry, attributes.cluster);
    },
  };
}

/** Both in one transaction. */
function together(
  a: AdmissionCharges | undefined,
  b: AdmissionCharges | undefined,
): AdmissionCharges | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    compare: [...a.compare, ...b.compare],
    operations: [...a.operations, ...b.operations],
    again: async () => together(await a.again(), await b.again()),
    settled: () => b.settled?.(),
  };
}

/** What decides what other writes may do. */
const rules: ReadonlySet<string> = new Set(
  [
    resourceQuotas,
    { group: "", resource: "limitranges" },
    ...[
      "mutatingwebhookconfigurations",
      "validatingwebhookconfigurations",
      "mutatingadmissionpolicies",
      "mutatingadmissionpolicybindings",
      "validatingadmissionpolicies",
      "validatingadmissionpolicybindings",
    ].map((resource) => ({ group: "admissionregistration.k8s.io", resource })),
  ].map(collectionPrefix),
);

/** A rule that comes, goes or becomes another one. */
function changesRules({ resource, subresource, object, old }: AdmissionAttributes): boolean {
  if (!rules.has(resource.collection) || subresource !== "") return false;
  const content = (of: KubeObject | undefined): JsonValue => {
    if (of === undefined) return null;
    const { metadata: _metadata, status: _status, ...rest } = of;
    return rest as JsonValue;
  };
  return !jsonEqual(content(object), content(old));
}

/**
 * Each write compares its workspace (`registry/guards.ts`). With this, one through a server that does not know the rule yet fails, and
 * finds the rule when it is tried again; else it would pass, or be charged to nothing, perhaps behind the controller's count.
 */
function touchWorkspace(registry: Registry, cluster: ClusterName): AdmissionCharges | undefined {
  const entry = registry.store.get(registry.tenants.keyOf(cluster));
  if (entry === undefined) return undefined;
  const { key, revision, value } = entry;
  return {
    compare: [{ key, revision }],
    operations: [{ type: "put", key, value }],
    again: async () => touchWorkspace(registry, cluster),
  };
}

interface StoredQuota {
  readonly key: Comparison["key"];
  readonly revision: Comparison["revision"];
  readonly object: StoredObject;
}

function readQuotas(
  registry: Registry,
  { cluster, namespace }: AdmissionAttributes,
): Map<Quota, StoredQuota> {
  const resource = registry.mustResource(resourceQuotas);
  const found = new Map<Quota, StoredQuota>();
  const { elsewhere } = registry;
  let bytesLeft = elsewhere?.limits.parsedBytes ?? Number.POSITIVE_INFINITY;
  registry.store.visit(listRange(collection, cluster, namespace), undefined, (key, value, revision) => {
    bytesLeft -= value.length;
    if (bytesLeft < 0) throw new ElsewhereError();
    const location = parseObjectKey(collection, true, key);
    const object = new StoredObject(resource, location, revision, Buffer.from(value));
    found.set(quotaOf(object.object), { key, revision, object });
    return found.size < maxQuotas;
  });
  return found;
}

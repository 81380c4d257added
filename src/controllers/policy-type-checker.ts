/**
 * Tells in the status of ValidatingAdmissionPolicies what their expressions may do wrong
 * (k8s.io/kubernetes pkg/controller/validatingadmissionpolicystatus).
 */
import { knownTypes } from "#admission/policies/known-types.ts";
import { expressionWarnings, needsTypeCheck, withTypeChecking } from "#admission/policies/type-check.ts";
import { hasReason } from "#machinery/errors/errors.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { listRange, parseObjectKey } from "#registry/keys.ts";
import { controllerManager } from "#registry/managed-fields.ts";
import type { Registry } from "#registry/registry.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";

const name = "validatingadmissionpolicy-status-controller";
const policies = { group: "admissionregistration.k8s.io", resource: "validatingadmissionpolicies" } as const;

/** Items are cluster and name. */
export function policyTypeChecker(registry: Registry, types: TypeResolver): Controller {
  const resource = registry.mustResource(policies);
  const { collection } = resource;
  const item = (key: string): string => {
    const at = parseObjectKey(collection, false, key);
    return itemName(at.cluster, at.name);
  };
  return {
    name,
    concurrency: 2,
    collections: [collection],
    observe({ key, value }, _collection, enqueue) {
      if (value !== undefined) enqueue(item(key));
    },
    async process(one) {
      // Called from within the delivery of changes, where nothing may be written yet.
      await Promise.resolve();
      const [cluster = "", policy = ""] = itemParts(one);
      if (registry.tenants.get(cluster as ClusterName)?.deleting !== false) return;
      try {
        await registry.update({
          resource,
          version: resource.storage.version,
          cluster: cluster as ClusterName,
          namespace: "",
          name: policy,
          subresource: "status",
          transform(current) {
            if (!needsTypeCheck(current!)) return current!;
            const known = knownTypes(registry, types, cluster as ClusterName);
            return withTypeChecking(current!, expressionWarnings(known, current!));
          },
          dryRun: false,
          requester: controllerRequester(name),
          fieldManager: controllerManager,
        });
      } catch (error) {
        if (!hasReason(error, "NotFound")) throw error;
      }
    },
    resync(enqueue) {
      registry.store.visit(listRange(collection, "*", ""), undefined, (key) => {
        enqueue(item(key));
      });
    },
  };
}

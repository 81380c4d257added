/** Pods (k8s.io/kubernetes pkg/quota/v1/evaluator/core/pods.go). */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Quantity } from "#machinery/values/quantity.ts";
import { listAt, type Members, textAt, valueAt } from "#registry/strategies/members.ts";
import { hasPodLevelResources, podLimits, podRequests } from "#registry/strategies/pod-resources.ts";
import { addLists, one, type ResourceList, resourceList } from "#registry/strategies/resource-list.ts";
import type { Evaluator, ScopeRequirement } from "./evaluator.ts";

const compute = ["cpu", "memory", "ephemeral-storage"];
const podResources: ReadonlySet<string> = new Set([
  "count/pods",
  "pods",
  ...compute,
  ...compute.map((name) => `requests.${name}`),
  ...compute.map((name) => `limits.${name}`),
]);
/** Quotas on these demand that every container says something about them. */
const demanded: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);
const hugePages = "hugepages-";
const requests = "requests.";

const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
const isExtendedForQuota = (name: string): boolean =>
  name.startsWith(requests) &&
  (!isNative(name) || name.startsWith(`${requests}deviceclass.resource.kubernetes.io/`));

const options = { useStatus: true, overhead: true };

export const podEvaluator: Evaluator = {
  resource: { group: "", resource: "pods" },
  counts: false,
  handles({ operation, subresource, object, old }) {
    if (subresource === "resize") return operation === "UPDATE";
    if (subresource !== "") return false;
    if (operation === "UPDATE") return isTerminating(object) !== isTerminating(old);
    return operation === "CREATE";
  },
  matchingResources: (names) =>
    names.filter(
      (name) =>
        podResources.has(name) ||
        name.startsWith(hugePages) ||
        name.startsWith(requests + hugePages) ||
        isExtendedForQuota(name),
    ),
  matchesScope,
  constraint(required, pod) {
    if (hasPodLevelResources(pod)) return undefined;
    const missing = new Map<string, Set<string>>();
    for (const container of [
      ...listAt(pod, "spec", "containers"),
      ...listAt(pod, "spec", "initContainers"),
    ]) {
      const used = computeUsage(
        resourceList(valueAt(container, "resources", "requests")),
        resourceList(valueAt(container, "resources", "limits")),
      );
      for (const name of required) {
        if (!demanded.has(name) || used.has(name)) continue;
        missing.set(name, (missing.get(name) ?? new Set()).add(textAt(container, "name")));
      }
    }
    if (missing.size === 0) return undefined;
    const texts = [...missing.keys()]
      .sort()
      .map((name) => `${name} for: ${[...missing.get(name)!].sort().join(",")}`);
    return `must specify ${texts.join("; ")}`;
  },
  usage(pod, nowMs) {
    const counted: ResourceList = new Map([["count/pods", one]]);
    if (isOver(pod, nowMs)) return counted;
    return addLists(counted, computeUsage(podRequests(pod, options), podLimits(pod, options)));
  },
};

function computeUsage(requested: ResourceList, limits: ResourceList): ResourceList {
  const used = new Map<string, Quantity>([["pods", one]]);
  for (const name of compute) {
    const request = requested.get(name);
    if (request !== undefined) used.set(name, request).set(requests + name, request);
    const limit = limits.get(name);
    if (limit !== undefined) used.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requested) {
    if (name.startsWith(hugePages)) used.set(name, request).set(requests + name, request);
    else if (isExtended(name)) used.set(requests + name, request);
  }
  return used;
}

/** Extended resources, those of device classes among them. */
const isExtended = (name: string): boolean =>
  name.startsWith("deviceclass.resource.kubernetes.io/") || (!isNative(name) && !name.startsWith(requests));

/** Finished, or being deleted for longer than its grace period: nobody should wait for it. */
function isOver(pod: KubeObject, nowMs: number): boolean {
  const phase = textAt(pod, "status", "phase");
  if (phase === "Failed" || phase === "Succeeded") return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000;
}

const isTerminating = (pod: unknown): boolean => {
  const seconds = valueAt(pod, "spec", "activeDeadlineSeconds");
  return typeof seconds === "number" && seconds >= 0;
};

function matchesScope(requirement: ScopeRequirement, pod: KubeObject): boolean {
  switch (requirement.scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass":
      return matchesClass(requirement, textAt(pod, "spec", "priorityClassName"));
    case "CrossNamespacePodAffinity":
      return usesCrossNamespaceAffinity(pod);
    default:
      return false;
  }
}

/** A named class against a requirement; no name is no class. */
export function matchesClass({ operator, values }: ScopeRequirement, name: string): boolean {
  switch (operator) {
    case "Exists":
      return name !== "";
    case "DoesNotExist":
      return name === "";
    case "In":
      return name !== "" && values.includes(name);
    case "NotIn":
      return name === "" || !values.includes(name);
    default:
      return false;
  }
}

/** No container, and not the pod itself, asks for CPU or memory (qos.GetPodQOS). */
function isBestEffort(pod: KubeObject): boolean {
  const recorded = textAt(pod, "status", "qosClass");
  if (recorded !== "") return recorded === "BestEffort";
  const asks = (of: unknown): boolean =>
    (["requests", "limits"] as const).some((kind) =>
      [...resourceList(valueAt(of, "resources", kind))].some(
        ([name, quantity]) => (name === "cpu" || name === "memory") && quantity.mantissa > 0n,
      ),
    );
  const containers = [...listAt(pod, "spec", "containers"), ...listAt(pod, "spec", "initContainers")];
  return !asks(pod.spec) && !containers.some(asks);
}

function usesCrossNamespaceAffinity(pod: KubeObject): boolean {
  const crosses = (term: Members): boolean =>
    listAt(term, "namespaces").length > 0 || valueAt(term, "namespaceSelector") !== undefined;
  return ["podAffinity", "podAntiAffinity"].some(
    (kind) =>
      listAt(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution").some(crosses) ||
      listAt(pod, "spec", "affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution").some((term) =>
        crosses((valueAt(term, "podAffinityTerm") ?? {}) as Members),
      ),
  );
}

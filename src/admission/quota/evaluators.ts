/** Kinds that use up more than a count (k8s.io/kubernetes pkg/quota/v1/evaluator/core), and the list of all evaluators. */
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import { addQuantities, compareQuantities, type Quantity, quantityOf } from "#machinery/values/quantity.ts";
import { listAt, type Members, textAt, valueAt } from "#registry/strategies/members.ts";
import { one, type ResourceList, resourceList, zero } from "#registry/strategies/resource-list.ts";
import type { Evaluator } from "./evaluator.ts";
import { objectCountEvaluator } from "./object-count.ts";
import { matchesClass, podEvaluator } from "./pods.ts";

const serviceResources = ["count/services", "services", "services.nodeports", "services.loadbalancers"];

const serviceEvaluator: Evaluator = {
  resource: { group: "", resource: "services" },
  counts: false,
  handles: ({ operation, subresource }) =>
    subresource === "" && (operation === "CREATE" || operation === "UPDATE"),
  matchingResources: (names) => names.filter((name) => serviceResources.includes(name)),
  matchesScope: () => false,
  constraint: () => undefined,
  usage(service) {
    const type = textAt(service, "spec", "type");
    const ports = listAt(service, "spec", "ports");
    const balanced = type === "LoadBalancer";
    let nodePorts = type === "NodePort" || balanced ? ports.length : 0;
    // Allocation is told off: only ports that were named count.
    if (balanced && valueAt(service, "spec", "allocateLoadBalancerNodePorts") === false)
      nodePorts = ports.filter((port) => (valueAt(port, "nodePort") ?? 0) !== 0).length;
    return new Map([
      ["count/services", one],
      ["services", one],
      ["services.nodeports", quantityOf(nodePorts)],
      ["services.loadbalancers", balanced ? one : zero],
    ]);
  },
};

const claimResources = ["persistentvolumeclaims", "requests.storage"];
const classSuffix = ".storageclass.storage.k8s.io/";

const claimEvaluator: Evaluator = {
  resource: { group: "", resource: "persistentvolumeclaims" },
  counts: false,
  handles({ operation, subresource }) {
    // A status tells the size that was allocated, and the attributes class that is in force.
    if (subresource !== "" && subresource !== "status") return false;
    return operation === "UPDATE" || (operation === "CREATE" && subresource === "");
  },
  matchingResources: (names) =>
    names.filter(
      (name) =>
        name === "count/persistentvolumeclaims" ||
        claimResources.includes(name) ||
        claimResources.some((resource) => name.endsWith(classSuffix + resource)),
    ),
  matchesScope(requirement, claim) {
    if (requirement.scopeName !== "VolumeAttributesClass") return false;
    const names = [
      textAt(claim, "spec", "volumeAttributesClassName"),
      textAt(claim, "status", "currentVolumeAttributesClassName"),
      textAt(claim, "status", "modifyVolumeStatus", "targetVolumeAttributesClassName"),
    ].filter((name) => name !== "");
    if (names.length === 0) return matchesClass(requirement, "");
    return names.some((name) => matchesClass(requirement, name));
  },
  constraint: () => undefined,
  usage(claim) {
    const used = new Map<string, Quantity>([
      ["persistentvolumeclaims", one],
      ["count/persistentvolumeclaims", one],
    ]);
    const storage = claimedStorage(claim);
    if (storage !== undefined) used.set("requests.storage", storage);
    const storageClass = storageClassOf(claim);
    if (storageClass !== "") {
      used.set(`${storageClass}${classSuffix}persistentvolumeclaims`, one);
      if (storage !== undefined) used.set(`${storageClass}${classSuffix}requests.storage`, storage);
    }
    return used;
  },
};

const storageClassOf = (claim: KubeObject): string =>
  claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ??
  textAt(claim, "spec", "storageClassName");

/** Whole bytes: what is asked for, or was allocated if that is more. */
function claimedStorage(claim: KubeObject): Quantity | undefined {
  const asked = resourceList(valueAt(claim, "spec", "resources", "requests")).get("storage");
  if (asked === undefined) return undefined;
  const allocated = resourceList(valueAt(claim, "status", "allocatedResources")).get("storage");
  const size = allocated !== undefined && compareQuantities(allocated, asked) > 0 ? allocated : asked;
  return roundUp(size);
}

function roundUp(quantity: Quantity): Quantity {
  const { mantissa, scale, format } = quantity;
  if (scale <= 0) return quantity;
  const unit = 10n ** BigInt(scale);
  if (mantissa % unit === 0n) return quantity;
  const whole = mantissa / unit + (mantissa > 0n ? 1n : 0n);
  return { mantissa: whole, scale: 0, format, text: undefined };
}

const devicesSuffix = ".deviceclass.resource.k8s.io/devices";
/** What a claim for "all devices" may get at most (resource/v1 AllocationResultsMaxSize). */
const maxDevices = 32;

const resourceClaimEvaluator: Evaluator = {
  resource: { group: "resource.k8s.io", resource: "resourceclaims" },
  counts: false,
  handles: ({ operation, subresource }) =>
    subresource === "" && (operation === "CREATE" || operation === "UPDATE"),
  matchingResources: (names) =>
    names.filter((name) => name === "count/resourceclaims.resource.k8s.io" || name.endsWith(devicesSuffix)),
  matchesScope: () => false,
  constraint: () => undefined,
  usage(claim) {
    const used = new Map<string, Quantity>([["count/resourceclaims.resource.k8s.io", one]]);
    for (const request of listAt(claim, "spec", "devices", "requests")) {
      const alternatives = listAt(request, "firstAvailable");
      const exactly = valueAt(request, "exactly") as Members | undefined;
      const most = new Map<string, number>();
      for (const one of alternatives.length > 0 ? alternatives : exactly === undefined ? [] : [exactly]) {
        const name = textAt(one, "deviceClassName") + devicesSuffix;
        most.set(name, Math.max(most.get(name) ?? 0, deviceCount(one)));
      }
      for (const [name, count] of most)
        used.set(name, addQuantities(used.get(name) ?? zero, quantityOf(count)));
    }
    return used as ResourceList;
  },
};

const deviceCount = (request: Members): number => {
  const mode = textAt(request, "allocationMode");
  if (mode === "All") return maxDevices;
  return mode === "ExactCount" ? Number(valueAt(request, "count") ?? 0) : 0;
};

const special: readonly Evaluator[] = [
  podEvaluator,
  serviceEvaluator,
  claimEvaluator,
  resourceClaimEvaluator,
];
const byResource = new Map(
  special.map((evaluator) => [`${evaluator.resource.group}/${evaluator.resource.resource}`, evaluator]),
);

/** Stored elsewhere or never, or too many to be counted in the way of every write (pkg/quota/v1/install ignoredResources). */
const ignored: ReadonlySet<string> = new Set(["/events", "events.k8s.io/events"]);

/** How objects of a resource are measured; undefined: they use up no quota. */
export function evaluatorFor(resource: GroupResource): Evaluator | undefined {
  const key = `${resource.group}/${resource.resource}`;
  if (ignored.has(key)) return undefined;
  return byResource.get(key) ?? objectCountEvaluator(resource);
}

/**
 * What a pod asks for in all (k8s.io/component-helpers resource/helpers.go): containers side by side, init containers one
 * after the other, sidecars beside what follows them, pod-level resources instead of the sum, overhead on top.
 */
import { listAt, type Members, membersAt, textAt, valueAt } from "./members.ts";
import { addLists, maxLists, noResources, type ResourceList, resourceList } from "./resource-list.ts";

/** Of requests or limits. */
type Kind = "requests" | "limits";

export interface PodResourcesOptions {
  /** What the status says was allocated and actuated counts too (in-place resize); quotas use it, limit ranges do not. */
  readonly useStatus: boolean;
  /** `spec.overhead` is added. */
  readonly overhead: boolean;
}

const hugePages = "hugepages-";
export const isPodLevelResource = (name: string): boolean =>
  name === "cpu" || name === "memory" || name.startsWith(hugePages);

/** What the containers ask for together, whatever the pod says as a whole (AggregateContainerRequests, -Limits). */
export const containersResources = (pod: unknown, kind: "requests" | "limits"): ResourceList =>
  containersTotal(pod, kind, { useStatus: false, overhead: false });

export const podRequests = (pod: unknown, options: PodResourcesOptions): ResourceList =>
  podResources(pod, "requests", options);
export const podLimits = (pod: unknown, options: PodResourcesOptions): ResourceList =>
  podResources(pod, "limits", options);

/** Something in `spec.resources` stands for the whole pod. */
export function hasPodLevelResources(pod: unknown, kinds: readonly Kind[] = ["requests", "limits"]): boolean {
  return kinds.some((kind) =>
    [...resourceList(valueAt(pod, "spec", "resources", kind)).keys()].some(isPodLevelResource),
  );
}

function podResources(pod: unknown, kind: Kind, options: PodResourcesOptions): ResourceList {
  let total = containersTotal(pod, kind, options);
  if (hasPodLevelResources(pod, kind === "requests" ? ["requests"] : undefined)) {
    const own = resourceList(valueAt(pod, "spec", "resources", kind));
    total = new Map([...total, ...[...own].filter(([name]) => isPodLevelResource(name))]);
  }
  if (!options.overhead) return total;
  const overhead = resourceList(valueAt(pod, "spec", "overhead"));
  if (kind === "requests") return addLists(total, overhead);
  // Overhead raises limits that are there, and makes none.
  const limited = [...overhead].filter(([name]) => (total.get(name)?.mantissa ?? 0n) !== 0n);
  return addLists(total, new Map(limited));
}

function containersTotal(pod: unknown, kind: Kind, options: PodResourcesOptions): ResourceList {
  const statuses = options.useStatus ? containerStatuses(pod) : new Map<string, Members>();
  const infeasible = isResizeInfeasible(pod);
  const of = (container: Members): ResourceList => {
    const spec = resourceList(valueAt(container, "resources", kind));
    const status = statuses.get(textAt(container, "name"));
    if (status === undefined || valueAt(status, "resources") === undefined) return spec;
    const actuated = resourceList(valueAt(status, "resources", kind));
    const allocated = kind === "requests" ? resourceList(status.allocatedResources) : noResources;
    const real = maxLists(actuated, allocated);
    return infeasible ? real : maxLists(spec, real);
  };
  let total = noResources;
  for (const container of listAt(pod, "spec", "containers")) total = addLists(total, of(container));
  let sidecars = noResources;
  let initial = noResources;
  for (const container of listAt(pod, "spec", "initContainers")) {
    if (textAt(container, "restartPolicy") === "Always") {
      const own = of(container);
      total = addLists(total, own);
      sidecars = addLists(sidecars, own);
      initial = maxLists(initial, sidecars);
    } else {
      const own = resourceList(valueAt(container, "resources", kind));
      initial = maxLists(initial, addLists(own, sidecars));
    }
  }
  return maxLists(total, initial);
}

function containerStatuses(pod: unknown): Map<string, Members> {
  const status = membersAt(pod, "status");
  return new Map(
    [...listAt(status, "containerStatuses"), ...listAt(status, "initContainerStatuses")].map((one) => [
      textAt(one, "name"),
      one,
    ]),
  );
}

const isResizeInfeasible = (pod: unknown): boolean =>
  listAt(pod, "status", "conditions").find((one) => textAt(one, "type") === "PodResizePending")?.reason ===
  "Infeasible";

/** Admission plugin LimitRanger (k8s.io/kubernetes plugin/pkg/admission/limitranger): defaults of containers, and limits. */
import { compareBytes } from "#base/bytes.ts";
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { aggregate } from "#machinery/errors/field-error.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { quantityText } from "#machinery/values/quantity.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import { collectionPrefix, listRange } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { listAt, type Members, membersAt, textAt, valueAt } from "#registry/strategies/members.ts";
import { podLimits, podRequests } from "#registry/strategies/pod-resources.ts";
import { noResources, type ResourceList, resourceList } from "#registry/strategies/resource-list.ts";
import { type Constrained, maxProblem, maxRequestProblem, minProblem, ratioProblem } from "./constraints.ts";

const limitRanges = collectionPrefix({ group: "", resource: "limitranges" });
/** Limit ranges of a namespace that are looked at. */
const maxLimitRanges = 100;
const changedAnnotation = "kubernetes.io/limit-ranger";

export interface LimitRanger {
  mutate(attributes: AdmissionAttributes): KubeObject;
  /** @throws StatusError 403 */
  validate(attributes: AdmissionAttributes): void;
}

export function limitRanger(registry: Registry): LimitRanger {
  return {
    mutate(attributes) {
      const object = attributes.object!;
      if (!concerns(attributes) || attributes.resource.resource !== "pods") return object;
      return limitItems(registry, attributes).reduce(withDefaults, object);
    },
    validate(attributes) {
      if (!concerns(attributes)) return;
      const object = attributes.object!;
      const problems = attributes.resource.resource === "pods" ? podProblems : claimProblems;
      for (const items of limitItems(registry, attributes)) {
        const texts = problems(items, object);
        if (texts.length > 0) throw forbiddenResource(attributes.resource, attributes.name, aggregate(texts));
      }
    },
  };
}

/** New pods (their resources cannot be changed later but by resize) and claims, unless they are going away. */
function concerns({ resource, subresource, operation, old }: AdmissionAttributes): boolean {
  if (resource.group !== "" || old?.metadata.deletionTimestamp !== undefined) return false;
  if (resource.resource === "pods")
    return subresource === "resize" ? operation === "UPDATE" : subresource === "" && operation === "CREATE";
  return (
    resource.resource === "persistentvolumeclaims" &&
    subresource === "" &&
    (operation === "CREATE" || operation === "UPDATE")
  );
}

/** `spec.limits` of each LimitRange of the namespace, in order of their names. */
function limitItems(registry: Registry, { cluster, namespace }: AdmissionAttributes): (readonly Members[])[] {
  const { store } = registry;
  if (store.count(limitRanges, cluster) === 0) return [];
  const found: (readonly Members[])[] = [];
  store.visit(listRange(limitRanges, cluster, namespace), undefined, (_key, value) => {
    found.push(listAt(readOwnJson(value), "spec", "limits"));
    return found.length < maxLimitRanges;
  });
  return found;
}

const isEmpty = (list: ResourceList): boolean => list.size === 0;

/** The pod with what its containers do not say; an annotation tells what was added. */
function withDefaults(pod: KubeObject, items: readonly Members[]): KubeObject {
  const own = items.filter((item) => textAt(item, "type") === "Container");
  const merged = (field: string): ResourceList =>
    new Map(own.flatMap((item) => [...resourceList(valueAt(item, field))]));
  const limits = merged("default");
  const requests = merged("defaultRequest");
  if (isEmpty(limits) && isEmpty(requests)) return pod;
  const notes: string[] = [];
  const complete = (container: Members, what: string): Members => {
    const addTo = (kind: "requests" | "limits", defaults: ResourceList): [Members, string[]] => {
      const given = membersAt(container, "resources", kind);
      const missing = [...defaults.keys()].filter((name) => !Object.hasOwn(given, name)).sort(compareBytes);
      const added = Object.fromEntries(missing.map((name) => [name, quantityText(defaults.get(name)!)]));
      return [{ ...given, ...added }, missing];
    };
    const [newLimits, limited] = addTo("limits", limits);
    const [newRequests, requested] = addTo("requests", requests);
    const name = textAt(container, "name");
    if (requested.length > 0) notes.push(`${requested.join(", ")} request for ${what} ${name}`);
    if (limited.length > 0) notes.push(`${limited.join(", ")} limit for ${what} ${name}`);
    if (requested.length === 0 && limited.length === 0) return container;
    const resources = {
      ...membersAt(container, "resources"),
      ...(Object.keys(newLimits).length > 0 ? { limits: newLimits } : {}),
      ...(Object.keys(newRequests).length > 0 ? { requests: newRequests } : {}),
    };
    return { ...container, resources };
  };
  const containers = listAt(pod, "spec", "containers").map((one) => complete(one, "container"));
  const initContainers = listAt(pod, "spec", "initContainers").map((one) => complete(one, "init container"));
  if (notes.length === 0) return pod;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        ...pod.metadata.annotations,
        [changedAnnotation]: `LimitRanger plugin set: ${notes.join("; ")}`,
      },
    },
    spec: {
      ...membersAt(pod, "spec"),
      containers,
      ...(initContainers.length > 0 ? { initContainers } : {}),
    },
  };
}

function podProblems(items: readonly Members[], pod: KubeObject): string[] {
  const containers = [...listAt(pod, "spec", "containers"), ...listAt(pod, "spec", "initContainers")];
  const options = { useStatus: false, overhead: false };
  return items.flatMap((item) => {
    const limitType = textAt(item, "type");
    if (limitType === "Container") {
      return containers.flatMap((container) =>
        problemsOf(item, limitType, {
          requests: resourceList(valueAt(container, "resources", "requests")),
          limits: resourceList(valueAt(container, "resources", "limits")),
        }),
      );
    }
    if (limitType !== "Pod") return [];
    return problemsOf(item, limitType, {
      requests: podRequests(pod, options),
      limits: podLimits(pod, options),
    });
  });
}

function problemsOf(
  item: Members,
  limitType: string,
  has: Pick<Constrained, "requests" | "limits">,
): string[] {
  return [
    ...problemsBy(minProblem, item, "min", limitType, has),
    ...problemsBy(maxProblem, item, "max", limitType, has),
    ...problemsBy(ratioProblem, item, "maxLimitRequestRatio", limitType, has),
  ];
}

function claimProblems(items: readonly Members[], claim: KubeObject): string[] {
  const requests = resourceList(valueAt(claim, "spec", "resources", "requests"));
  const has = { requests, limits: noResources };
  return items
    .filter((item) => textAt(item, "type") === "PersistentVolumeClaim")
    .flatMap((item) => [
      ...problemsBy(minProblem, item, "min", "PersistentVolumeClaim", has),
      ...problemsBy(maxRequestProblem, item, "max", "PersistentVolumeClaim", has),
    ]);
}

/** Go ranges over these maps in no order; here it is that of the names. */
function problemsBy(
  problem: (constrained: Constrained) => string | undefined,
  item: Members,
  field: string,
  limitType: string,
  has: Pick<Constrained, "requests" | "limits">,
): string[] {
  const enforced = resourceList(valueAt(item, field));
  return [...enforced.keys()].sort(compareBytes).flatMap((name) => {
    const text = problem({ limitType, name, enforced: enforced.get(name)!, ...has });
    return text === undefined ? [] : [text];
  });
}

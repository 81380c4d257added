/** Any kind, custom ones included, by the number of its objects (k8s.io/apiserver pkg/quota/v1/generic). */
import type { GroupResource } from "#machinery/meta/object.ts";
import { one, type ResourceList } from "#registry/strategies/resource-list.ts";
import { type Evaluator, objectCountName } from "./evaluator.ts";

/** Names from before there were counts of every kind. */
const aliases: ReadonlySet<string> = new Set([
  "configmaps",
  "resourcequotas",
  "replicationcontrollers",
  "secrets",
]);

export function objectCountEvaluator(resource: GroupResource): Evaluator {
  const names = [objectCountName(resource)];
  if (resource.group === "" && aliases.has(resource.resource)) names.push(resource.resource);
  const usage: ResourceList = new Map(names.map((name) => [name, one]));
  return {
    resource,
    counts: true,
    handles: ({ operation, subresource }) => operation === "CREATE" && subresource === "",
    matchingResources: (given) => given.filter((name) => names.includes(name)),
    matchesScope: () => false,
    constraint: () => undefined,
    usage: () => usage,
  };
}

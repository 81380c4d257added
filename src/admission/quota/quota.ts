/** A ResourceQuota as admission and the controller read it. */
import type { KubeObject } from "#machinery/meta/object.ts";
import { listAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";
import { noResources, type ResourceList, resourceList } from "#registry/strategies/resource-list.ts";
import type { Evaluator, ScopeRequirement } from "./evaluator.ts";

export const resourceQuotas = { group: "", resource: "resourcequotas" } as const;

export interface Quota {
  readonly name: string;
  readonly scopes: readonly ScopeRequirement[];
  /** What the spec wants. */
  readonly wanted: ResourceList;
  /** What is in force: the controller has counted for it. */
  readonly hard: ResourceList;
  readonly used: ResourceList;
  readonly counted: boolean;
}

export function quotaOf(object: KubeObject): Quota {
  const status = valueAt(object, "status", "used");
  return {
    name: object.metadata.name ?? "",
    scopes: [
      ...textsAt(object, "spec", "scopes").map((scopeName) => ({
        scopeName,
        operator: "Exists",
        values: [],
      })),
      ...listAt(object, "spec", "scopeSelector", "matchExpressions").map((one) => ({
        scopeName: textAt(one, "scopeName"),
        operator: textAt(one, "operator"),
        values: textsAt(one, "values"),
      })),
    ],
    wanted: resourceList(valueAt(object, "spec", "hard")),
    hard: resourceList(valueAt(object, "status", "hard")),
    used: status === undefined ? noResources : resourceList(status),
    counted: valueAt(object, "status", "hard") !== undefined && status !== undefined,
  };
}

/** All scopes of the quota take the object in. */
export const inScopes = (quota: Quota, evaluator: Evaluator, object: KubeObject): boolean =>
  quota.scopes.every((requirement) => evaluator.matchesScope(requirement, object));

import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import type { ResourceList } from "#registry/strategies/resource-list.ts";

/** One requirement of a quota's scopes (core/v1 ScopedResourceSelectorRequirement). */
export interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** How objects of a resource use up quotas (k8s.io/apiserver pkg/quota/v1 Evaluator). */
export interface Evaluator {
  readonly resource: GroupResource;
  /** The request may change what is used. */
  handles(attributes: AdmissionAttributes): boolean;
  /** Those of the names that this resource uses up. */
  matchingResources(names: readonly string[]): readonly string[];
  matchesScope(requirement: ScopeRequirement, object: KubeObject): boolean;
  /** Why an object may not come under a quota on these resources; undefined: it may. */
  constraint(required: readonly string[], object: KubeObject): string | undefined;
  /** `nowMs`: what is over by then uses nothing. */
  usage(object: KubeObject, nowMs: number): ResourceList;
  /** Every object uses the same: they need not be read to be counted. */
  readonly counts: boolean;
}

/** `count/deployments.apps`, `count/pods` */
export const objectCountName = ({ group, resource }: GroupResource): string =>
  group === "" ? `count/${resource}` : `count/${resource}.${group}`;

/** Whether a write fits its namespace's quotas (k8s.io/apiserver pkg/admission/plugin/resourcequota CheckRequest). */
import { forbiddenResource } from "#machinery/errors/errors.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import {
  addLists,
  exceededNames,
  growth,
  listText,
  maskList,
  negativeNames,
  type ResourceList,
  withoutZeros,
} from "#registry/strategies/resource-list.ts";
import type { Evaluator } from "./evaluator.ts";
import { inScopes, type Quota } from "./quota.ts";

/**
 * The new usage of those quotas that the write changes.
 * @throws StatusError 403
 */
export function checkRequest(
  quotas: readonly Quota[],
  attributes: AdmissionAttributes,
  evaluator: Evaluator,
  nowMs: number,
): ReadonlyMap<Quota, ResourceList> {
  const object = attributes.object!;
  const refuse = (why: string): Error => forbiddenResource(attributes.resource, attributes.name, why);
  const interesting: Quota[] = [];
  for (const quota of quotas) {
    const names = evaluator.matchingResources([...quota.hard.keys()]);
    const charged = evaluator.matchingResources([...chargedNames(quota)]);
    if (charged.length === 0 || !inScopes(quota, evaluator, object)) continue;
    const problem = evaluator.constraint(names, object);
    if (problem !== undefined) throw refuse(`failed quota: ${quota.name}: ${problem}`);
    if (names.some((name) => !quota.used.has(name)))
      throw refuse(`status unknown for quota: ${quota.name}, resources: ${[...names].sort().join(",")}`);
    interesting.push(quota);
  }
  const usage = evaluator.usage(object, nowMs);
  const negative = negativeNames(usage);
  if (negative.length > 0)
    throw refuse(`quota usage is negative for resource(s): ${negative.sort().join(",")}`);

  const changed = new Map<Quota, ResourceList>();
  for (const quota of interesting) {
    const delta = maskList(usageDelta(attributes, quota, evaluator, usage, nowMs), chargedNames(quota));
    const used = addLists(quota.used, delta);
    // The status tells what is already so; it cannot be refused.
    if (attributes.subresource !== "status") {
      const exceeded = new Set(exceededNames(maskList(used, delta), quota.hard));
      if (exceeded.size > 0) {
        const texts = [delta, quota.used, quota.hard].map((list) => listText(maskList(list, exceeded)));
        throw refuse(
          `exceeded quota: ${quota.name}, requested: ${texts[0]}, used: ${texts[1]}, limited: ${texts[2]}`,
        );
      }
    }
    if (delta.size > 0) changed.set(quota, used);
  }
  return changed;
}

/** What is in force, and what the controller is about to count: it adds what was charged since it began. */
const chargedNames = (quota: Quota): ReadonlySet<string> =>
  new Set([...quota.hard.keys(), ...quota.wanted.keys()]);

/** What the write uses more than before; all of it when the old object was not this quota's. */
function usageDelta(
  attributes: AdmissionAttributes,
  quota: Quota,
  evaluator: Evaluator,
  usage: ResourceList,
  nowMs: number,
): ResourceList {
  const old: KubeObject | undefined = attributes.old;
  const delta =
    old !== undefined && inScopes(quota, evaluator, old) ? growth(usage, evaluator.usage(old, nowMs)) : usage;
  return withoutZeros(delta);
}

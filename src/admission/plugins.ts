/** The admission chain, in the order of upstream's default plugins (k8s.io/kubernetes pkg/kubeapiserver/options/plugins.go). */
import type { Admission } from "#registry/admission.ts";
import type { Registry } from "#registry/registry.ts";
import { limitRanger } from "./limit-ranger/limit-ranger.ts";
import { quotaPlugin } from "./quota/resource-quota.ts";

/** What every server admits by. ResourceQuota is last: nothing may be charged for what another plugin refuses. */
export function builtinAdmission(registry: Registry): Admission {
  const limits = limitRanger(registry);
  const quota = quotaPlugin(registry);
  return {
    mutate: (attributes) => limits.mutate(attributes),
    validate(attributes) {
      limits.validate(attributes);
      return quota.validate(attributes);
    },
  };
}

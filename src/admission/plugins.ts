/** The admission chain, in the order of upstream's default plugins (k8s.io/kubernetes pkg/kubeapiserver/options/plugins.go). */
import type { ResourceInfo } from "#api/resource.ts";
import type { Authorizer } from "#authz/authorizer.ts";
import type { Admission } from "#registry/admission.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Registry } from "#registry/registry.ts";
import { type AdmissionPlugin, admissionChain } from "./chain.ts";
import { limitRanger } from "./limit-ranger/limit-ranger.ts";
import { ownerReferencesPermission } from "./owner-references.ts";
import { mutatingPolicies } from "./policies/mutating.ts";
import { validatingPolicies } from "./policies/validating.ts";
import { quotaPlugin } from "./quota/resource-quota.ts";
import type { WebhookClient } from "./webhook-client.ts";
import { mutatingWebhooks } from "./webhooks/mutating.ts";
import { validatingWebhooks } from "./webhooks/validating.ts";

export interface AdmissionOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly webhooks: WebhookClient;
  /** What a workspace serves without definitions of its own. */
  readonly builtins: (cluster: ClusterName) => readonly ResourceInfo[];
  /** Plugins that are off by default: {@link optionalPlugins}. */
  readonly enabled: readonly string[];
}

/** Plugins that the operator may switch on. */
export const optionalPlugins: readonly string[] = ["OwnerReferencesPermissionEnforcement"];

/** Plugins that are always on. NamespaceLifecycle is part of the registry: its guards hold at commit (registry/guards.ts). */
export const defaultPlugins: readonly string[] = [
  "NamespaceLifecycle",
  "LimitRanger",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionWebhook",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionWebhook",
  "ResourceQuota",
];

export function builtinAdmission(options: AdmissionOptions): Admission {
  const { registry, authorizer, webhooks, builtins, enabled } = options;
  const limits = limitRanger(registry);
  const quota = quotaPlugin(registry);
  const plugins: AdmissionPlugin[] = [
    // The server's own defaults come first, so that webhooks and policies see them.
    {
      name: "LimitRanger",
      mutate(write) {
        if (write.object !== undefined) write.object = limits.mutate(write.attributes);
      },
      validate: (write) => {
        if (write.object !== undefined) limits.validate(write.attributes);
      },
    },
    ...(enabled.includes("OwnerReferencesPermissionEnforcement")
      ? [ownerReferencesPermission(authorizer, builtins)]
      : []),
    mutatingPolicies(registry, authorizer),
    mutatingWebhooks({ registry, client: webhooks, authorizer }),
    validatingPolicies(registry, authorizer),
    validatingWebhooks({ registry, client: webhooks, authorizer }),
  ];
  // Nothing may be charged for what another plugin refuses.
  return admissionChain(registry, plugins, {
    name: "ResourceQuota",
    charge: (write) => quota.validate(write.attributes),
  });
}

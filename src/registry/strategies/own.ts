import type { Strategy } from "#registry/strategy.ts";
import {
  mutatingAdmissionPolicyBindingStrategy,
  mutatingAdmissionPolicyStrategy,
  validatingAdmissionPolicyBindingStrategy,
  validatingAdmissionPolicyStrategy,
} from "./admission-policies.ts";
import { apiServiceStrategy } from "./api-service.ts";
import { certificateSigningRequestStrategy } from "./certificate-signing-request.ts";
import { configMapStrategy, secretStrategy } from "./config-data.ts";
import { configurationKinds } from "./configuration-kinds.ts";
import { coreEventStrategy, eventStrategy } from "./events.ts";
import { leaseStrategy } from "./lease.ts";
import { limitRangeStrategy } from "./limit-range.ts";
import { plainKinds } from "./plain-kinds.ts";
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
} from "./rbac.ts";
import { resourceQuotaStrategy } from "./resource-quota.ts";
import { serviceAccountStrategy } from "./service-account.ts";
import {
  mutatingWebhookConfigurationStrategy,
  validatingWebhookConfigurationStrategy,
} from "./webhook-configurations.ts";

/** What built-in kinds add to the facts of `builtin-facts.ts`, by `<group>/<resource>`. */
export const ownStrategies: readonly (readonly [string, Strategy])[] = [
  ...plainKinds,
  ...configurationKinds,
  ["/configmaps", configMapStrategy],
  ["/secrets", secretStrategy],
  ["/limitranges", limitRangeStrategy],
  ["/resourcequotas", resourceQuotaStrategy],
  ["/serviceaccounts", serviceAccountStrategy],
  ["apiregistration.k8s.io/apiservices", apiServiceStrategy],
  ["admissionregistration.k8s.io/mutatingadmissionpolicies", mutatingAdmissionPolicyStrategy],
  ["admissionregistration.k8s.io/mutatingadmissionpolicybindings", mutatingAdmissionPolicyBindingStrategy],
  ["admissionregistration.k8s.io/mutatingwebhookconfigurations", mutatingWebhookConfigurationStrategy],
  ["admissionregistration.k8s.io/validatingadmissionpolicies", validatingAdmissionPolicyStrategy],
  [
    "admissionregistration.k8s.io/validatingadmissionpolicybindings",
    validatingAdmissionPolicyBindingStrategy,
  ],
  ["admissionregistration.k8s.io/validatingwebhookconfigurations", validatingWebhookConfigurationStrategy],
  ["certificates.k8s.io/certificatesigningrequests", certificateSigningRequestStrategy],
  ["/events", coreEventStrategy],
  ["events.k8s.io/events", eventStrategy],
  ["coordination.k8s.io/leases", leaseStrategy],
  ["rbac.authorization.k8s.io/roles", roleStrategy],
  ["rbac.authorization.k8s.io/clusterroles", clusterRoleStrategy],
  ["rbac.authorization.k8s.io/rolebindings", roleBindingStrategy],
  ["rbac.authorization.k8s.io/clusterrolebindings", clusterRoleBindingStrategy],
];

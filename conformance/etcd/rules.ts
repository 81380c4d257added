import type { Webhook } from "../harness/webhook.ts";

export const admission = "/apis/admissionregistration.k8s.io/v1";

type Rule = {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
};

/** Rules for admission to all that writes widgets of the group `example.com` by one of the operations. */
export const widgetRule = (operation: "*" | "CREATE"): Rule => ({
  apiGroups: ["example.com"],
  apiVersions: ["*"],
  operations: [operation],
  resources: ["widgets"],
});

const configuration = (kind: string, name: string, more: object): object => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind,
  metadata: { name },
  ...more,
});

/** A policy `no`; it holds where it is bound. */
export const policy = (rule: Rule, expression: string, message: string): object =>
  configuration("ValidatingAdmissionPolicy", "no", {
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, message }] },
  });

/** Binds {@link policy}. */
export const policyBinding: object = configuration("ValidatingAdmissionPolicyBinding", "no", {
  spec: { policyName: "no", validationActions: ["Deny"] },
});

/** Has a webhook asked, below its path `/deny`. */
export const webhookConfiguration = ({ url, caBundle }: Webhook, rule: Rule): object =>
  configuration("ValidatingWebhookConfiguration", "no", {
    webhooks: [
      {
        name: "no.example.com",
        clientConfig: { url: `${url}/deny`, caBundle },
        rules: [rule],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  });

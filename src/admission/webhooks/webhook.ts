/** Webhook configurations as admission reads them (k8s.io/apiserver pkg/admission/configuration). */
import type { KubeObject } from "#machinery/meta/object.ts";
import { listAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";
import { MatchConditions } from "../match-conditions.ts";
import { type Match, webhookMatch } from "../matching.ts";
import type { WebhookClientConfig } from "../webhook-target.ts";

export interface Webhook {
  /** Of all webhooks of the workspace, also when two of a configuration have the same name. */
  readonly uid: string;
  readonly configuration: string;
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly match: Match;
  readonly conditions: MatchConditions;
  /** A webhook that cannot be called does not stand in the way. */
  readonly failsOpen: boolean;
  readonly timeoutMs: number;
  readonly sideEffects: string;
  readonly reviewVersions: readonly string[];
  readonly reinvocable: boolean;
}

const defaultTimeoutSeconds = 10;

/** The webhooks of one configuration, in its order. */
export function webhooksOf(configuration: KubeObject): readonly Webhook[] {
  const configurationName = configuration.metadata.name ?? "";
  const seen = new Map<string, number>();
  return listAt(configuration, "webhooks").map((webhook) => {
    const name = textAt(webhook, "name");
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    const failsOpen = textAt(webhook, "failurePolicy") === "Ignore";
    return {
      uid: `${configurationName}/${name}/${count}`,
      configuration: configurationName,
      name,
      clientConfig: (valueAt(webhook, "clientConfig") ?? {}) as WebhookClientConfig,
      match: webhookMatch(webhook),
      conditions: new MatchConditions(listAt(webhook, "matchConditions"), { failsOpen, params: false }),
      failsOpen,
      timeoutMs: Number(valueAt(webhook, "timeoutSeconds") ?? defaultTimeoutSeconds) * 1_000,
      sideEffects: textAt(webhook, "sideEffects"),
      reviewVersions: textsAt(webhook, "admissionReviewVersions"),
      reinvocable: textAt(webhook, "reinvocationPolicy") === "IfNeeded",
    };
  });
}

const group = "admissionregistration.k8s.io";
const exemptKinds: ReadonlySet<string> = new Set([
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
]);

/** What configures admission is not subject to it: a mistake could not be mended otherwise. */
export const isExempt = (kind: { readonly group: string; readonly kind: string }): boolean =>
  kind.group === group && exemptKinds.has(kind.kind);

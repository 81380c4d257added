/** Admission plugin ValidatingAdmissionWebhook: all webhooks that match are asked at the same time. */
import { foreignError, timeout } from "#machinery/errors/errors.ts";
import type { AdmissionPlugin } from "../chain.ts";
import { Configurations } from "../configurations.ts";
import { matchWrite } from "../matching.ts";
import type { Write } from "../write.ts";
import { CallFailure, callWebhook, type WebhookServices } from "./call.ts";
import { isExempt, type Webhook, webhooksOf } from "./webhook.ts";

/** Webhooks of one write that are asked at once. */
const maxParallel = 32;

export function validatingWebhooks(services: WebhookServices): AdmissionPlugin {
  const configurations = new Configurations(
    services.registry,
    { group: "admissionregistration.k8s.io", resource: "validatingwebhookconfigurations" },
    webhooksOf,
  );
  return {
    name: "ValidatingAdmissionWebhook",
    validate(write) {
      const { cluster, kind } = write.attributes;
      if (!configurations.hasAny(cluster) || isExempt(kind)) return;
      return dispatch(services, configurations.list(cluster).flat(), write);
    },
  };
}

interface Invocation {
  readonly webhook: Webhook;
  readonly version: string;
}

async function dispatch(
  services: WebhookServices,
  webhooks: readonly Webhook[],
  write: Write,
): Promise<void> {
  const relevant: Invocation[] = [];
  for (const webhook of webhooks) {
    const matched = matchWrite(write, webhook.match);
    if (matched === undefined) continue;
    const versioned = await write.in(matched.version);
    if (await webhook.conditions.match(write, versioned, services.authorizer))
      relevant.push({ webhook, version: matched.version });
  }
  if (relevant.length === 0) return;
  if (write.attributes.expired()) throw timeout("request did not complete within requested timeout");
  const failures = new Map<number, unknown>();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < relevant.length) {
      const index = next++;
      await ask(services, write, relevant[index]!, index).catch((error: unknown) =>
        failures.set(index, error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxParallel, relevant.length) }, work));
  // One refusal is told; of several the first in order, so that the same write is refused with the same text.
  for (let index = 0; index < relevant.length; index++) if (failures.has(index)) throw failures.get(index);
}

async function ask(
  services: WebhookServices,
  write: Write,
  { webhook, version }: Invocation,
  index: number,
): Promise<void> {
  try {
    await callWebhook(services.client, webhook, write, await write.in(version), false);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    if (!webhook.failsOpen) throw foreignError(error.message);
    const key = `failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`;
    write.attributes.annotate(key, webhook.name);
  }
}

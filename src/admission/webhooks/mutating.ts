/** Admission plugin MutatingAdmissionWebhook: one after the other, by configuration and then in its order. */
import { quote } from "#base/quote.ts";
import { foreignError, timeout } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { parseJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { applyJsonPatch } from "#machinery/patch/json-patch.ts";
import { jsonKind } from "#machinery/patch/json-patch-operations.ts";
import type { AdmissionPlugin, Round } from "../chain.ts";
import { Configurations } from "../configurations.ts";
import { matchWrite } from "../matching.ts";
import { Reinvocation } from "../reinvocation.ts";
import type { VersionedWrite, Write } from "../write.ts";
import { CallFailure, callWebhook, type WebhookServices } from "./call.ts";
import { isExempt, type Webhook, webhooksOf } from "./webhook.ts";

const name = "MutatingAdmissionWebhook";

export function mutatingWebhooks(services: WebhookServices): AdmissionPlugin {
  const configurations = new Configurations(
    services.registry,
    { group: "admissionregistration.k8s.io", resource: "mutatingwebhookconfigurations" },
    webhooksOf,
  );
  return {
    name,
    mutate(write, round) {
      const { cluster, kind } = write.attributes;
      if (!configurations.hasAny(cluster) || isExempt(kind)) return;
      return dispatch(services, configurations.list(cluster).flat(), write, round);
    },
  };
}

async function dispatch(
  services: WebhookServices,
  webhooks: readonly Webhook[],
  write: Write,
  round: Round,
): Promise<void> {
  const reinvocation = round.memory(name, () => new Reinvocation());
  if (round.again) reinvocation.begin(write.object);
  for (const [index, webhook] of webhooks.entries()) {
    const matched = matchWrite(write, webhook.match);
    if (matched === undefined) continue;
    const versioned = await write.in(matched.version);
    if (!(await webhook.conditions.match(write, versioned, services.authorizer))) continue;
    // Nobody is called for the first time in the second pass.
    if (round.again && !reinvocation.isDue(webhook.uid)) continue;
    if (write.attributes.expired()) throw timeout("request did not complete within requested timeout");
    const place = `round_${round.again ? 1 : 0}_index_${index}`;
    let changed = false;
    try {
      changed = await ask(services, webhook, write, versioned, place);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!webhook.failsOpen) throw foreignError(error.message);
      write.attributes.annotate(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook.name);
    }
    if (changed) {
      reinvocation.require();
      round.changed = true;
    }
    if (webhook.reinvocable) reinvocation.add(webhook.uid);
  }
  reinvocation.end(write.object);
}

/** True when the webhook has changed the object. */
async function ask(
  services: WebhookServices,
  webhook: Webhook,
  write: Write,
  versioned: VersionedWrite,
  place: string,
): Promise<boolean> {
  const { configuration, name: webhookName } = webhook;
  const { attributes } = write;
  const note = (prefix: string, more: JsonObject, level: "Metadata" | "Request"): void =>
    attributes.annotate(
      `${prefix}.webhook.admission.k8s.io/${place}`,
      goJson({ configuration, webhook: webhookName, ...more }),
      level,
    );
  let changed = false;
  try {
    const answer = await callWebhook(services.client, webhook, write, versioned, true);
    if (answer.patch === undefined) return false;
    const patch = readPatch(webhookName, answer.patch);
    if (patch.length === 0) return false;
    if (versioned.object === undefined)
      throw foreignError(
        `admission webhook ${quote(webhookName)} attempted to modify the object, which is not supported for this operation`,
      );
    if (answer.patchType !== "JSONPatch")
      throw new CallFailure(webhookName, `unsupported patch type ${quote(answer.patchType)}`);
    const patched = await patchedObject(write, versioned, versioned.object, patch);
    changed = !jsonEqual(json(versioned.object), json(patched));
    if (changed) await write.replace(patched);
    note("patch", { patch, patchType: "JSONPatch" }, "Request");
    return changed;
  } finally {
    note("mutation", { mutated: changed }, "Metadata");
  }
}

const json = (object: KubeObject): JsonValue => object as unknown as JsonValue;

function readPatch(webhook: string, bytes: Buffer): JsonValue[] {
  const why = ((): string | JsonValue[] => {
    try {
      const { value } = parseJson(bytes);
      if (value === null) return [];
      if (Array.isArray(value)) return value;
      return `json: cannot unmarshal ${jsonKind(value)} into Go value of type jsonpatch.Patch`;
    } catch (error) {
      return (error as Error).message;
    }
  })();
  if (typeof why === "string")
    throw new CallFailure(webhook, `received undecodable patch in webhook response: ${why}`);
  return why;
}

/** The object with the patch, read as a body would be: pruned and defaulted. @throws StatusError 500 */
async function patchedObject(
  write: Write,
  { version }: VersionedWrite,
  object: KubeObject,
  patch: JsonValue[],
): Promise<KubeObject> {
  try {
    const patched = applyJsonPatch(json(object), patch);
    if (!isJsonObject(patched))
      throw foreignError(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(patched)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
      );
    if (patched.apiVersion !== object.apiVersion || patched.kind !== object.kind)
      throw foreignError(
        `the patch of a webhook changes the object into ${String(patched.apiVersion)}, Kind=${String(patched.kind)}`,
      );
    return write.attributes.forms.decode(patched, version);
  } catch (error) {
    if (!(error instanceof StatusError) || error.code === 500) throw error;
    throw foreignError(error.status.details?.causes?.[0]?.message ?? error.message);
  }
}

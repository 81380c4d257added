/** One call of one webhook (plugin/webhook/mutating/dispatcher.go, validating/dispatcher.go). */
import type { Authorizer } from "#authz/authorizer.ts";
import { quote } from "#base/quote.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import { type Status, type StatusDetails, StatusError } from "#machinery/errors/status-error.ts";
import { getOwn, isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { Received } from "#registry/journal.ts";
import type { Registry } from "#registry/registry.ts";
import { makeUid } from "#registry/system-fields.ts";
import type { WebhookClient } from "../webhook-client.ts";
import { WebhookCallError } from "../webhook-errors.ts";
import type { VersionedWrite, Write } from "../write.ts";
import {
  admissionReview,
  InvalidReviewError,
  type ReviewAnswer,
  readReview,
  reviewVersion,
  withUid,
} from "./review.ts";
import type { Webhook } from "./webhook.ts";

export interface WebhookServices {
  readonly registry: Registry;
  readonly client: WebhookClient;
  readonly authorizer: Authorizer;
}

/** Bytes of an answer: the largest object as a patch in base64, and what is around it. */
const maxResponseBytes = 4 * 1_024 * 1_024;

/** The webhook could not be asked, or gave no answer: the failure policy decides. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  constructor(webhook: string, why: string) {
    super(`failed calling webhook ${quote(webhook)}: ${why}`);
  }
}

/**
 * Asks a webhook that has been found to match. Its warnings and annotations are passed on.
 * @throws StatusError when it refuses
 * @throws CallFailure
 * @throws ElsewhereError
 */
export async function callWebhook(
  client: WebhookClient,
  webhook: Webhook,
  write: Write,
  versioned: VersionedWrite,
  mutating: boolean,
): Promise<ReviewAnswer> {
  const { attributes, registry } = write;
  const { name } = webhook;
  if (attributes.dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun")
    throw badRequest(`admission webhook ${quote(name)} does not support dry run`);
  const version = reviewVersion(webhook.reviewVersions);
  if (version === undefined)
    throw new CallFailure(
      name,
      "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
    );
  const nameless = writeJson(admissionReview(version, "", write, versioned));
  const asked = attributes.journal.ask(webhook.uid, nameless);
  const uid = asked?.known?.uid ?? makeUid(registry.randomBytes);
  const options = {
    timeoutMs: webhook.timeoutMs,
    maxResponseBytes,
    caller: attributes.cluster,
    known: asked?.known?.received,
    keep: (received: Received) => asked?.keep(uid, received) ?? false,
  };
  let answer: ReviewAnswer;
  try {
    const review = await client.post(webhook.clientConfig, withUid(nameless, uid), options);
    answer = readReview(review, version, uid, mutating);
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    throw new CallFailure(name, `${stageOf(error)}: ${error.message}`);
  }
  for (const [key, value] of answer.auditAnnotations) attributes.annotate(`${name}/${key}`, value);
  for (const warning of answer.warnings) attributes.requester.warn?.(warning);
  if (!answer.allowed) throw denial(name, answer.status ?? {});
  return answer;
}

function stageOf(error: WebhookCallError): string {
  if (error instanceof InvalidReviewError) return "received invalid webhook response";
  return error.unusable ? "could not get REST client" : "failed to call webhook";
}

/** The Status that the webhook gave, made into a refusal (plugin/webhook/errors/statuserror.go). */
function denial(webhook: string, given: JsonObject): StatusError {
  const text = (field: string): string => {
    const value = getOwn(given, field);
    return typeof value === "string" ? value : "";
  };
  const deniedBy = `admission webhook ${quote(webhook)} denied the request`;
  const reason = text("reason");
  const why = text("message") === "" ? reason : text("message");
  const code = Number(getOwn(given, "code") ?? 0);
  const details = getOwn(given, "details");
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: why === "" ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`,
    ...(reason === "" ? {} : { reason }),
    ...(isJsonObject(details) ? { details: details as StatusDetails } : {}),
    // An HTTP status above 599 would be none.
    code: code < 400 ? 400 : Math.min(code, 599),
  };
  return new StatusError(status);
}

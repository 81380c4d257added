/** AdmissionReview: the question to a webhook, and the reading of its answer (plugin/webhook/request/admissionreview.go). */
import { quote } from "#base/quote.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Requester } from "#registry/strategy.ts";
import { WebhookCallError } from "../webhook-errors.ts";
import type { VersionedWrite, Write } from "../write.ts";

const group = "admission.k8s.io";
const versions: readonly string[] = ["v1", "v1beta1"];

/** The version of AdmissionReview to speak: the first that the webhook names and this server knows. */
export const reviewVersion = (accepted: readonly string[]): string | undefined =>
  accepted.find((version) => versions.includes(version));

export function userInfo({ user }: Requester): JsonObject {
  return {
    username: user.name,
    ...(user.uid === "" ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }),
    ...(Object.keys(user.extra).length === 0
      ? {}
      : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, list]) => [key, [...list]])) }),
  };
}

const json = (object: KubeObject | undefined): JsonValue => (object ?? null) as JsonValue;

/** What a request says but for its objects; CEL's `request` is the same. */
export function requestFacts(write: Write, versioned: VersionedWrite): JsonObject {
  const { attributes, namespace } = write;
  const { resource, subresource, kind, version, name, operation, dryRun, options, requester } = attributes;
  const sub = (field: string): JsonObject => (subresource === "" ? {} : { [field]: subresource });
  const named = { group: resource.group, resource: resource.resource };
  return {
    kind: { ...versioned.kind },
    resource: { ...named, version: versioned.version },
    ...sub("subResource"),
    requestKind: { ...kind },
    requestResource: { ...named, version },
    ...sub("requestSubResource"),
    ...(name === "" ? {} : { name }),
    ...(namespace === "" ? {} : { namespace }),
    operation,
    userInfo: userInfo(requester),
    dryRun,
    options,
  };
}

export const admissionReview = (
  version: string,
  uid: string,
  write: Write,
  versioned: VersionedWrite,
): JsonObject => ({
  kind: "AdmissionReview",
  apiVersion: `${group}/${version}`,
  request: {
    uid,
    ...requestFacts(write, versioned),
    object: json(versioned.object),
    oldObject: json(versioned.old),
  },
});

/** The text of a review that was made without a UID, with one: its place is the first. */
export const withUid = (review: string, uid: string): string =>
  review.replace('"uid":""', () => `"uid":${quote(uid)}`);

export interface ReviewAnswer {
  readonly allowed: boolean;
  /** JSON text of the patch; undefined when there is none. */
  readonly patch: Buffer | undefined;
  readonly patchType: string;
  readonly status: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: readonly (readonly [string, string])[];
}

/**
 * Reads an answer.
 * @throws WebhookCallError for what is no answer to this question
 */
export function readReview(
  review: JsonObject,
  version: string,
  uid: string,
  mutating: boolean,
): ReviewAnswer {
  const { apiVersion = "", kind = "" } = review as { apiVersion?: JsonValue; kind?: JsonValue };
  // The only other kind of its scheme that webhooks send: what an API server answers when it refuses.
  if (kind === "Status" && apiVersion === "v1")
    throw new WebhookCallError(`converting (v1.Status) to (${version}.AdmissionReview): unknown conversion`);
  checkType(String(apiVersion), String(kind), version);
  const response = getOwn(review, "response");
  if (response === undefined || response === null) throw lie("webhook response was absent");
  if (!isJsonObject(response)) throw wrongType(response, "response", "v1.AdmissionResponse");
  const answer = typed(response);
  if (version === "v1") {
    if (answer.uid !== uid) throw lie(`expected response.uid=${quote(uid)}, got ${quote(answer.uid)}`);
    if (apiVersion !== `${group}/v1` || kind !== "AdmissionReview")
      throw lie(
        `expected webhook response of ${group}/v1, Kind=AdmissionReview, got ${String(apiVersion) === "" ? "/" : String(apiVersion)}, Kind=${String(kind)}`,
      );
    checkPatch(answer, mutating);
  }
  const patch = mutating && answer.patch !== "" ? Buffer.from(answer.patch, "base64") : undefined;
  return {
    allowed: answer.allowed,
    patch,
    patchType: version === "v1" ? (answer.patchType ?? "") : "JSONPatch",
    status: answer.status,
    warnings: answer.warnings,
    auditAnnotations: answer.auditAnnotations,
  };
}

/** What upstream's decoder cannot turn into a review of the version; without a type it is taken for one. */
function checkType(apiVersion: string, kind: string, version: string): void {
  const known = apiVersion === `${group}/v1` || apiVersion === `${group}/v1beta1`;
  if (!known || kind === "") return;
  if (kind !== "AdmissionReview")
    throw new WebhookCallError(
      `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  const given = apiVersion.slice(group.length + 1);
  if (given !== version)
    throw new WebhookCallError(
      `converting (${given}.AdmissionReview) to (${version}.AdmissionReview): unknown conversion`,
    );
}

/** Not an answer to the question; upstream tells it apart from a call that failed. */
export class InvalidReviewError extends WebhookCallError {}
const lie = (message: string): InvalidReviewError => new InvalidReviewError(message);

function checkPatch({ patch, patchType }: Typed, mutating: boolean): void {
  if (!mutating) {
    if (patch !== "") throw lie("validating webhook may not return response.patch");
    if (patchType !== undefined) throw lie("validating webhook may not return response.patchType");
    return;
  }
  if (patch !== "" && patchType === undefined)
    throw lie("webhook returned response.patch but not response.patchType");
  if (patch === "" && patchType !== undefined)
    throw lie("webhook returned response.patchType but not response.patch");
  if (patchType === "") throw lie('webhook returned invalid response.patchType of ""');
}

interface Typed {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch: string;
  readonly patchType: string | undefined;
  readonly status: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: readonly (readonly [string, string])[];
}

function typed(response: JsonObject): Typed {
  const member = <T>(field: string, goType: string, is: (value: JsonValue) => boolean, absent: T): T => {
    const value = getOwn(response, field);
    if (value === undefined || value === null) return absent;
    if (!is(value)) throw wrongType(value, `response.${field}`, goType);
    return value as T;
  };
  const isText = (value: JsonValue): boolean => typeof value === "string";
  const patch = member("patch", "[]uint8", isText, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(patch.replace(/[\r\n]/g, "")))
    throw new WebhookCallError(`illegal base64 data at input byte ${badBase64At(patch)}`);
  const annotations = member<JsonObject>("auditAnnotations", "map[string]string", isJsonObject, {});
  return {
    uid: member("uid", "types.UID", isText, ""),
    allowed: member("allowed", "bool", (value) => typeof value === "boolean", false),
    patch,
    patchType: member<string | undefined>("patchType", "v1.PatchType", isText, undefined),
    status: checkedStatus(member<JsonObject | undefined>("status", "v1.Status", isJsonObject, undefined)),
    warnings: member<readonly string[]>(
      "warnings",
      "[]string",
      (value) => Array.isArray(value) && value.every(isText),
      [],
    ),
    auditAnnotations: Object.entries(annotations).map(([key, value]) => {
      if (typeof value !== "string") throw wrongType(value, "response.auditAnnotations", "string");
      return [key, value] as const;
    }),
  };
}

/** Where Go stops to read: at the first strange character, or behind a text that is too short. */
function badBase64At(text: string): number {
  const found = text.search(/[^A-Za-z0-9+/=\r\n]/);
  return found < 0 ? text.length : found;
}

function checkedStatus(status: JsonObject | undefined): JsonObject | undefined {
  if (status === undefined) return undefined;
  for (const field of ["status", "message", "reason"]) {
    const value = getOwn(status, field) ?? null;
    if (value !== null && typeof value !== "string")
      throw wrongType(value, `response.status.${field}`, "string");
  }
  const code = getOwn(status, "code") ?? 0;
  if (typeof code !== "number" || !Number.isInteger(code) || Math.abs(code) > 2 ** 31)
    throw wrongType(code, "response.status.code", "int32");
  const details = getOwn(status, "details") ?? null;
  if (details !== null && !isJsonObject(details))
    throw wrongType(details, "response.status.details", "v1.StatusDetails");
  return status;
}

function wrongType(value: JsonValue, field: string, goType: string): WebhookCallError {
  const type = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return new WebhookCallError(
    `json: cannot unmarshal ${type} into Go struct field ${structOf(field)}.${field} of type ${goType}`,
  );
}

/** The Go type that has the field. */
const structOf = (field: string): string =>
  field === "response"
    ? "AdmissionReview"
    : field.startsWith("response.status.")
      ? "Status"
      : "AdmissionResponse";

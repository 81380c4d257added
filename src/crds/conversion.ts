/** Conversion between the versions of a custom kind (apiextensions-apiserver pkg/apiserver/conversion). */
import type { WebhookClientConfig } from "#admission/webhook-target.ts";
import { aggregateFieldErrors } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { annotationsErrors, labelsErrors } from "#machinery/meta/validation.ts";
import { goType } from "#machinery/structural/object-meta.ts";
import type { Definition } from "./definition.ts";

/** Who calls conversion webhooks. */
export interface ConversionClient {
  post(
    config: WebhookClientConfig,
    body: JsonObject,
    options: {
      readonly timeoutMs: number;
      readonly maxResponseBytes: number;
      readonly maxGrowthBytes: number;
      readonly caller?: string;
    },
  ): Promise<JsonObject>;
}

export interface ConversionServices {
  readonly client: ConversionClient;
  makeUid(): string;
}

const timeoutMs = 30_000;
/** A converted object may be as large as one that is written; a batch is at most about a MiB before it. */
const maxResponseBytes = 16 * 1024 * 1024;
/** Beside four times the question: a small object does not become one that keeps others waiting. */
const maxGrowthBytes = 256 * 1024;
const reviewVersions: readonly string[] = ["v1", "v1beta1"];

/** The objects in a version, in their order. Those that are in it already are handed back as they are. Nothing is changed. */
export function convertObjects(
  definition: Definition,
  objects: readonly KubeObject[],
  version: string,
  services: ConversionServices,
): readonly KubeObject[] | Promise<readonly KubeObject[]> {
  const apiVersion = apiVersionOf(definition.group, version);
  const others = objects.filter((object) => object.apiVersion !== apiVersion);
  if (others.length === 0) return objects;
  for (const { apiVersion: from } of others) {
    if (!definition.versions.some(({ name }) => apiVersionOf(definition.group, name) === from))
      throw conversionFailed(`request to convert CR from an invalid group/version: ${from}`);
  }
  const { webhook } = definition;
  if (webhook === undefined)
    return objects.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion }));
  return askWebhook(definition, webhook, others, apiVersion, services).then((converted) => {
    let next = 0;
    return objects.map((object) => (object.apiVersion === apiVersion ? object : converted[next++]!));
  });
}

async function askWebhook(
  definition: Definition,
  webhook: NonNullable<Definition["webhook"]>,
  objects: readonly KubeObject[],
  apiVersion: string,
  { client, makeUid }: ConversionServices,
): Promise<readonly KubeObject[]> {
  const version = webhook.conversionReviewVersions.find((one) => reviewVersions.includes(one));
  if (version === undefined) throw conversionFailed("no supported conversion review versions");
  const [group = "", from = ""] = objects[0]!.apiVersion.split("/");
  const subject = `conversion webhook for ${group}/${from}, Kind=${objects[0]!.kind}`;
  const uid = makeUid();
  let converted: readonly JsonValue[];
  try {
    const answer = await client.post(
      webhook.clientConfig ?? {},
      {
        kind: "ConversionReview",
        apiVersion: `apiextensions.k8s.io/${version}`,
        request: {
          uid,
          desiredAPIVersion: apiVersion,
          objects: objects as unknown as JsonValue[],
        },
      },
      { timeoutMs, maxResponseBytes, maxGrowthBytes, caller: definition.cluster },
    );
    converted = convertedObjects(answer, version, uid);
  } catch (error) {
    throw conversionFailed(`${subject} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (converted.length !== objects.length)
    throw conversionFailed(`${subject} returned ${converted.length} objects, expected ${objects.length}`);
  return converted.map((object, index) => {
    const wrong = (single: string, listed: string, why: string): StatusError =>
      conversionFailed(
        `${subject} returned ${objects.length === 1 ? single : `${listed} at index ${index}`}: ${why}`,
      );
    return accepted(objects[index]!, object, apiVersion, wrong);
  });
}

const reviewGroup = "apiextensions.k8s.io";

/** What upstream's decoder cannot turn into a review of the version; without a type it is taken for one. */
function checkReviewType(apiVersion: string, kind: string, version: string): void {
  const given = reviewVersions.find((one) => apiVersion === `${reviewGroup}/${one}`);
  if (given === undefined || kind !== "ConversionReview" || given === version) return;
  throw new Error(
    `converting (${given}.ConversionReview) to (${version}.ConversionReview): unknown conversion`,
  );
}

/** @throws Error with upstream's texts for answers that are none */
function convertedObjects(answer: JsonObject, version: string, uid: string): readonly JsonValue[] {
  const { kind = "", apiVersion = "", response } = answer;
  checkReviewType(String(apiVersion), String(kind), version);
  if (version === "v1" && (kind !== "ConversionReview" || apiVersion !== "apiextensions.k8s.io/v1")) {
    const got = `${typeof apiVersion === "string" ? apiVersion : ""}, Kind=${typeof kind === "string" ? kind : ""}`;
    throw new Error(
      `expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${got === ", Kind=" ? "/, Kind=" : got}`,
    );
  }
  if (!isJsonObject(response)) throw new Error("no response provided");
  if (version === "v1" && response.uid !== uid) {
    const got = typeof response.uid === "string" ? response.uid : "";
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`);
  }
  const result = isJsonObject(response.result) ? response.result : {};
  const { status = "", message = "" } = result;
  if (status !== "Success") {
    if (typeof message === "string" && message !== "") throw new Error(message);
    throw new Error(`response.result.status was '${String(status)}', not 'Success'`);
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

/** The converted object with the metadata of the original, of which only labels and annotations may differ. */
function accepted(
  original: KubeObject,
  converted: JsonValue,
  apiVersion: string,
  wrong: (single: string, listed: string, why: string) => StatusError,
): KubeObject {
  const listed = "invalid converted object";
  const inObject = (why: string): StatusError => wrong("invalid object", listed, why);
  const inMetadata = (why: string): StatusError =>
    wrong("invalid metadata", "invalid metadata in object", why);
  if (!isJsonObject(converted)) throw inObject("it is no object");
  const { metadata } = converted;
  if (converted.apiVersion !== apiVersion) {
    const got = typeof converted.apiVersion === "string" ? converted.apiVersion : "";
    const why = `invalid groupVersion (expected ${apiVersion}, received ${got})`;
    throw wrong("invalid object at index 0", listed, why);
  }
  if (converted.kind !== original.kind) {
    const got = typeof converted.kind === "string" ? converted.kind : "";
    const why = `invalid kind (expected ${original.kind}, received ${got})`;
    throw wrong("invalid object at index 0", listed, why);
  }
  const told: JsonObject = isJsonObject(metadata) ? metadata : {};
  // What an apply has to compare on its way may be without metadata.
  const own: Partial<KubeObject>["metadata"] = original.metadata ?? {};
  const same = (field: "name" | "namespace" | "uid", title: string): void => {
    const [before, now] = [own[field] ?? "", told[field] ?? ""];
    if (now !== before) throw inObject(`must have the same ${title}: ${before} != ${String(now)}`);
  };
  same("name", "name");
  same("namespace", "namespace");
  same("uid", "UID");
  if (metadata === undefined) throw inMetadata("missing metadata in converted object");
  if (!isJsonObject(metadata))
    throw inMetadata(`invalid metadata of type ${goType(metadata)} in converted object`);
  const { labels: _labels, annotations: _annotations, ...kept } = own;
  const texts = (field: "labels" | "annotations"): Record<string, string> | undefined => {
    const value = metadata[field];
    if (value === undefined || value === null) return undefined;
    if (!isJsonObject(value))
      throw inMetadata(`invalid metadata.${field} of type ${goType(value)} in converted object`);
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== "string")
        throw inMetadata(
          `metadata.${field}[${key}] must be a string, but is ${goType(text)} in converted object`,
        );
    }
    const texts = value as Record<string, string>;
    if (jsonEqual(texts, (own[field] ?? {}) as JsonObject)) return texts;
    const errors =
      field === "labels"
        ? labelsErrors(texts, FieldPath.of("metadata").child("labels"))
        : annotationsErrors(texts, FieldPath.of("metadata").child("annotation"));
    if (errors.length > 0) throw inMetadata(aggregateFieldErrors(errors));
    return texts;
  };
  const [labels, annotations] = [texts("labels"), texts("annotations")];
  return {
    ...(converted as unknown as KubeObject),
    metadata: {
      ...kept,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

/** Upstream answers these as plain errors: 500 without a reason. */
export const conversionFailed = (message: string): StatusError =>
  new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });

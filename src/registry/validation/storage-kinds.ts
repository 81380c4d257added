/** Drivers of volumes, and what they tell and are told (pkg/apis/storage/validation). */
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { labelSelectorErrors } from "../strategies/label-selector.ts";
import {
  jsonOf,
  listAt,
  type Members,
  membersAt,
  pairsAt,
  textAt,
  textsAt,
  valueAt,
} from "../strategies/members.ts";
import { compareQuantities } from "../strategies/quantities.ts";
import {
  type Errors,
  inclusiveRange,
  invalids,
  maxInt32,
  nonNegative,
  numberAt,
  optionalWord,
} from "./checks.ts";
import { csiDriverNameErrors } from "./volumes.ts";

const spec = FieldPath.of("spec");
const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;
const minPeriodSeconds = 10;
const maxNodeIdLength = 256;
const maxParameters = 512;
const maxParametersBytes = 262_144;
const maxMetadataBytes = 262_144;
const maxMessageBytes = 1_024;

export function* csiDriverErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  yield* optionalWord(of, "fsGroupPolicy", spec, ["File", "None", "ReadWriteOnceWithFSType"]);
  const requests = listAt(of, "tokenRequests");
  yield* audienceErrors(requests, spec.child("tokenRequests"));
  for (const mode of textsAt(of, "volumeLifecycleModes"))
    if (mode !== "Persistent" && mode !== "Ephemeral")
      yield fieldNotSupported(spec.child("volumeLifecycleModes"), mode, ["Persistent", "Ephemeral"]);
  const period = numberAt(of, "nodeAllocatableUpdatePeriodSeconds");
  if (period !== undefined && period < minPeriodSeconds) {
    const detail = `must be greater than or equal to ${minPeriodSeconds} seconds`;
    yield fieldInvalid(spec.child("nodeAllocatableUpdatePeriodSeconds"), period, detail);
  }
  const inSecrets = valueAt(of, "serviceAccountTokenInSecrets");
  if (inSecrets !== undefined && requests.length === 0) {
    const detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    yield fieldInvalid(spec.child("serviceAccountTokenInSecrets"), inSecrets, detail);
  }
}

/** Unless the driver says where tokens are to be, they may show in logs. */
export function csiDriverWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const requests = listAt(object, "spec", "tokenRequests");
  const unset = valueAt(object, "spec", "serviceAccountTokenInSecrets") === undefined;
  if (requests.length === 0 || !unset) return [];
  const same = old !== undefined && jsonEqual(jsonOf(requests), jsonOf(listAt(old, "spec", "tokenRequests")));
  return same
    ? []
    : [
        "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes",
      ];
}

function* audienceErrors(requests: readonly Members[], path: FieldPath): Errors {
  const seen = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const at = path.index(index);
    const audience = textAt(request, "audience");
    if (seen.has(audience)) {
      yield fieldDuplicate(at.child("audience"), audience);
      continue;
    }
    seen.add(audience);
    const seconds = numberAt(request, "expirationSeconds");
    if (seconds === undefined) continue;
    const where = at.child("expirationSeconds");
    if (seconds < minTokenSeconds)
      yield fieldInvalid(where, seconds, "may not specify a duration less than 10 minutes");
    if (seconds > maxTokenSeconds)
      yield fieldInvalid(where, seconds, "may not specify a duration larger than 2^32 seconds");
  }
}

export function* csiNodeErrors(object: KubeObject): Errors {
  const seen = new Set<string>();
  for (const [index, driver] of listAt(object, "spec", "drivers").entries()) {
    const at = spec.child("drivers").index(index);
    const name = textAt(driver, "name");
    yield* csiDriverNameErrors(name, at.child("name"));
    const id = textAt(driver, "nodeID");
    if (id === "") yield fieldRequired(at.child("nodeID"));
    if (Buffer.byteLength(id) > maxNodeIdLength)
      yield fieldInvalid(at.child("nodeID"), id, `must be ${maxNodeIdLength} characters or less`);
    yield* nonNegative(membersAt(driver, "allocatable"), at.child("allocatable"), "count");
    if (seen.has(name)) yield fieldDuplicate(at.child("name"), name);
    seen.add(name);
    const keys = new Set<string>();
    for (const key of textsAt(driver, "topologyKeys")) {
      if (key === "") yield fieldRequired(at);
      if (keys.has(key)) yield fieldDuplicate(at, key);
      keys.add(key);
      yield* invalids(at, key, qualifiedNameErrors(key));
    }
  }
}

export function* storageCapacityErrors(object: KubeObject): Errors {
  yield* labelSelectorErrors(valueAt(object, "nodeTopology"), FieldPath.of("nodeTopology"));
  const name = textAt(object, "storageClassName");
  yield* invalids(FieldPath.of("storageClassName"), name, dns1123SubdomainErrors(name));
  const capacity = textAt(object, "capacity");
  if (capacity !== "" && compareQuantities(capacity, "0") < 0)
    yield fieldInvalid("capacity", capacity, "must be greater than or equal to 0");
}

export function* volumeAttachmentErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  yield* csiDriverNameErrors(textAt(of, "attacher"), spec.child("attacher"));
  const volume = valueAt(of, "source", "persistentVolumeName");
  const inline = valueAt(of, "source", "inlineVolumeSpec");
  const source = spec.child("source");
  const exactlyOne = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (volume === undefined && inline === undefined) yield fieldRequired(source, exactlyOne);
  else if (volume !== undefined && inline !== undefined) yield fieldForbidden(source, exactlyOne);
  else if (volume === "")
    yield fieldRequired(source.child("persistentVolumeName"), "must specify non empty persistentVolumeName");
  const node = textAt(of, "nodeName");
  yield* invalids(spec.child("nodeName"), node, dns1123SubdomainErrors(node));
  yield* volumeAttachmentStatusErrors(object);
  if (volume !== undefined)
    yield* invalids(source.child("persistentVolumeName"), volume, dns1123SubdomainErrors(String(volume)));
}

export function* volumeAttachmentStatusErrors(object: KubeObject): Errors {
  const status = FieldPath.of("status");
  if (bytesOf(pairsAt(object, "status", "attachmentMetadata")) > maxMetadataBytes)
    yield fieldTooLong(status.child("attachmentMetadata"), maxMetadataBytes);
  for (const field of ["attachError", "detachError"]) {
    if (Buffer.byteLength(textAt(object, "status", field, "message")) > maxMessageBytes)
      yield fieldTooLong(status.child(field, "message"), maxMetadataBytes);
    const code = numberAt(object, "status", field, "errorCode") ?? 0;
    if (code < 0) yield fieldInvalid(status.child(field, "errorCode"), code, inclusiveRange(0, maxInt32));
  }
}

export function* volumeAttributesClassErrors(object: KubeObject): Errors {
  const driver = textAt(object, "driverName").toLowerCase();
  if (driver === "") yield fieldRequired("driverName");
  else yield* invalids(FieldPath.of("driverName"), driver, qualifiedNameErrors(driver));
  const parameters = pairsAt(object, "parameters");
  const at = FieldPath.of("parameters");
  if (parameters.length > maxParameters) {
    yield fieldTooLong(at, maxParameters);
    return;
  }
  if (parameters.some(([key]) => key === "")) yield fieldInvalid(at, "", "field can not be empty.");
  if (bytesOf(parameters) > maxParametersBytes) yield fieldTooLong(at, maxParametersBytes);
  if (parameters.length === 0) yield fieldRequired(at, "must contain at least one key/value pair");
}

const bytesOf = (pairs: readonly (readonly [string, string])[]): number =>
  pairs.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

/** Drivers of a node that are there before and after stay as they are, but for how many volumes they allow. */
export function* csiNodeUpdateErrors(object: KubeObject, old: KubeObject): Errors {
  const before = new Map(listAt(old, "spec", "drivers").map((driver) => [textAt(driver, "name"), driver]));
  for (const driver of listAt(object, "spec", "drivers")) {
    const known = before.get(textAt(driver, "name"));
    if (known === undefined) continue;
    const same =
      textAt(driver, "nodeID") === textAt(known, "nodeID") &&
      JSON.stringify(textsAt(driver, "topologyKeys")) === JSON.stringify(textsAt(known, "topologyKeys"));
    if (!same) {
      const { allocatable: _allowed, ...shown } = driver;
      yield fieldInvalid(spec.child("drivers"), shown, "field is immutable");
    }
  }
}

export function* volumeAttributesClassUpdateErrors(object: KubeObject, old: KubeObject): Errors {
  if (textAt(object, "driverName") !== textAt(old, "driverName"))
    yield fieldForbidden("driverName", "updates to driverName are forbidden.");
  const pairs = (of: KubeObject): string =>
    JSON.stringify([...pairsAt(of, "parameters")].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (pairs(object) !== pairs(old))
    yield fieldForbidden("parameters", "updates to parameters are forbidden.");
}

/**
 * apiregistration.k8s.io APIService (k8s.io/kube-aggregator pkg/registry/apiservice, pkg/apis/apiregistration). They are data:
 * requests are not passed on to the servers that they name, and their status says so.
 */
import { quote } from "#base/quote.ts";
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import type { Strategy } from "#registry/strategy.ts";
import { timestamp } from "../system-fields.ts";
import { type Errors, has, invalids, numberAt, portNumberErrors } from "../validation/checks.ts";
import { draftOf, given } from "./draft.ts";
import { listAt, textAt, valueAt } from "./members.ts";

const spec = FieldPath.of("spec");
const defaultPort = 443;
const highestGroupPriority = 20_000;
const highestVersionPriority = 1000;
const conditionStatuses = ["False", "True", "Unknown"] as const;

export const apiServiceStrategy: Strategy = {
  applyDefaults(object) {
    if (!has(valueAt(object, "spec"), "service")) return;
    const service = given(draftOf(object, "spec"), "service");
    if (service !== undefined) service.port ??= defaultPort;
  },
  prepareForCreate(object, { nowMs }) {
    object.status = {
      conditions: [{ type: "Available", ...availability(object), lastTransitionTime: timestamp(nowMs) }],
    };
  },
  validate: (object, { subresource }): FieldError[] =>
    subresource === "status" ? statusErrors(object) : [...specErrors(object)],
};

/** What the condition `Available` says. */
function availability(object: KubeObject): JsonObject {
  if (!has(valueAt(object, "spec"), "service"))
    return { status: "True", reason: "Local", message: "Local APIServices are always available" };
  const [namespace, name] = ["namespace", "name"].map((field) => textAt(object, "spec", "service", field));
  const message = `requests for the group are not passed on to service/${name} in ${quote(namespace ?? "")}`;
  return { status: "False", reason: "NotAggregated", message };
}

function* specErrors(object: KubeObject): Errors {
  const group = textAt(object, "spec", "group");
  const version = textAt(object, "spec", "version");
  const { name = "" } = object.metadata;
  if (name !== `${version}.${group}` && pathSegmentErrors(name).length === 0) {
    const must = `must be \`spec.version+"."+spec.group\`: ${quote(`${version}.${group}`)}`;
    yield fieldInvalid("metadata.name", name, must);
  }
  if (group === "" && version !== "v1")
    yield fieldRequired("spec.group", "only v1 may have an empty group and it better be legacy kube");
  if (group !== "") yield* invalids(spec.child("group"), group, dns1123SubdomainErrors(group));
  yield* invalids(spec.child("version"), version, dns1035LabelErrors(version));
  yield* priorityErrors(object, "groupPriorityMinimum", highestGroupPriority);
  yield* priorityErrors(object, "versionPriority", highestVersionPriority);
  yield* serviceErrors(object);
}

function* priorityErrors(object: KubeObject, field: string, highest: number): Errors {
  const value = numberAt(object, "spec", field) ?? 0;
  if (value <= 0 || value > highest)
    yield fieldInvalid(spec.child(field), value, `must be positive and less than ${highest}`);
}

function* serviceErrors(object: KubeObject): Errors {
  const bundle = textAt(object, "spec", "caBundle");
  const insecure = valueAt(object, "spec", "insecureSkipTLSVerify") === true;
  const skip = spec.child("insecureSkipTLSVerify");
  const service = valueAt(object, "spec", "service");
  if (service === undefined) {
    if (bundle !== "") {
      const size = `${Buffer.from(bundle, "base64").length} bytes`;
      yield fieldInvalid(spec.child("caBundle"), size, "local APIServices may not have a caBundle");
    }
    if (insecure) yield fieldInvalid(skip, true, "local APIServices may not have insecureSkipTLSVerify");
    return;
  }
  const at = spec.child("service");
  for (const field of ["namespace", "name"])
    if (textAt(service, field) === "") yield fieldRequired(at.child(field));
  const port = numberAt(service, "port") ?? 0;
  const wrong = portNumberErrors(port);
  if (wrong.length > 0) yield fieldInvalid(at.child("port"), port, `port is not valid: ${wrong.join(", ")}`);
  if (insecure && bundle !== "") yield fieldInvalid(skip, true, "may not be true if caBundle is present");
}

const statusErrors = (object: KubeObject): FieldError[] =>
  listAt(object, "status", "conditions").flatMap((condition, index) => {
    const value = textAt(condition, "status");
    if (conditionStatuses.some((known) => known === value)) return [];
    const at = FieldPath.of("status", "conditions").index(index).child("status");
    return [fieldNotSupported(at, value, conditionStatuses)];
  });

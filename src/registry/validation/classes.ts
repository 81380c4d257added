/** Classes that objects are of: of storage, priority, ingresses and container runtimes (pkg/apis/{storage,scheduling,networking,node}/validation). */
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { labelsErrors } from "#machinery/meta/validation.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { listAt, membersAt, pairsAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { rangeErrors } from "./addresses.ts";
import { type Errors, has, invalids, numberAt, oneOf, optionalWord } from "./checks.ts";
import { resourcesErrors } from "./compute-resources.ts";
import { tolerationErrors } from "./scheduling.ts";

const highestUserPriority = 1_000_000_000;
const systemPrefix = "system-";
const systemClasses: ReadonlySet<string> = new Set(["system-node-critical", "system-cluster-critical"]);
const maxControllerLength = 250;

export function* storageClassErrors(object: KubeObject): Errors {
  const provisioner = textAt(object, "provisioner").toLowerCase();
  if (provisioner === "") yield fieldRequired("provisioner");
  else yield* invalids(FieldPath.of("provisioner"), provisioner, qualifiedNameErrors(provisioner));
  for (const [key] of pairsAt(object, "parameters"))
    if (key === "") yield fieldInvalid("parameters", key, "field can not be empty.");
  const reclaim = textAt(object, "reclaimPolicy");
  yield* oneOf(reclaim, FieldPath.of("reclaimPolicy"), ["Delete", "Retain"]);
  const binding = textAt(object, "volumeBindingMode");
  yield* oneOf(binding, FieldPath.of("volumeBindingMode"), ["Immediate", "WaitForFirstConsumer"]);
  for (const [index, term] of listAt(object, "allowedTopologies").entries()) {
    for (const [place, expression] of listAt(term, "matchLabelExpressions").entries()) {
      const at = FieldPath.of("allowedTopologies").index(index).child("matchLabelExpressions").index(place);
      const values = textsAt(expression, "values");
      if (values.length === 0) yield fieldRequired(at.child("values"));
      const seen = new Set<string>();
      for (const [each, value] of values.entries()) {
        if (seen.has(value)) yield fieldDuplicate(at.child("values").index(each), value);
        seen.add(value);
      }
      const key = textAt(expression, "key");
      yield* invalids(at.child("key"), key, qualifiedNameErrors(key));
    }
  }
}

export function* priorityClassErrors(object: KubeObject): Errors {
  const { name = "" } = object.metadata;
  if (name.startsWith(systemPrefix)) {
    if (!systemClasses.has(name)) {
      const why = `error: ${name} is not a known system priority class`;
      const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. ${why}`;
      yield fieldForbidden("metadata.name", detail);
    }
  } else if ((numberAt(object, "value") ?? 0) > highestUserPriority) {
    const detail = `maximum allowed value of a user defined priority is ${highestUserPriority}`;
    yield fieldForbidden("value", detail);
  }
  const policy = textAt(object, "preemptionPolicy");
  yield* oneOf(policy, FieldPath.of("preemptionPolicy"), ["PreemptLowerPriority", "Never"], true);
}

export function* ingressClassSpecErrors(object: KubeObject): Errors {
  const controller = textAt(object, "spec", "controller");
  const at = FieldPath.of("spec", "controller");
  if (Buffer.byteLength(controller) > maxControllerLength) {
    const detail = `may not be more than ${maxControllerLength} bytes`;
    yield { type: "FieldValueTooLong", field: at.toString(), detail };
  }
  yield* domainPathErrors(controller, at);
  if (!has(object.spec, "parameters")) return;
  const parameters = membersAt(object, "spec", "parameters");
  const path = FieldPath.of("spec", "parameters");
  if (has(parameters, "apiGroup")) {
    const group = textAt(parameters, "apiGroup");
    yield* invalids(path.child("apiGroup"), group, dns1123SubdomainErrors(group));
  }
  for (const field of ["kind", "name"]) {
    const value = textAt(parameters, field);
    if (value === "") yield fieldRequired(path.child(field));
    else yield* invalids(path.child(field), value, pathSegmentErrors(value));
  }
  yield* optionalWord(parameters, "scope", path, ["Cluster", "Namespace"]);
  const scope = textAt(parameters, "scope");
  const namespace = valueAt(parameters, "namespace");
  if (scope === "Namespace" && namespace === undefined)
    yield fieldRequired(path.child("namespace"), "`parameters.scope` is set to 'Namespace'");
  if (scope === "Cluster" && namespace !== undefined)
    yield fieldForbidden(path.child("namespace"), "`parameters.scope` is set to 'Cluster'");
  if (scope === "Namespace" && namespace !== undefined)
    yield* invalids(path.child("namespace"), namespace, dns1123LabelErrors(String(namespace)));
}

/** `acme.io/foo` (apimachinery validation.IsDomainPrefixedPath, but for the characters of the path). */
export function domainPathErrors(text: string, path: FieldPath): FieldError[] {
  if (text === "") return [fieldRequired(path)];
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1)
    return [fieldInvalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const host = text.slice(0, slash);
  return invalids(path, host, dns1123SubdomainErrors(host));
}

export function* runtimeClassErrors(object: KubeObject): Errors {
  const handler = textAt(object, "handler");
  if (handler === "") yield fieldRequired("handler");
  else yield* invalids(FieldPath.of("handler"), handler, dns1123LabelErrors(handler));
  // Checked as the limits of a container.
  const limits = { resources: { limits: membersAt(object, "overhead", "podFixed") } };
  for (const error of resourcesErrors(limits, new Set(), FieldPath.of("overhead")))
    yield { ...error, field: error.field.replace(".resources", "") };
  const path = FieldPath.of("scheduling");
  const selector = Object.fromEntries(pairsAt(object, "scheduling", "nodeSelector"));
  yield* labelsErrors(selector, path.child("nodeSelector"));
  const tolerations = listAt(object, "scheduling", "tolerations");
  yield* tolerationErrors(tolerations, path.child("tolerations"));
  const seen = new Set<string>();
  for (const [index, toleration] of tolerations.entries()) {
    const what = JSON.stringify(["key", "operator", "value", "effect"].map((one) => textAt(toleration, one)));
    if (seen.has(what)) yield fieldDuplicate(path.child("tolerations").index(index), toleration);
    seen.add(what);
  }
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

/** Taints of a Node, where upstream's texts show them, and the ranges of its pods. */
export function* nodeErrors(object: KubeObject): Errors {
  yield* taintErrors(object);
  const path = FieldPath.of("spec", "podCIDRs");
  const ranges = textsAt(object, "spec", "podCIDRs");
  for (const [index, range] of ranges.entries()) yield* rangeErrors(range, path.index(index));
  const families = new Set(ranges.map((range) => range.includes(":")));
  if (ranges.length > 1 && (ranges.length > 2 || families.size < 2))
    yield fieldInvalid(path, ranges, "may specify no more than one CIDR for each IP family");
}

function* taintErrors(object: KubeObject): Errors {
  const seen = new Set<string>();
  for (const [index, taint] of listAt(object, "spec", "taints").entries()) {
    const at = FieldPath.of("metadata", "taints").index(index);
    const key = textAt(taint, "key");
    const effect = textAt(taint, "effect");
    yield* labelsErrors({ [key]: "" }, at.child("key"));
    const value = textAt(taint, "value");
    yield* labelsErrors({ a: value }, at.child("value"));
    if (effect === "") yield fieldRequired(at.child("effect"));
    else if (!(effects as readonly string[]).includes(effect))
      yield fieldNotSupported(at.child("effect"), effect, effects);
    if (seen.has(`${effect} ${key}`))
      yield { ...fieldDuplicate(at, taint), detail: "taints must be unique by key and effect pair" };
    seen.add(`${effect} ${key}`);
  }
}

/** HorizontalPodAutoscalers (pkg/apis/autoscaling/validation). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import { listAt, type Members, membersAt, textAt } from "../strategies/members.ts";
import { compareQuantities } from "../strategies/quantities.ts";
import { type Errors, has, invalids, nonNegative, numberAt, optionalWord } from "./checks.ts";

const spec = FieldPath.of("spec");
const maxWindowSeconds = 3_600;
const maxPeriodSeconds = 1_800;

/** `targetVersion`: whether the version of what is scaled is looked at. */
export function* autoscalerErrors(object: KubeObject, targetVersion: boolean): Errors {
  const scaler = membersAt(object, "spec");
  const min = numberAt(scaler, "minReplicas");
  const max = numberAt(scaler, "maxReplicas") ?? 0;
  const path = spec.child("maxReplicas");
  if (min !== undefined && min < 1)
    yield fieldInvalid(spec.child("minReplicas"), min, "must be greater than or equal to 1");
  if (max === 0) yield fieldRequired(path, "must be set and greater than 0");
  else if (max < 0) yield fieldInvalid(path, max, "must be greater than or equal to 1");
  if (min !== undefined && max < min)
    yield fieldInvalid(path, max, "must be greater than or equal to `minReplicas`");
  yield* referenceErrors(membersAt(scaler, "scaleTargetRef"), spec.child("scaleTargetRef"), targetVersion);
  const metrics = listAt(scaler, "metrics");
  for (const [index, metric] of metrics.entries())
    yield* metricErrors(metric, spec.child("metrics").index(index));
  if (min === 0 && !metrics.some((metric) => ["Object", "External"].includes(textAt(metric, "type")))) {
    const detail = "must specify at least one Object or External metric to support scaling to zero replicas";
    yield fieldForbidden(spec.child("metrics"), detail);
  }
  for (const field of ["scaleUp", "scaleDown"]) {
    const rules = membersAt(scaler, "behavior", field);
    if (has(membersAt(scaler, "behavior"), field)) yield* rulesErrors(rules, spec.child("behavior", field));
  }
}

/** `target`: of what is scaled, which has a group, the oldest kind aside. False: its version is not looked at. */
function* referenceErrors(reference: Members, path: FieldPath, target?: boolean): Errors {
  for (const field of ["kind", "name"]) {
    const value = textAt(reference, field);
    if (value === "") yield fieldRequired(path.child(field));
    else yield* invalids(path.child(field), value, pathSegmentErrors(value));
  }
  if (target === false) return;
  const version = textAt(reference, "apiVersion");
  const parts = version.split("/");
  const grouped = parts.length === 2 && parts[0] !== "";
  if (parts.length > 2)
    yield fieldInvalid(path.child("apiVersion"), version, `unexpected GroupVersion string: ${version}`);
  else if (target === true && !grouped && textAt(reference, "kind") !== "ReplicationController")
    yield fieldInvalid(path.child("apiVersion"), version, "apiVersion must specify API group");
}

function* rulesErrors(rules: Members, path: FieldPath): Errors {
  const window = numberAt(rules, "stabilizationWindowSeconds") ?? 0;
  const at = path.child("stabilizationWindowSeconds");
  if (window < 0) yield fieldInvalid(at, window, "must be greater than or equal to zero");
  if (window > maxWindowSeconds)
    yield fieldInvalid(at, window, `must be less than or equal to ${maxWindowSeconds}`);
  yield* optionalWord(rules, "selectPolicy", path, ["Disabled", "Max", "Min"]);
  const policies = listAt(rules, "policies");
  if (policies.length === 0) yield fieldRequired(path.child("policies"), "must specify at least one Policy");
  for (const [index, policy] of policies.entries()) {
    const where = path.child("policies").index(index);
    const type = textAt(policy, "type");
    if (type !== "Pods" && type !== "Percent")
      yield fieldNotSupported(where.child("type"), type, ["Percent", "Pods"]);
    for (const field of ["value", "periodSeconds"]) {
      const value = numberAt(policy, field) ?? 0;
      if (value <= 0) yield fieldInvalid(where.child(field), value, "must be greater than zero");
      if (field === "periodSeconds" && value > maxPeriodSeconds)
        yield fieldInvalid(where.child(field), value, `must be less than or equal to ${maxPeriodSeconds}`);
    }
  }
  const tolerance = textAt(rules, "tolerance");
  if (tolerance !== "" && compareQuantities(tolerance, "0") < 0)
    yield fieldInvalid(path.child("tolerance"), tolerance, "must be greater than or equal to 0");
}

/** Types with the member that tells about each, in upstream's order. */
const sources = [
  ["Object", "object"],
  ["External", "external"],
  ["Pods", "pods"],
  ["Resource", "resource"],
  ["ContainerResource", "containerResource"],
] as const;
const types = sources.map(([type]) => type).sort();

function* metricErrors(metric: Members, path: FieldPath): Errors {
  const type = textAt(metric, "type");
  const at = path.child("type");
  if (type === "") yield fieldRequired(at, "must specify a metric source type");
  const expected = sources.find(([known]) => known === type)?.[1];
  if (expected === undefined) yield fieldNotSupported(at, type, types);
  const given = sources.filter(([, field]) => has(metric, field)).map(([, field]) => field);
  const first = given[0];
  if (first !== undefined) yield* sourceErrors(membersAt(metric, first), first, path.child(first));
  if (expected !== undefined && !given.includes(expected))
    yield fieldRequired(path.child(expected), "must populate information for the given metric source");
  if (given.length === 1) return;
  for (const field of given.filter((each) => each !== expected).sort())
    yield fieldForbidden(path.child(field), "must populate the given metric source only");
}

function* sourceErrors(source: Members, type: string, path: FieldPath): Errors {
  if (type === "object")
    yield* referenceErrors(membersAt(source, "describedObject"), path.child("describedObject"));
  if (["object", "external", "pods"].includes(type)) {
    const name = textAt(source, "metric", "name");
    const at = path.child("metric", "name");
    if (name === "") yield fieldRequired(at, "must specify a metric name");
    else yield* invalids(at, name, pathSegmentErrors(name));
  } else {
    if (textAt(source, "name") === "")
      yield fieldRequired(path.child("name"), "must specify a resource name");
    if (type === "containerResource") {
      const container = textAt(source, "container");
      if (container === "") yield fieldRequired(path.child("container"), "must specify a container");
      else yield* invalids(path.child("container"), container, dns1123LabelErrors(container));
    }
  }
  const target = membersAt(source, "target");
  yield* targetErrors(target, path.child("target"));
  yield* choiceErrors(target, type, path.child("target"));
}

function* targetErrors(target: Members, path: FieldPath): Errors {
  const type = textAt(target, "type");
  if (type === "") yield fieldRequired(path.child("type"), "must specify a metric target type");
  if (!["Utilization", "Value", "AverageValue"].includes(type))
    yield fieldInvalid(path.child("type"), type, "must be either Utilization, Value, or AverageValue");
  for (const field of ["value", "averageValue"]) {
    const value = textAt(target, field);
    if (value !== "" && compareQuantities(value, "0") <= 0)
      yield fieldInvalid(path.child(field), value, "must be positive");
  }
  const share = numberAt(target, "averageUtilization");
  if (share !== undefined && share < 1)
    yield fieldInvalid(path.child("averageUtilization"), share, "must be greater than 0");
}

/** Which of the numbers a type needs, and which of them exclude each other. */
function choiceErrors(target: Members, type: string, path: FieldPath): FieldError[] {
  const average = path.child("averageValue");
  if (type === "pods")
    return has(target, "averageValue")
      ? []
      : [fieldRequired(average, "must specify a positive target averageValue")];
  const other = type === "object" || type === "external" ? "value" : "averageUtilization";
  const both = has(target, other) && has(target, "averageValue");
  const none = !has(target, other) && !has(target, "averageValue");
  if (type === "object")
    return none ? [fieldRequired(average, "must set either a target value or averageValue")] : [];
  if (type === "external") {
    if (none)
      return [fieldRequired(average, "must set either a target value for metric or a per-pod target")];
    const detail = "may not set both a target value for metric and a per-pod target";
    return both ? [fieldForbidden(path.child("value"), detail)] : [];
  }
  if (none) {
    const detail = "must set either a target raw value or a target utilization";
    return [fieldRequired(path.child("averageUtilization"), detail)];
  }
  const detail = "may not set both a target raw value and a target utilization";
  return both ? [fieldForbidden(average, detail)] : [];
}

export function* autoscalerStatusErrors(object: KubeObject): Errors {
  const status = { ...membersAt(object, "status") };
  yield* nonNegative(status, FieldPath.of("status"), "currentReplicas", "desiredReplicas");
}

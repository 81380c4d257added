/** Parts without which plain kinds mean nothing, in upstream's words (k8s.io/kubernetes pkg/apis/<group>/validation). */
import {
  type FieldError,
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { listAt, pairsAt, textAt, textsAt, valueAt } from "./members.ts";

const spec = FieldPath.of("spec");

/** Containers, their names and images. `pod` is the spec at `path`. */
export function podSpecErrors(pod: unknown, path: FieldPath): FieldError[] {
  const containers = listAt(pod, "containers");
  const errors = containers.length === 0 ? [fieldRequired(path.child("containers"))] : [];
  for (const list of ["containers", "initContainers"]) {
    listAt(pod, list).forEach((container, index) => {
      const at = path.child(list).index(index);
      const name = textAt(container, "name");
      if (name === "") errors.push(fieldRequired(at.child("name")));
      else {
        for (const message of dns1123LabelErrors(name))
          errors.push(fieldInvalid(at.child("name"), name, message));
      }
      if (textAt(container, "image") === "") errors.push(fieldRequired(at.child("image")));
    });
  }
  return errors;
}

/** The template of a workload whose pods run for ever. */
export function templateErrors(object: KubeObject): FieldError[] {
  const path = spec.child("template", "spec");
  const pod = valueAt(object, "spec", "template", "spec");
  const policy = textAt(pod, "restartPolicy");
  return [
    ...podSpecErrors(pod, path),
    ...(policy === "Always" ? [] : [fieldNotSupported(path.child("restartPolicy"), policy, ["Always"])]),
  ];
}

/** Numbers of a workload that count something (ValidateNonnegativeField). */
export function countErrors(object: KubeObject): FieldError[] {
  return ["replicas", "minReadySeconds", "revisionHistoryLimit"].flatMap((field) => {
    const count = Number(valueAt(object, "spec", field) ?? 0);
    if (count >= 0) return [];
    return [fieldInvalid(spec.child(field), count, "must be greater than or equal to 0")];
  });
}

/** The template of a job, whose pods end. */
export function jobTemplateErrors(job: unknown, path: FieldPath): FieldError[] {
  const pod = valueAt(job, "template", "spec");
  const at = path.child("template", "spec", "restartPolicy");
  const policy = textAt(pod, "restartPolicy");
  const errors = podSpecErrors(pod, path.child("template", "spec"));
  if (policy === "Always" || policy === "")
    errors.push(fieldRequired(at, 'valid values: "OnFailure", "Never"'));
  else if (policy !== "OnFailure" && policy !== "Never")
    errors.push(fieldNotSupported(at, policy, ["OnFailure", "Never"]));
  else if (policy !== "Never" && valueAt(job, "podFailurePolicy") !== undefined)
    errors.push(fieldInvalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  return errors;
}

export const cronJobErrors = (object: KubeObject): FieldError[] => [
  ...(textAt(object, "spec", "schedule") === "" ? [fieldRequired(spec.child("schedule"))] : []),
  ...jobTemplateErrors(valueAt(object, "spec", "jobTemplate", "spec"), spec.child("jobTemplate", "spec")),
];

/** What a name may have so that the jobs made of it can add eleven characters. */
const maxCronJobNameLength = 52;

export function cronJobNameErrors({ metadata: { name = "" } }: KubeObject): FieldError[] {
  if (Buffer.byteLength(name) <= maxCronJobNameLength) return [];
  return [fieldInvalid("metadata.name", name, `must be no more than ${maxCronJobNameLength} characters`)];
}

export function serviceErrors(object: KubeObject): FieldError[] {
  const portless =
    textAt(object, "spec", "clusterIP") === "None" || textAt(object, "spec", "type") === "ExternalName";
  const ports = listAt(object, "spec", "ports");
  if (ports.length === 0) return portless ? [] : [fieldRequired(spec.child("ports"))];
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const name = textAt(port, "name");
    const where = spec.child("ports").index(index).child("name");
    if (name === "") return ports.length > 1 ? [fieldRequired(where)] : [];
    if (names.has(name)) return [fieldDuplicate(where, name)];
    names.add(name);
    return [];
  });
}

export function persistentVolumeClaimErrors(object: KubeObject): FieldError[] {
  const modes = textsAt(object, "spec", "accessModes");
  const requests = new Map(pairsAt(object, "spec", "resources", "requests"));
  return [
    ...(modes.length === 0
      ? [fieldRequired(spec.child("accessModes"), "at least 1 access mode is required")]
      : []),
    ...(requests.has("storage") ? [] : [fieldRequired(spec.child("resources").key("storage"))]),
  ];
}

export const storageClassErrors = (object: KubeObject): FieldError[] =>
  textAt(object, "provisioner") === "" ? [fieldRequired("provisioner")] : [];

export function ingressErrors(object: KubeObject): FieldError[] {
  const rules = listAt(object, "spec", "rules");
  const errors: FieldError[] = [];
  if (rules.length === 0 && valueAt(object, "spec", "defaultBackend") === undefined)
    errors.push(fieldInvalid(spec, null, "either `defaultBackend` or `rules` must be specified"));
  rules.forEach((rule, index) => {
    listAt(rule, "http", "paths").forEach((path, at) => {
      if (textAt(path, "pathType") !== "") return;
      const where = spec.child("rules").index(index).child("http", "paths").index(at);
      errors.push(fieldRequired(where.child("pathType"), "pathType must be specified"));
    });
  });
  return errors;
}

export function autoscalerErrors(object: KubeObject): FieldError[] {
  const min = Number(valueAt(object, "spec", "minReplicas") ?? 1);
  const max = Number(valueAt(object, "spec", "maxReplicas") ?? 0);
  const path = spec.child("maxReplicas");
  const errors: FieldError[] = [];
  if (min < 1)
    errors.push(fieldInvalid(spec.child("minReplicas"), min, "must be greater than or equal to 1"));
  if (max === 0) errors.push(fieldRequired(path, "must be set and greater than 0"));
  else if (max < 0) errors.push(fieldInvalid(path, max, "must be greater than or equal to 1"));
  if (max < min) errors.push(fieldInvalid(path, max, "must be greater than or equal to `minReplicas`"));
  for (const field of ["kind", "name"]) {
    if (textAt(object, "spec", "scaleTargetRef", field) === "")
      errors.push(fieldRequired(spec.child("scaleTargetRef", field)));
  }
  return errors;
}

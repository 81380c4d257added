/** What an update may change of a Job (ValidateJobSpecUpdate in k8s.io/kubernetes pkg/apis/batch/validation). */

import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import { numberAt } from "../validation/checks.ts";
import { immutable } from "./immutable.ts";
import { jsonOf, listAt, type Members, membersAt, textAt, valueAt } from "./members.ts";

const spec = FieldPath.of("spec");

/** Where the pods of a suspended Job may run is not settled yet. */
const schedulingDirectives: ReadonlySet<string> = new Set(["nodeSelector", "tolerations", "schedulingGates"]);

export const jobUpdateErrors = (object: KubeObject, old: KubeObject): FieldError[] => [
  ...completionsErrors(object, old),
  ...immutable(object, old, "spec", "selector"),
  ...templateErrors(object, old),
  ...["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"].flatMap(
    (field) => immutable(object, old, "spec", field),
  ),
];

/** An Indexed Job may grow and shrink, with as many pods at a time. */
function completionsErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const errors = immutable(object, old, "spec", "completions");
  if (textAt(object, "spec", "completionMode") !== "Indexed") return errors;
  const completions = valueAt(object, "spec", "completions");
  const together = completions === undefined || completions === valueAt(object, "spec", "parallelism");
  if (errors.length === 0 || together) return [];
  const detail = `can only be modified in tandem with ${spec.child("parallelism")}`;
  return [fieldInvalid(spec.child("completions"), completions, detail)];
}

function templateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  if (!waits(old)) return immutable(object, old, "spec", "template");
  const pod = membersAt(object, "spec", "template", "spec");
  const oldPod = membersAt(old, "spec", "template", "spec");
  if (jsonEqual(jsonOf(settled(pod, oldPod)), jsonOf(settled(oldPod, pod)))) return [];
  return [fieldInvalid(spec.child("template", "spec"), pod, fieldImmutable)];
}

/** Whether a Job is suspended, and none of its pods runs. */
function waits(job: KubeObject): boolean {
  const suspended = listAt(job, "status", "conditions").some(
    (each) => textAt(each, "type") === "Suspended" && textAt(each, "status") === "True",
  );
  const started = valueAt(job, "status", "startTime") !== undefined;
  const active = numberAt(job, "status", "active") ?? 0;
  return valueAt(job, "spec", "suspend") === true && (!started || suspended) && active === 0;
}

/** A pod without what may change while its Job waits: scheduling, and the resources of containers that are `other`'s too. */
function settled(pod: Members, other: Members): Members {
  const { affinity, ...rest } = pod;
  const kept = Object.entries(rest).filter(([field]) => !schedulingDirectives.has(field));
  const apart = Object.entries(membersAt(affinity)).filter(([field]) => field !== "nodeAffinity");
  if (apart.length > 0) kept.push(["affinity", Object.fromEntries(apart)]);
  return {
    ...Object.fromEntries(kept),
    containers: bare(pod, other, "containers"),
    initContainers: bare(pod, other, "initContainers"),
  };
}

function bare(pod: Members, other: Members, field: string): readonly Members[] {
  const theirs = listAt(other, field);
  const ours = listAt(pod, field);
  if (ours.length !== theirs.length) return ours;
  return ours.map((container, index) => {
    if (textAt(container, "name") !== textAt(theirs[index], "name")) return container;
    const { resources: _, ...rest } = container;
    return rest;
  });
}

/** Counts that controllers tell (Validate...Status of pkg/apis/{apps,batch,core,policy}/validation). */
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { membersAt } from "../strategies/members.ts";
import { type Errors, nonNegative, numberAt } from "./checks.ts";

const path = FieldPath.of("status");

/** Which counts there are; `parts` are no more than all replicas. */
const countedStatus = (counts: readonly string[], parts: readonly string[] = [], of = "readyReplicas") =>
  function* (object: KubeObject): Errors {
    const status = membersAt(object, "status");
    yield* nonNegative(status, path, ...counts);
    if (parts.length === 0) return;
    const replicas = numberAt(status, "replicas") ?? 0;
    for (const field of parts) {
      const count = numberAt(status, field) ?? 0;
      if (count > replicas)
        yield fieldInvalid(path.child(field), count, "cannot be greater than status.replicas");
    }
    const available = numberAt(status, "availableReplicas") ?? 0;
    if (available > (numberAt(status, "readyReplicas") ?? 0))
      yield fieldInvalid(path.child("availableReplicas"), available, `cannot be greater than ${of}`);
  };

export const deploymentStatusErrors = countedStatus(
  [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
  ],
  ["updatedReplicas", "readyReplicas", "availableReplicas"],
);
export const replicaSetStatusErrors = countedStatus(
  ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
  ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
);
export const statefulSetStatusErrors = countedStatus(
  [
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
  ],
  ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
  "status.readyReplicas",
);
export const daemonSetStatusErrors = countedStatus([
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
]);
export const jobStatusErrors = countedStatus(["active", "succeeded", "failed", "ready", "terminating"]);
export const budgetStatusErrors = countedStatus([
  "disruptionsAllowed",
  "currentHealthy",
  "desiredHealthy",
  "expectedPods",
]);

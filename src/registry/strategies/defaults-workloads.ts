/** Defaults in code of apps/v1 and batch/v1 (k8s.io/kubernetes pkg/apis/{apps,batch}/v1/defaults.go). */
import type { KubeObject } from "#machinery/meta/object.ts";
import { labelsFrom } from "./defaults-core.ts";
import { podTemplateDefaults } from "./defaults-pod.ts";
import { addPairs, type Draft, draftAt, draftOf, fill, fillZero, given, givenList } from "./draft.ts";

const maxInt32 = 2_147_483_647;

export function deploymentDefaults(object: KubeObject): void {
  const spec = specWithTemplate(object);
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = draftAt(spec, "strategy");
  fillZero(strategy, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate")
    fill(draftAt(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
}

/** Where upstream's internal `spec.templateGeneration` shows. */
export const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

export function daemonSetDefaults(object: KubeObject): void {
  const { annotations } = object.metadata;
  if (annotations?.[templateGenerationAnnotation] === undefined)
    object.metadata.annotations = { ...annotations, [templateGenerationAnnotation]: "0" };
  const spec = specWithTemplate(object);
  fill(spec, { revisionHistoryLimit: 10 });
  const strategy = draftAt(spec, "updateStrategy");
  fillZero(strategy, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate")
    fill(draftAt(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
}

export function statefulSetDefaults(object: KubeObject): void {
  const spec = specWithTemplate(object);
  fillZero(spec, { podManagementPolicy: "OrderedReady" });
  const strategy = draftAt(spec, "updateStrategy");
  if ((strategy.type ?? "") === "") {
    strategy.type = "RollingUpdate";
    draftAt(strategy, "rollingUpdate");
  }
  const rolling = given(strategy, "rollingUpdate");
  if (strategy.type === "RollingUpdate" && rolling !== undefined) fill(rolling, { partition: 0 });
  fillZero(draftAt(spec, "persistentVolumeClaimRetentionPolicy"), {
    whenDeleted: "Retain",
    whenScaled: "Retain",
  });
  fill(spec, { replicas: 1, revisionHistoryLimit: 10 });
  for (const claim of givenList(spec, "volumeClaimTemplates")) {
    fillZero(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim" });
    fill(draftAt(claim, "spec"), { volumeMode: "Filesystem" });
    fillZero(draftAt(claim, "status"), { phase: "Pending" });
  }
}

export const replicaSetDefaults = (object: KubeObject): void =>
  fill(specWithTemplate(object), { replicas: 1 });

export function jobDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  jobSpecDefaults(spec);
  labelsFrom(object, given(given(given(spec, "template"), "metadata"), "labels"));
}

function jobSpecDefaults(spec: Draft): void {
  if ((spec.parallelism ?? undefined) === undefined) fill(spec, { completions: 1, parallelism: 1 });
  fill(spec, {
    backoffLimit: (spec.backoffLimitPerIndex ?? undefined) === undefined ? 6 : maxInt32,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: given(spec, "podFailurePolicy") === undefined ? "TerminatingOrFailed" : "Failed",
    manualSelector: false,
  });
  failurePolicyDefaults(spec);
  podTemplateDefaults(draftAt(spec, "template"));
}

function failurePolicyDefaults(spec: Draft): void {
  for (const rule of givenList(given(spec, "podFailurePolicy"), "rules")) {
    for (const condition of givenList(rule, "onPodConditions")) fillZero(condition, { status: "True" });
  }
}

/** A job's pods are found by its UID (pkg/registry/batch/job/strategy.go). After the defaults, at creation. */
export function generateJobSelector(object: KubeObject): void {
  const spec = object.spec as Draft;
  if (spec.manualSelector === true) return;
  const name = object.metadata.name ?? "";
  const uid = object.metadata.uid ?? "";
  const metadata = draftAt(draftAt(spec, "template"), "metadata");
  addPairs(metadata, "labels", {
    "job-name": name,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "batch.kubernetes.io/controller-uid": uid,
  });
  addPairs(draftAt(spec, "selector"), "matchLabels", { "batch.kubernetes.io/controller-uid": uid });
  // Upstream's defaults apply once more to what is read from the store: the job has its template's new labels too.
  labelsFrom(object, given(metadata, "labels"));
}

export function cronJobDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  fillZero(spec, { concurrencyPolicy: "Allow" });
  fill(spec, { suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
  // Of a job that is yet to be made only the pods have defaults.
  const job = draftAt(draftAt(spec, "jobTemplate"), "spec");
  failurePolicyDefaults(job);
  podTemplateDefaults(draftAt(job, "template"));
}

function specWithTemplate(object: KubeObject): Draft {
  const spec = draftOf(object, "spec");
  podTemplateDefaults(draftAt(spec, "template"));
  return spec;
}

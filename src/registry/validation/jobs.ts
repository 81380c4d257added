/** Jobs and cron jobs (pkg/apis/batch/validation). */
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
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { labelSelectorErrors, selectorChooses } from "../strategies/label-selector.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, invalids, nonNegative, numberAt, oneOf, optionalWord } from "./checks.ts";
import { domainPathErrors } from "./classes.ts";
import { isTimeZone, scheduleProblem } from "./cron-schedule.ts";
import { podTemplateErrors } from "./pod-spec.ts";
import { podWarnings } from "./pod-warnings.ts";
import { matchErrors, noMatch, podNameWarnings } from "./workloads.ts";

const spec = FieldPath.of("spec");
const maxIndexedParallelism = 100_000;

export function* jobErrors(object: KubeObject): Errors {
  const job = membersAt(object, "spec");
  yield* generatedErrors(object);
  yield* jobSpecErrors(job, spec);
  const selector = labelSelectorErrors(valueAt(job, "selector"), spec.child("selector"));
  if (!has(job, "selector")) {
    yield fieldRequired(spec.child("selector"));
    yield noMatch(object);
  }
  yield* selector;
  if (has(job, "selector") && selector.length === 0) yield* matchErrors(object, valueAt(job, "selector"));
  const completions = numberAt(job, "completions") ?? 0;
  if (textAt(job, "completionMode") !== "Indexed" || completions === 0) return;
  const { name = "" } = object.metadata;
  const last = `${name}-${completions - 1}`;
  if (dns1123LabelErrors(last).length > 0)
    yield fieldInvalid("metadata.name", name, `will not able to create pod with invalid DNS label: ${last}`);
}

/** What the server has added must be as it made it, whatever was there before. */
function* generatedErrors(object: KubeObject): Errors {
  const selector = valueAt(object, "spec", "selector");
  if (valueAt(object, "spec", "manualSelector") === true || selector === undefined) return;
  const { name = "", uid = "" } = object.metadata;
  const expected: Readonly<Record<string, string>> = {
    "controller-uid": uid,
    "job-name": name,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
  };
  const labels = new Map(pairsAt(object, "spec", "template", "metadata", "labels"));
  for (const [key, value] of Object.entries(expected)) {
    const at = spec.child("template", "metadata", "labels").key(key);
    if (!labels.has(key)) yield fieldRequired(at, `must be '${value}'`);
    else if (labels.get(key) !== value)
      yield fieldInvalid(at, Object.fromEntries(labels), `must be '${value}'`);
  }
  const valid = labelSelectorErrors(selector, spec).length === 0;
  if (valid && !selectorChooses(selector, expected))
    yield fieldInvalid(spec.child("selector"), selector, "`selector` not auto-generated");
}

/** A JobSpec at `path`, its selector aside. */
function* jobSpecErrors(job: Members, path: FieldPath): Errors {
  yield* nonNegative(
    job,
    path,
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  );
  if (has(job, "maxFailedIndexes") && !has(job, "backoffLimitPerIndex"))
    yield fieldRequired(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
  if (has(job, "managedBy")) yield* managerErrors(textAt(job, "managedBy"), path.child("managedBy"));
  yield* optionalWord(job, "completionMode", path, ["NonIndexed", "Indexed"]);
  const indexed = textAt(job, "completionMode") === "Indexed";
  if (indexed) yield* indexedErrors(job, path);
  else if (["", "NonIndexed"].includes(textAt(job, "completionMode"))) {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"]) {
      const value = numberAt(job, field);
      if (value !== undefined)
        yield fieldInvalid(path.child(field), value, "requires indexed completion mode");
    }
  }
  yield* failurePolicyErrors(job, path.child("podFailurePolicy", "rules"));
  const success = path.child("successPolicy");
  if (has(job, "successPolicy")) {
    if (!indexed)
      yield fieldInvalid(success, valueAt(job, "successPolicy"), "requires indexed completion mode");
    else yield* successErrors(job, success.child("rules"));
  }
  const replacement = has(job, "podFailurePolicy") ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  yield* optionalWord(job, "podReplacementPolicy", path, replacement);
  yield* podTemplateErrors(membersAt(job, "template"), path.child("template"));
  yield* endingErrors(job, path.child("template", "spec", "restartPolicy"));
}

/** Pods of jobs end. */
function* endingErrors(job: Members, path: FieldPath): Errors {
  const policy = textAt(job, "template", "spec", "restartPolicy");
  if (policy === "Always" || policy === "") yield fieldRequired(path, 'valid values: "OnFailure", "Never"');
  else if (policy !== "OnFailure" && policy !== "Never")
    yield fieldNotSupported(path, policy, ["OnFailure", "Never"]);
  else if (policy !== "Never" && has(job, "podFailurePolicy"))
    yield fieldInvalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified');
}

function* managerErrors(manager: string, path: FieldPath): Errors {
  yield* domainPathErrors(manager, path);
  if (Buffer.byteLength(manager) > 63)
    yield { type: "FieldValueTooLong", field: path.toString(), detail: "may not be more than 63 bytes" };
}

function* indexedErrors(job: Members, path: FieldPath): Errors {
  const completions = numberAt(job, "completions");
  const failed = numberAt(job, "maxFailedIndexes");
  if (completions === undefined)
    yield fieldRequired(path.child("completions"), "when completion mode is Indexed");
  const parallelism = numberAt(job, "parallelism") ?? 0;
  if (parallelism > maxIndexedParallelism) {
    const detail = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`;
    yield fieldInvalid(path.child("parallelism"), parallelism, detail);
  }
  if (completions !== undefined && failed !== undefined && failed > completions)
    yield fieldInvalid(path.child("maxFailedIndexes"), failed, "must be less than or equal to completions");
}

const actions = ["Count", "FailIndex", "FailJob", "Ignore"] as const;
const statuses = ["False", "True", "Unknown"] as const;

const listed = (words: readonly string[]): string =>
  `valid values: [${words.map((word) => `"${word}"`).join(" ")}]`;

function* failurePolicyErrors(job: Members, path: FieldPath): Errors {
  const containers = [
    ...listAt(job, "template", "spec", "containers"),
    ...listAt(job, "template", "spec", "initContainers"),
  ];
  const names = new Set(containers.map((container) => textAt(container, "name")));
  for (const [index, rule] of listAt(job, "podFailurePolicy", "rules").entries()) {
    const at = path.index(index);
    const action = textAt(rule, "action");
    if (action === "") yield fieldRequired(at.child("action"), listed(actions));
    else if (action === "FailIndex") {
      if (!has(job, "backoffLimitPerIndex"))
        yield fieldInvalid(at.child("action"), action, "requires the backoffLimitPerIndex to be set");
    } else yield* oneOf(action, at.child("action"), actions);
    const conditions = listAt(rule, "onPodConditions");
    if (has(rule, "onExitCodes"))
      yield* exitCodeErrors(membersAt(rule, "onExitCodes"), names, at.child("onExitCodes"));
    for (const [place, condition] of conditions.entries()) {
      const where = at.child("onPodConditions").index(place);
      const type = textAt(condition, "type");
      yield* invalids(where.child("type"), type, qualifiedNameErrors(type));
      const status = textAt(condition, "status");
      if (status === "") yield fieldRequired(where.child("status"), listed(statuses));
      else yield* oneOf(status, where.child("status"), statuses);
    }
    if (has(rule, "onExitCodes") === conditions.length > 0) {
      const detail =
        conditions.length > 0
          ? "specifying both OnExitCodes and OnPodConditions is not supported"
          : "specifying one of OnExitCodes and OnPodConditions is required";
      yield fieldInvalid(at, undefined, detail);
    }
  }
}

function* exitCodeErrors(codes: Members, containers: ReadonlySet<string>, path: FieldPath): Errors {
  const operator = textAt(codes, "operator");
  if (operator === "") yield fieldRequired(path.child("operator"), listed(["In", "NotIn"]));
  else yield* oneOf(operator, path.child("operator"), ["In", "NotIn"]);
  if (has(codes, "containerName") && !containers.has(textAt(codes, "containerName"))) {
    const detail = "must be one of the container or initContainer names in the pod template";
    yield fieldInvalid(path.child("containerName"), textAt(codes, "containerName"), detail);
  }
  const values = listAt(codes, "values").map(Number);
  const at = path.child("values");
  if (values.length === 0)
    yield fieldInvalid(at, valueAt(codes, "values") ?? null, "at least one value is required");
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === "In" && value === 0)
      yield fieldInvalid(at.index(index), value, "must not be 0 for the In operator");
    if (seen.has(value)) yield fieldDuplicate(at.index(index), value);
    seen.add(value);
  }
  if (values.some((value, index) => index > 0 && values[index - 1]! > value))
    yield fieldInvalid(at, values, "must be ordered");
}

function* successErrors(job: Members, path: FieldPath): Errors {
  const rules = listAt(job, "successPolicy", "rules");
  const completions = numberAt(job, "completions") ?? 0;
  if (rules.length === 0)
    yield fieldRequired(path, "at least one rules must be specified when the successPolicy is specified");
  for (const [index, rule] of rules.entries()) {
    const at = path.index(index);
    const count = numberAt(rule, "succeededCount");
    if (count === undefined && !has(rule, "succeededIndexes"))
      yield fieldRequired(at, "at least one of succeededCount or succeededIndexes must be specified");
    yield* nonNegative(rule, at, "succeededCount");
    if (count !== undefined && count > completions) {
      const detail = `must be less than or equal to ${completions} (the number of specified completions)`;
      yield fieldInvalid(at.child("succeededCount"), count, detail);
    }
  }
}

const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/;

export function* cronJobErrors(object: KubeObject): Errors {
  const cron = membersAt(object, "spec");
  const schedule = textAt(cron, "schedule");
  const at = spec.child("schedule");
  if (schedule === "") yield fieldRequired(at);
  else {
    const problem = scheduleProblem(schedule);
    if (problem !== undefined) yield fieldInvalid(at, schedule, problem);
    if (schedule.includes("TZ"))
      yield fieldInvalid(at, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
  yield* nonNegative(cron, spec, "startingDeadlineSeconds");
  if (has(cron, "timeZone")) yield* zoneErrors(textAt(cron, "timeZone"), spec.child("timeZone"));
  const concurrency = textAt(cron, "concurrencyPolicy");
  yield* oneOf(concurrency, spec.child("concurrencyPolicy"), ["Allow", "Forbid", "Replace"], true);
  const job = membersAt(cron, "jobTemplate", "spec");
  const path = spec.child("jobTemplate", "spec");
  yield* jobSpecErrors(job, path);
  if (has(job, "selector"))
    yield fieldInvalid(path.child("selector"), valueAt(job, "selector"), "`selector` will be auto-generated");
  if (valueAt(job, "manualSelector") === true)
    yield fieldNotSupported(path.child("manualSelector"), true, ["nil", "false"]);
  yield* nonNegative(cron, spec, "successfulJobsHistoryLimit", "failedJobsHistoryLimit");
}

function* zoneErrors(zone: string, path: FieldPath): Errors {
  if (zone === "") {
    yield fieldInvalid(path, zone, "timeZone must be nil or non-empty string");
    return;
  }
  const unknown = fieldInvalid(path, zone, `unknown time zone ${zone}`);
  const parts = zone.split("/");
  if (parts.some((part) => part === "." || part === ".." || part.startsWith("-") || !zonePart.test(part))) {
    yield unknown;
    return;
  }
  if (zone.toLowerCase() === "local") {
    const detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    yield fieldInvalid(path, zone, detail);
  }
  if (!isTimeZone(zone)) yield unknown;
}

/** What a name may have so that the jobs made of it can add eleven characters. */
const maxCronJobNameLength = 52;

export function cronJobNameErrors({ metadata: { name = "" } }: KubeObject): FieldError[] {
  if (Buffer.byteLength(name) <= maxCronJobNameLength) return [];
  return [fieldInvalid("metadata.name", name, `must be no more than ${maxCronJobNameLength} characters`)];
}

/** The schedule may name a zone, which is refused now; the template has its own warnings. */
export function cronJobWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  if (old !== undefined && old.metadata.generation === object.metadata.generation) return [];
  const template = valueAt(object, "spec", "jobTemplate", "spec", "template");
  return [...podNameWarnings(object, old), ...podWarnings(template, "spec.jobTemplate.spec.template.")];
}

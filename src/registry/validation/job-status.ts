/**
 * The status of a Job, and what an update of it may change (ValidateJobUpdateStatus in pkg/apis/batch/validation, with the
 * options of pkg/registry/batch/job). Most rules look only at what changed, so that what is wrong already stops nobody.
 */
import {
  type FieldError,
  fieldDuplicate,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import { jsonOf, listAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { type Errors, numberAt } from "./checks.ts";
import { indexesProblem, overlapProblem } from "./job-indexes.ts";
import { jobStatusErrors } from "./statuses.ts";

const path = FieldPath.of("status");
const conditions = path.child("conditions");
const ending = ["Complete", "Failed"] as const;

/** @param old the Job before the update */
export function* jobStatusUpdateErrors(object: KubeObject, old: KubeObject): Errors {
  yield* jobStatusErrors(object);
  yield* uncountedErrors(object);
  yield* conditionErrors(object, old);
  yield* transitionErrors(object, old);
}

const isTrue = (job: KubeObject, type: string): boolean => hasStatus(job, type, "True");
const isFinished = (job: KubeObject): boolean => ending.some((type) => isTrue(job, type));
const countOf = (job: KubeObject, field: string): number => numberAt(job, "status", field) ?? 0;

function hasStatus(job: KubeObject, type: string, status: string): boolean {
  return listAt(job, "status", "conditions").some(
    (each) => textAt(each, "type") === type && textAt(each, "status") === status,
  );
}

/** A condition is no value that is shown. */
const wrong = (detail: string): FieldError => fieldInvalid(conditions, undefined, detail);

/** Pods that have ended and are not in the counts yet: each once. */
function* uncountedErrors(job: KubeObject): Errors {
  const seen = new Set<string>();
  for (const field of ["succeeded", "failed"]) {
    const uids = textsAt(job, "status", "uncountedTerminatedPods", field);
    for (const [index, uid] of uids.entries()) {
      const at = path.child("uncountedTerminatedPods", field).index(index);
      if (uid === "") yield fieldInvalid(at, uid, "must not be empty");
      else if (seen.has(uid)) yield fieldDuplicate(at, uid);
      seen.add(uid);
    }
  }
}

/** What a status says must fit together, where it says something new. */
function* conditionErrors(job: KubeObject, old: KubeObject): Errors {
  const turned = (type: string): boolean => isTrue(job, type) !== isTrue(old, type);
  const changed = (field: string): boolean =>
    !jsonEqual(jsonOf(valueAt(job, "status", field)), jsonOf(valueAt(old, "status", field)));
  const complete = isTrue(job, "Complete");
  const failed = isTrue(job, "Failed");
  const finished = isFinished(job);
  const ends = finished !== isFinished(old);
  const ready = numberAt(job, "status", "ready");
  const start = valueAt(job, "status", "startTime");
  const completion = valueAt(job, "status", "completionTime");
  const at = path.child("completionTime");

  if ((turned("Complete") || turned("Failed")) && complete && failed)
    yield wrong("cannot set Complete=True and Failed=true conditions");
  if ((turned("Complete") || turned("FailureTarget")) && complete && isTrue(job, "FailureTarget"))
    yield wrong("cannot set Complete=True and FailureTarget=true conditions");
  if (turned("Complete") || changed("completionTime")) {
    if (completion !== undefined && !complete)
      yield fieldInvalid(
        at,
        completion,
        "cannot set completionTime when there is no Complete=True condition",
      );
    if (completion === undefined && complete)
      yield fieldRequired(at, "completionTime is required for Complete jobs");
  }
  const timed = changed("startTime") || changed("completionTime");
  if (timed && start !== undefined && completion !== undefined && isBefore(completion, start))
    yield fieldInvalid(at, completion, "must be equal to or after `startTime`");
  if ((turned("Failed") || changed("failedIndexes")) && failed && !isTrue(job, "FailureTarget"))
    yield wrong("cannot set Failed=True condition without the FailureTarget=true condition");
  if ((turned("Complete") || turned("SuccessCriteriaMet")) && complete && !isTrue(job, "SuccessCriteriaMet"))
    yield wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  if (finished) {
    const active = countOf(job, "active");
    if ((ends || changed("active")) && active > 0)
      yield fieldInvalid(path.child("active"), active, "active>0 is invalid for finished job");
    if ((ends || changed("startTime")) && start === undefined && !waitsForNothing(job))
      yield fieldRequired(path.child("startTime"), "startTime is required for finished job");
    const uncounted = path.child("uncountedTerminatedPods");
    const [succeeded, broken] = ["succeeded", "failed"].map((field) =>
      textsAt(job, "status", "uncountedTerminatedPods", field),
    );
    if ((ends || changed("uncountedTerminatedPods")) && succeeded!.length + broken!.length > 0) {
      // As Go prints a struct without names for JSON.
      const shown = { Succeeded: orNull(succeeded!), Failed: orNull(broken!) };
      yield fieldInvalid(uncounted, shown, "must be empty for finished job");
    }
  }
  yield* indexErrors(job, changed);
  const terminating = countOf(job, "terminating");
  if (finished && (ends || changed("terminating")) && terminating > 0)
    yield fieldInvalid(path.child("terminating"), terminating, "terminating>0 is invalid for finished job");
  if ((changed("ready") || changed("active")) && ready !== undefined && ready > countOf(job, "active"))
    yield fieldInvalid(path.child("ready"), ready, "cannot set more ready pods than active");
  if (isTrue(job, "SuccessCriteriaMet")) {
    if (failed) yield wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions");
    if (isTrue(job, "FailureTarget"))
      yield wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  } else if (complete && valueAt(job, "spec", "successPolicy") !== undefined)
    yield wrong("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
}

/** The indexes of an Indexed Job that have ended, one way or the other. */
function* indexErrors(job: KubeObject, changed: (field: string) => boolean): Errors {
  const completions = numberAt(job, "spec", "completions");
  const completed = textAt(job, "status", "completedIndexes");
  const failed = valueAt(job, "status", "failedIndexes") as string | undefined;
  const perIndex = valueAt(job, "spec", "backoffLimitPerIndex") !== undefined;
  const at = path.child("completedIndexes");
  const failedAt = path.child("failedIndexes");
  if (changed("completedIndexes") && completions !== undefined) {
    const problem = indexesProblem(completed, completions);
    if (problem !== undefined)
      yield fieldInvalid(at, completed, `error parsing completedIndexes: ${problem}`);
  }
  if (changed("failedIndexes") && completions !== undefined && perIndex && failed !== undefined) {
    const problem = indexesProblem(failed, completions);
    if (problem !== undefined)
      yield fieldInvalid(failedAt, failed, `error parsing failedIndexes: ${problem}`);
  }
  if (changed("completedIndexes") && completed !== "" && textAt(job, "spec", "completionMode") !== "Indexed")
    yield fieldInvalid(
      at,
      completed,
      "cannot set non-empty completedIndexes when non-indexed completion mode",
    );
  if (changed("failedIndexes") && !perIndex && failed !== undefined)
    yield fieldInvalid(
      failedAt,
      failed,
      "cannot set non-null failedIndexes when backoffLimitPerIndex is null",
    );
  const either = changed("failedIndexes") || changed("completedIndexes");
  if (!either || completions === undefined || failed === undefined) return;
  const overlap = overlapProblem(completed, failed, completions);
  if (overlap !== undefined) yield fieldInvalid(failedAt, failed, overlap);
}

/** An end is for good, and counts only grow. */
function* transitionErrors(job: KubeObject, old: KubeObject): Errors {
  for (const type of ["Failed", "Complete", "FailureTarget"])
    if (isTrue(old, type) && !isTrue(job, type))
      yield wrong(`cannot disable the terminal ${type}=True condition`);
  const indexed = textAt(job, "spec", "completionMode") === "Indexed";
  const scales = indexed && numberAt(job, "spec", "completions") === numberAt(job, "spec", "parallelism");
  for (const field of scales ? ["failed"] : ["failed", "succeeded"]) {
    const count = countOf(job, field);
    if (count < countOf(old, field))
      yield fieldInvalid(path.child(field), count, `cannot decrease the ${field} counter`);
  }
  const completion = valueAt(job, "status", "completionTime");
  const before = valueAt(old, "status", "completionTime");
  if (completion !== undefined && before !== undefined && completion !== before)
    yield fieldInvalid(path.child("completionTime"), completion, fieldImmutable);
  const start = valueAt(job, "status", "startTime");
  const started = valueAt(old, "status", "startTime");
  const resumes = hasStatus(old, "Suspended", "True") && hasStatus(job, "Suspended", "False");
  if (started !== undefined && start !== started && !resumes && valueAt(job, "spec", "suspend") !== true)
    yield fieldInvalid(
      path.child("startTime"),
      start ?? null,
      `${fieldImmutable} for unsuspended job once set`,
    );
  const met = isTrue(job, "SuccessCriteriaMet");
  const wasMet = isTrue(old, "SuccessCriteriaMet");
  if (wasMet && !met) yield wrong("cannot disable the SuccessCriteriaMet=True condition");
  if (isTrue(old, "Complete") && !wasMet && met)
    yield wrong("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}

/** A suspended Job of no completions ends without having begun. */
const waitsForNothing = (job: KubeObject): boolean =>
  valueAt(job, "spec", "suspend") === true && numberAt(job, "spec", "completions") === 0;

const isBefore = (a: unknown, b: unknown): boolean => Date.parse(String(a)) < Date.parse(String(b));
const orNull = (list: readonly string[]): readonly string[] | null => (list.length > 0 ? list : null);

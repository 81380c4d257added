import assert from "node:assert/strict";
import { test } from "node:test";
import { create, update } from "../strategies/testing.ts";

// What kube-apiserver 1.36.3 says to the same updates.

const at = (minute: number): string => `2026-11-26T19:0${minute}:00Z`;
const conditions = (...types: string[]): object[] =>
  types.map((each) => {
    const [type, status = "True"] = each.split("=");
    return { type, status };
  });
const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } };
const running = { startTime: at(0), active: 1 };
const met = { startTime: at(0), conditions: conditions("SuccessCriteriaMet") };
const complete = {
  startTime: at(0),
  completionTime: at(5),
  succeeded: 1,
  conditions: conditions("SuccessCriteriaMet", "Complete"),
};
const failed = { startTime: at(0), failed: 1, conditions: conditions("FailureTarget", "Failed") };
const indexed = { completionMode: "Indexed", completions: 5, parallelism: 2 };

function errorsOf(before: object, status: object, spec: object = {}): readonly string[] {
  const { object, errors } = create("batch/jobs", { spec: { template, ...spec } });
  assert.deepEqual(errors, []);
  const old = { ...object, status: before as never };
  return update("batch/jobs", old, { ...object, status }, "status").errors;
}

test("a job begins, ends, resumes", () => {
  for (const [before, status, spec] of [
    [{}, running],
    [running, complete],
    [running, failed],
    [complete, complete],
    [{ startTime: at(0) }, { startTime: at(3) }, { suspend: true }],
    [
      {},
      { completionTime: at(0), conditions: conditions("SuccessCriteriaMet", "Complete") },
      { suspend: true, completions: 0 },
    ],
    [
      { startTime: at(0), conditions: conditions("Suspended") },
      { startTime: at(4), conditions: conditions("Suspended=False") },
    ],
    [
      { startTime: at(0), succeeded: 2 },
      { startTime: at(0), succeeded: 1 },
      { ...indexed, completions: 2 },
    ],
    [
      running,
      { ...running, completedIndexes: "0,2-3", failedIndexes: "1,4" },
      { ...indexed, backoffLimitPerIndex: 1 },
    ],
  ] as const)
    assert.deepEqual(errorsOf(before, status, spec), []);
});

test("an end is for good, and says all that belongs to it", () => {
  assert.deepEqual(errorsOf(complete, { ...complete, startTime: at(1), completionTime: at(6) }), [
    `status.completionTime: Invalid value: "${at(6)}": field is immutable`,
    `status.startTime: Invalid value: "${at(1)}": field is immutable for unsuspended job once set`,
  ]);
  assert.deepEqual(errorsOf(running, { active: 1 }), [
    "status.startTime: Invalid value: null: field is immutable for unsuspended job once set",
  ]);
  assert.deepEqual(errorsOf(failed, { ...failed, conditions: [] }), [
    "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
    "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
  ]);
  assert.deepEqual(errorsOf(met, { ...met, conditions: [] }), [
    "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
  ]);
  assert.deepEqual(errorsOf(running, { startTime: at(0), conditions: conditions("Complete") }), [
    "status.completionTime: Required value: completionTime is required for Complete jobs",
    "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
  ]);
  assert.deepEqual(errorsOf(running, { ...running, conditions: conditions("Failed") }), [
    "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
    "status.active: Invalid value: 1: active>0 is invalid for finished job",
  ]);
  assert.deepEqual(errorsOf({}, { conditions: conditions("FailureTarget", "Failed") }), [
    "status.startTime: Required value: startTime is required for finished job",
  ]);
  assert.deepEqual(errorsOf({}, { ...complete, startTime: at(9) }), [
    `status.completionTime: Invalid value: "${at(5)}": must be equal to or after \`startTime\``,
  ]);
  assert.deepEqual(errorsOf(running, { ...running, completionTime: at(3) }), [
    `status.completionTime: Invalid value: "${at(3)}": cannot set completionTime when there is no Complete=True condition`,
  ]);
});

test("conditions that exclude each other", () => {
  const all = conditions("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet");
  assert.deepEqual(errorsOf(running, { startTime: at(0), completionTime: at(1), conditions: all }), [
    "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
    "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
  ]);
  const policy = { ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } };
  const ended = { startTime: at(0), completionTime: at(5), conditions: conditions("Complete") };
  assert.deepEqual(errorsOf(running, ended, policy), [
    "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
  ]);
});

test("counts", () => {
  assert.deepEqual(errorsOf({ startTime: at(0), succeeded: 3, failed: 2 }, { startTime: at(0) }), [
    "status.failed: Invalid value: 0: cannot decrease the failed counter",
    "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
  ]);
  assert.deepEqual(errorsOf(running, { ...running, ready: 3 }), [
    "status.ready: Invalid value: 3: cannot set more ready pods than active",
  ]);
  assert.deepEqual(errorsOf(running, { ...failed, terminating: 2 }), [
    "status.terminating: Invalid value: 2: terminating>0 is invalid for finished job",
  ]);
  const uncountedTerminatedPods = { succeeded: ["a", "a", ""], failed: ["b"] };
  assert.deepEqual(errorsOf(running, { ...failed, uncountedTerminatedPods }), [
    'status.uncountedTerminatedPods.succeeded[1]: Duplicate value: "a"',
    'status.uncountedTerminatedPods.succeeded[2]: Invalid value: "": must not be empty',
    'status.uncountedTerminatedPods: Invalid value: {"Succeeded":["a","a",""],"Failed":["b"]}: must be empty for finished job',
  ]);
});

test("indexes", () => {
  const of = (status: object, spec: object = indexed) => errorsOf(running, { ...running, ...status }, spec);
  const parsing = "error parsing completedIndexes";
  for (const [list, problem] of [
    ["0,3-2", "non-increasing order, previous: 3, current: 2"],
    ["0,7", 'too large index: "7"'],
    ["3,1", "non-increasing order, previous: 3, current: 1"],
    ["x", 'cannot convert string to integer for index: "x"'],
    [
      "1-2-3",
      "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
    ],
  ] as const)
    assert.deepEqual(of({ completedIndexes: list }), [
      `status.completedIndexes: Invalid value: "${list}": ${parsing}: ${problem}`,
    ]);
  const perIndex = { ...indexed, backoffLimitPerIndex: 1 };
  assert.deepEqual(of({ completedIndexes: "0-2,4", failedIndexes: "2-3" }, perIndex), [
    'status.failedIndexes: Invalid value: "2-3": failedIndexes and completedIndexes overlap at index: 2',
  ]);
  assert.deepEqual(of({ failedIndexes: "9,2" }, perIndex), [
    'status.failedIndexes: Invalid value: "9,2": error parsing failedIndexes: too large index: "9"',
  ]);
  assert.match(of({ completedIndexes: "0" }, {})[0]!, /completedIndexes when non-indexed completion mode$/);
  assert.match(of({ failedIndexes: "0" }, {})[0]!, /failedIndexes when backoffLimitPerIndex is null$/);
});

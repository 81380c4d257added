import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "#machinery/meta/object.ts";
import { create, update } from "./testing.ts";

const containers = [{ name: "a", image: "b:1", resources: { limits: { cpu: "1" } } }];
const pod = { containers, restartPolicy: "Never" };
const made = (spec: object) =>
  create("batch/jobs", { metadata: { uid: "u" }, spec: { template: { spec: pod }, ...spec } }).object;

/** The errors of an update that changes `spec`, and `podSpec` in its template; `status` is the old one's. */
function errorsOf(
  given: object,
  change: object,
  podSpec: object = {},
  status: object = {},
): readonly string[] {
  const old: KubeObject = { ...made(given), status };
  const spec = structuredClone(old.spec) as { template: { spec: object } };
  spec.template.spec = { ...spec.template.spec, ...podSpec };
  return update("batch/jobs", old, { ...old, spec: { ...spec, ...change } }).errors;
}

const image = { containers: [{ name: "a", image: "b:2", resources: { limits: { cpu: "1" } } }] };
const more = { containers: [{ name: "a", image: "b:1", resources: { limits: { cpu: "2" } } }] };

test("a job's template stays", () => {
  assert.deepEqual(errorsOf({}, { parallelism: 3, suspend: true, backoffLimit: 1 }), []);
  for (const change of [image, more, { nodeSelector: { a: "b" } }]) {
    const [error, ...others] = errorsOf({}, {}, change);
    assert.match(error!, /^spec\.template: Invalid value: \{.*\}: field is immutable$/);
    assert.deepEqual(others, []);
  }
});

test("while a job waits, its pods' places and resources may change", () => {
  const suspended = { suspend: true };
  const placed = {
    nodeSelector: { a: "b" },
    tolerations: [{ key: "a", operator: "Exists" }],
    schedulingGates: [{ name: "a.example.com/gate" }],
    affinity: { nodeAffinity: {} },
  };
  for (const change of [placed, more, { affinity: {} }]) {
    assert.deepEqual(errorsOf(suspended, {}, change), []);
    const paused = {
      startTime: "2026-01-02T03:04:05Z",
      conditions: [{ type: "Suspended", status: "True" }],
    };
    assert.deepEqual(errorsOf(suspended, {}, change, paused), []);
    assert.equal(errorsOf(suspended, {}, change, { ...paused, active: 1 }).length, 1);
    assert.equal(errorsOf(suspended, {}, change, { startTime: paused.startTime }).length, 1);
  }
  for (const change of [
    image,
    { affinity: { podAffinity: {} } },
    { initContainers: [{ ...containers[0], name: "i" }] },
  ]) {
    assert.match(errorsOf(suspended, {}, change)[0]!, /^spec\.template\.spec: Invalid value: .*immutable$/);
  }
});

test("completions stay, but for an indexed job whose parallelism goes with them", () => {
  assert.deepEqual(errorsOf({ completions: 2 }, { completions: 3 }), [
    "spec.completions: Invalid value: 3: field is immutable",
  ]);
  const indexed = { completions: 2, parallelism: 2, completionMode: "Indexed" };
  assert.deepEqual(errorsOf(indexed, { completions: 3, parallelism: 3 }), []);
  assert.deepEqual(errorsOf(indexed, { completions: 3 }), [
    "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism",
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, update } from "./testing.ts";

const limits = (...items: object[]) => create("/limitranges", { spec: { limits: items } });

test("a container's limits tell its defaults", () => {
  const { object, errors } = limits({
    type: "Container",
    max: { cpu: "2", memory: "1Gi" },
    min: { cpu: "100m", "ephemeral-storage": "1Gi" },
    default: { cpu: "1" },
    defaultRequest: { memory: "10Mi" },
  });
  assert.deepEqual(errors, []);
  const [item] = (object.spec as { limits: Record<string, unknown>[] }).limits;
  assert.deepEqual(item!.default, { cpu: "1", memory: "1Gi" });
  assert.deepEqual(item!.defaultRequest, { cpu: "1", memory: "10Mi", "ephemeral-storage": "1Gi" });
  assert.deepEqual(limits({ type: "Pod", max: { cpu: "1" } }).object.spec, {
    limits: [{ type: "Pod", max: { cpu: "1" } }],
  });
});

test("limits that contradict each other are refused", () => {
  assert.deepEqual(
    limits({ type: "Pod", min: { cpu: "2" }, max: { cpu: "1500m" }, default: { cpu: "1" } }).errors,
    [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1500m',
    ],
  );
  assert.deepEqual(
    limits({ type: "Pod", min: { cpu: "1" }, max: { cpu: "2" }, maxLimitRequestRatio: { cpu: "3" } }).errors,
    [
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
    ],
  );
  assert.deepEqual(limits({ type: "PersistentVolumeClaim" }).errors, [
    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
  ]);
  assert.deepEqual(limits({ type: "Pod" }, { type: "Pod" }, { type: "x" }).errors, [
    'spec.limits[1].type: Duplicate value: "Pod"',
    'spec.limits[2].type: Invalid value: "x": must be a standard limit type or fully qualified',
  ]);
  assert.deepEqual(limits({ type: "Container", max: { pods: "1" } }).errors.slice(0, 1), [
    'spec.limits[0].max[pods]: Invalid value: "pods": must be a standard resource for containers',
  ]);
});

const quota = (spec: object) => create("/resourcequotas", { spec });

test("quota names and values", () => {
  assert.deepEqual(
    quota({ hard: { pods: "10", "count/deployments.apps": "1", "limits.cpu": "500m" } }).errors,
    [],
  );
  assert.deepEqual(quota({ hard: { pods: "1.5", cpu: "-1", storage: "1", x: "1" } }).errors, [
    'spec.hard[pods]: Invalid value: "1.5": must be an integer',
    'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
    'spec.hard[x]: Invalid value: "x": must be a standard resource type or fully qualified',
    'spec.hard[x]: Invalid value: "x": must be a standard resource for quota',
  ]);
  assert.deepEqual(quota({ hard: { "requests.cpu": "2", "limits.cpu": "1" } }).warnings, [
    "ResourceQuota requests.cpu (2) should be less than limits.cpu (1)",
  ]);
});

test("quota scopes", () => {
  assert.deepEqual(quota({ scopes: ["BestEffort", "NotBestEffort"] }).errors, [
    'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
  ]);
  assert.deepEqual(quota({ hard: { secrets: "1" }, scopes: ["BestEffort", "Odd"] }).errors, [
    'spec.scopes: Invalid value: ["BestEffort","Odd"]: unsupported scope applied to resource',
    'spec.scopes: Invalid value: ["BestEffort","Odd"]: unsupported scope',
  ]);
  const { object } = quota({ scopes: ["BestEffort", "Terminating"] });
  assert.deepEqual(
    update("/resourcequotas", object, { spec: { scopes: ["Terminating", "BestEffort"] } }).errors,
    [],
  );
  assert.deepEqual(update("/resourcequotas", object, { spec: { scopes: ["Terminating"] } }).errors, [
    'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
  ]);
  const matchExpressions = [{ scopeName: "PriorityClass", operator: "In" }, { scopeName: "Terminating" }];
  const detail = quota({ scopeSelector: { matchExpressions } }).errors;
  assert.equal(detail.length, 3);
  assert.equal(
    detail[0],
    "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
  );
});

test("a ServiceAccount keeps the names of its secrets only", () => {
  const annotations = { "kubernetes.io/enforce-mountable-secrets": "true" };
  const { object, warnings } = create("/serviceaccounts", {
    metadata: { annotations },
    secrets: [{ name: "a", namespace: "elsewhere" }],
  });
  assert.deepEqual(object.secrets, [{ name: "a" }]);
  assert.equal(warnings.length, 1);
  assert.deepEqual(update("/serviceaccounts", object, { metadata: { annotations } }).warnings, []);
});

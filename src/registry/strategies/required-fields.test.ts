import assert from "node:assert/strict";
import { test } from "node:test";
import { create, strategyOf, update } from "./testing.ts";

const template = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "a", image: "b" }] },
};
const ending = { spec: { ...template.spec, restartPolicy: "Never" } };
const selector = { matchLabels: { app: "a" } };

test("parts without which a kind means nothing", () => {
  const errors = (key: string, spec: object) => create(key, { spec }).errors;
  assert.deepEqual(errors("/pods", { containers: [{}, { name: "A", image: "x" }] }).slice(0, 2), [
    "spec.containers[0].name: Required value",
    "spec.containers[0].image: Required value",
  ]);
  assert.deepEqual(errors("apps/deployments", { selector, template: { ...template, spec: ending.spec } }), [
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ]);
  assert.deepEqual(errors("apps/deployments", { selector, template, replicas: -3, minReadySeconds: -1 }), [
    "spec.replicas: Invalid value: -3: must be greater than or equal to 0",
    "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
  ]);
  assert.deepEqual(errors("batch/jobs", { template }), [
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ]);
  assert.deepEqual(errors("batch/cronjobs", { jobTemplate: { spec: { template: ending } } }), [
    "spec.schedule: Required value",
  ]);
  assert.deepEqual(errors("/services", {}), ["spec.ports: Required value"]);
  assert.deepEqual(errors("/services", { clusterIP: "None" }), []);
  assert.deepEqual(errors("/persistentvolumeclaims", {}), [
    "spec.accessModes: Required value: at least 1 access mode is required",
    "spec.resources[storage]: Required value",
  ]);
  assert.deepEqual(errors("networking.k8s.io/ingresses", {}), [
    "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified",
  ]);
  assert.deepEqual(errors("autoscaling/horizontalpodautoscalers", { minReplicas: 2 }), [
    "spec.maxReplicas: Required value: must be set and greater than 0",
    "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
    "spec.scaleTargetRef.kind: Required value",
    "spec.scaleTargetRef.name: Required value",
    'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
  ]);
  assert.deepEqual(create("storage.k8s.io/storageclasses", {}).errors, ["provisioner: Required value"]);
});

test("names of services and stateful sets are labels, and may be generated", () => {
  for (const key of ["/services", "apps/statefulsets"]) {
    const check = strategyOf(key).validateName!;
    assert.deepEqual(check("1-a", false), []);
    assert.deepEqual(check("a.b", false), ["must not contain dots"]);
    assert.deepEqual(check("svc-", true), [], "a prefix may end in a dash");
    assert.equal(check("svc-", false).length, 1);
  }
  const binding = strategyOf("rbac.authorization.k8s.io/rolebindings").validateName!;
  assert.deepEqual(binding("system:admin", false), []);
  assert.deepEqual(binding("..", false), ["may not be '..'"]);
  assert.deepEqual(strategyOf("networking.k8s.io/ipaddresses").validateName!("2001:db8::1", false), []);
});

test("what an update cannot change", () => {
  const changed = (key: string, old: object, next: object) =>
    update(key, create(key, old).object, next).errors;
  assert.deepEqual(
    changed(
      "storage.k8s.io/storageclasses",
      { provisioner: "a" },
      { provisioner: "b", reclaimPolicy: "Retain" },
    ),
    [
      'provisioner: Invalid value: "b": field is immutable',
      'reclaimPolicy: Invalid value: "Retain": field is immutable',
    ],
  );
  assert.deepEqual(changed("scheduling.k8s.io/priorityclasses", { value: 1 }, { value: 2 }), [
    "value: Forbidden: may not be changed in an update.",
  ]);
  assert.deepEqual(
    changed("apps/controllerrevisions", { data: { a: 1 } }, { data: { a: 1 }, revision: 2 }),
    [],
  );
  assert.equal(changed("apps/controllerrevisions", { data: { a: 1 } }, { data: { a: 2 } }).length, 1);
  assert.equal(changed("node.k8s.io/runtimeclasses", { handler: "a" }, { handler: "b" }).length, 1);
  assert.deepEqual(
    changed(
      "networking.k8s.io/ingressclasses",
      { spec: { controller: "a.io/a" } },
      { spec: { controller: "a.io/b" } },
    ),
    ['spec.controller: Invalid value: "a.io/b": field is immutable'],
  );
});

test("a cron job leaves room for the names of its jobs", () => {
  const spec = { schedule: "* * * * *", jobTemplate: { spec: { template: ending } } };
  const errors = (name: string) => create("batch/cronjobs", { metadata: { name }, spec }).errors;
  assert.deepEqual(errors("a".repeat(52)), []);
  assert.equal(errors("a".repeat(53)).length, 1);
});

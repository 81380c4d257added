import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { makeTestRegistry, rootCluster, type TestRegistry, testRequester } from "./testing/test-registry.ts";

let test_: TestRegistry;
before(async () => {
  test_ = await makeTestRegistry();
});
after(() => test_.close());

function update(
  group: string,
  resource: string,
  name: string,
  change: (current: KubeObject) => KubeObject,
  options: { version?: string; subresource?: string; namespace?: string } = {},
) {
  return test_.registry.update({
    resource: test_.registry.mustResource({ group, resource }),
    cluster: rootCluster,
    namespace: options.namespace ?? "default",
    name,
    version: options.version ?? "v1",
    subresource: options.subresource ?? "",
    dryRun: false,
    requester: testRequester,
    transform: (current) => change(current!),
  });
}

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };

test("an autoscaler made through v1 is stored as v2 and can be changed through both", async () => {
  const created = await test_.create(rootCluster, "horizontalpodautoscalers.autoscaling", "default", {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  });
  assert.equal(created.apiVersion, "autoscaling/v2");
  const metric = {
    type: "Resource",
    resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
  };
  assert.deepEqual((created.spec as { metrics: unknown }).metrics, [metric]);
  const pods = {
    type: "Pods",
    pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "1" } },
  };
  await update(
    "autoscaling",
    "horizontalpodautoscalers",
    "web",
    (current) => ({ ...current, spec: { ...(current.spec as object), metrics: [pods, metric] } }),
    { version: "v2" },
  );
  const { stored } = await update("autoscaling", "horizontalpodautoscalers", "web", (current) => {
    assert.equal(current.apiVersion, "autoscaling/v1");
    assert.match(current.metadata.annotations?.["autoscaling.alpha.kubernetes.io/metrics"] ?? "", /"Pods"/);
    return { ...current, spec: { ...(current.spec as object), maxReplicas: 9 } };
  });
  const spec = stored.object.spec as { maxReplicas: number; metrics: unknown };
  assert.equal(spec.maxReplicas, 9);
  assert.deepEqual(spec.metrics, [pods, metric]);
  assert.equal(stored.object.metadata.annotations?.["autoscaling.alpha.kubernetes.io/metrics"], undefined);
});

test("a deployment's generation counts its content only, and its status its own endpoint", async () => {
  const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "a", image: "x" }] } };
  const created = await test_.create(rootCluster, "deployments.apps", "default", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { selector: { matchLabels: { app: "a" } }, template },
    status: { replicas: 7 },
  });
  assert.deepEqual(created.status, {});
  assert.equal(created.metadata.generation, 1);
  // What the client wrote, without defaults, is no change.
  const same = await update("apps", "deployments", "web", (current) => ({
    ...current,
    spec: { selector: { matchLabels: { app: "a" } }, template },
  }));
  assert.equal(same.stored.object.metadata.resourceVersion, created.metadata.resourceVersion);
  const observed = await update(
    "apps",
    "deployments",
    "web",
    (current) => ({ ...current, spec: { replicas: 5 }, status: { replicas: 1 } }),
    { subresource: "status" },
  );
  assert.deepEqual(observed.stored.object.status, { replicas: 1 });
  assert.deepEqual(observed.stored.object.spec, created.spec);
  const scaled = await update("apps", "deployments", "web", (current) => ({
    ...current,
    spec: { ...(current.spec as object), replicas: 5 },
  }));
  assert.equal(scaled.stored.object.metadata.generation, 2);
  assert.deepEqual(scaled.stored.object.status, { replicas: 1 });
});

test("a node keeps the status it registers with", async () => {
  const status = { capacity: { cpu: "4" } };
  const node = await test_.create(rootCluster, "nodes", "", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n" },
    status,
  });
  assert.deepEqual(node.status, { ...status, allocatable: { cpu: "4" } });
});

test("errors of a strategy are one 422 that names every field", async () => {
  const object = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q", finalizers: ["mine"] } };
  await assert.rejects(
    test_.create(rootCluster, "resourcequotas", "default", { ...object, spec: { hard: { x: "1" } } }),
    (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.code, 422);
      assert.match(error.message, /^ResourceQuota "q" is invalid: \[spec\.hard\[x\]: Invalid value: "x"/);
      assert.deepEqual(
        error.status.details?.causes?.map(({ field }) => field),
        ["spec.hard[x]", "spec.hard[x]", "metadata.finalizers[0]"],
      );
      return true;
    },
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "#machinery/meta/object.ts";
import { horizontalPodAutoscalerToV1, horizontalPodAutoscalerToV2 } from "./hpa-conversion.ts";
import { create, strategyOf } from "./testing.ts";

const key = "autoscaling/horizontalpodautoscalers";
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const hpa = (spec: object, status: object = {}): KubeObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web" },
  spec: { scaleTargetRef, maxReplicas: 3, ...spec },
  status: { desiredReplicas: 0, currentMetrics: null, ...status },
});

test("v1's percentage is v2's metric of the processor", () => {
  const v1 = {
    ...hpa({ targetCPUUtilizationPercentage: 50 }),
    status: { currentReplicas: 0, desiredReplicas: 0 },
  };
  const v2 = horizontalPodAutoscalerToV2(v1);
  assert.deepEqual(v2.spec, {
    scaleTargetRef,
    maxReplicas: 3,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
      },
    ],
  });
  assert.deepEqual(horizontalPodAutoscalerToV1(v2), v1);
});

test("annotations are upstream's", () => {
  const v1 = horizontalPodAutoscalerToV1(
    hpa(
      {
        metrics: [
          {
            type: "Pods",
            pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "1k" } },
          },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
      },
      { conditions: [{ type: "AbleToScale", status: "True" }] },
    ),
  );
  assert.deepEqual(v1.metadata.annotations, {
    "autoscaling.alpha.kubernetes.io/metrics":
      '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1k"}}]',
    "autoscaling.alpha.kubernetes.io/behavior":
      '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":5,"SelectPolicy":null,"Policies":null,"Tolerance":null}}',
    "autoscaling.alpha.kubernetes.io/conditions": '[{"type":"AbleToScale","status":"True"}]',
  });
});

const quantity = fc.constantFrom("1", "500m", "2Gi", "10k");
const name = fc.constantFrom("requests", "a-b", "queue<&>");
const selector = fc.constantFrom(
  { matchLabels: { a: "b" } },
  { matchExpressions: [{ key: "k", operator: "Exists" }] },
);
const metric = fc.record({ name, selector }, { requiredKeys: ["name"] });
const describedObject = fc.record(
  { kind: fc.constant("Service"), name, apiVersion: fc.constant("v1") },
  { requiredKeys: ["kind", "name"] },
);
const value = quantity.map((text) => ({ type: "Value", value: text }));
const averageValue = quantity.map((text) => ({ type: "AverageValue", averageValue: text }));
const utilization = fc.integer({ min: 1, max: 100 }).map((percent) => ({
  type: "Utilization",
  averageUtilization: percent,
}));
const cpu = utilization.map((target) => ({ type: "Resource", resource: { name: "cpu", target } }));
const other = fc.oneof(
  fc
    .record({ metric, describedObject, target: fc.oneof(value, averageValue) })
    .map((object) => ({ type: "Object", object })),
  fc.record({ metric, target: averageValue }).map((pods) => ({ type: "Pods", pods })),
  fc
    .record({ name: fc.constant("memory"), target: fc.oneof(utilization, averageValue) })
    .map((resource) => ({ type: "Resource", resource })),
  fc
    .record({ name: fc.constant("cpu"), container: name, target: fc.oneof(utilization, averageValue) })
    .map((containerResource) => ({ type: "ContainerResource", containerResource })),
  fc
    .record({ metric, target: fc.oneof(value, averageValue) })
    .map((external) => ({ type: "External", external })),
);
const current = fc.oneof(
  fc
    .record({
      name: fc.constantFrom("cpu", "memory"),
      averageValue: quantity,
      averageUtilization: fc.nat(200),
    })
    .map(({ name: resource, ...now }) => ({ type: "Resource", resource: { name: resource, current: now } })),
  fc.record({ metric, averageValue: quantity }).map(({ metric: of, ...now }) => ({
    type: "Pods",
    pods: { metric: of, current: now },
  })),
  fc.record({ metric, describedObject, value: quantity }).map(({ value: now, ...object }) => ({
    type: "Object",
    object: { ...object, current: { value: now } },
  })),
);
const rules = fc.record(
  {
    stabilizationWindowSeconds: fc.nat(300),
    selectPolicy: fc.constantFrom("Max", "Min"),
    policies: fc.array(
      fc.record({ type: fc.constantFrom("Pods", "Percent"), value: fc.nat(9), periodSeconds: fc.nat(60) }),
      { minLength: 1, maxLength: 2 },
    ),
    tolerance: fc.constant("100m"),
  },
  { requiredKeys: [] },
);
const behavior = fc
  .record({ scaleUp: rules, scaleDown: rules }, { requiredKeys: [] })
  .filter((given) => Object.keys(given).length > 0);

test("a v2 object comes back from v1 as it was", () => {
  fc.assert(
    fc.property(
      fc.array(other, { maxLength: 4 }),
      fc.option(cpu, { nil: undefined }),
      fc.option(behavior, { nil: undefined }),
      fc.array(current, { maxLength: 3 }),
      fc.nat(5),
      (others, processor, given, currentMetrics, replicas) => {
        const metrics = processor === undefined ? others : [...others, processor];
        fc.pre(metrics.length > 0);
        const generated = hpa(
          { metrics, minReplicas: 2, ...(given === undefined ? {} : { behavior: given }) },
          {
            ...(replicas === 0 ? {} : { currentReplicas: replicas }),
            currentMetrics: currentMetrics.length === 0 ? null : currentMetrics,
          },
        );
        // fast-check's records have no prototype; JSON's do.
        const object = JSON.parse(JSON.stringify(generated)) as KubeObject;
        const before = structuredClone(object);
        assert.deepEqual(horizontalPodAutoscalerToV2(horizontalPodAutoscalerToV1(object)), object);
        assert.deepEqual(object, before);
      },
    ),
  );
});

test("annotations of another shape are left out of account", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.constantFrom(
          '[{"resource":{"targetAverageValue":{}}}]',
          "[1]",
          '{"ScaleUp":{"Policies":[{"Value":"x"}]}}',
        ),
      ),
      (text) => {
        const annotations = Object.fromEntries(
          ["metrics", "current-metrics", "conditions", "behavior"].map((field) => [
            `autoscaling.alpha.kubernetes.io/${field}`,
            text,
          ]),
        );
        const object = {
          ...hpa({ targetCPUUtilizationPercentage: 50 }),
          metadata: { name: "web", annotations },
        };
        const v2 = horizontalPodAutoscalerToV2(object);
        assert.equal(v2.metadata.annotations, undefined);
        assert.ok((v2.spec as { metrics: unknown[] }).metrics.length >= 1);
      },
    ),
  );
});

test("defaults of v2", () => {
  const { object } = create(key, {
    metadata: { annotations: { "autoscaling.alpha.kubernetes.io/metrics": "x", mine: "y" } },
    spec: { scaleTargetRef, maxReplicas: 3, behavior: { scaleUp: { selectPolicy: "Min" } } },
  });
  assert.deepEqual(object.metadata.annotations, { mine: "y" });
  assert.deepEqual(object.status, { desiredReplicas: 0, currentMetrics: null });
  const spec = object.spec as { minReplicas: number; metrics: unknown[]; behavior: Record<string, object> };
  assert.equal(spec.minReplicas, 1);
  assert.deepEqual(spec.metrics, [
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
  ]);
  assert.deepEqual(spec.behavior.scaleDown, {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  });
  assert.equal((spec.behavior.scaleUp as { selectPolicy: string }).selectPolicy, "Min");
  assert.equal(strategyOf(key).convert?.(object, "v1").metadata.annotations?.mine, "y");
});

test("v1 has a percentage unless it names other metrics", () => {
  const metrics = (text: string): Record<string, string> => ({
    "autoscaling.alpha.kubernetes.io/metrics": text,
  });
  const target = (annotations: Record<string, string>, spec: object = {}): unknown => {
    const kind = "HorizontalPodAutoscaler";
    const object = { apiVersion: "autoscaling/v1", kind, metadata: { annotations }, spec };
    strategyOf(key).defaultsIn?.("v1", object as unknown as KubeObject);
    return (object.spec as { targetCPUUtilizationPercentage?: number }).targetCPUUtilizationPercentage;
  };
  const pods = '[{"type":"Pods","pods":{"metricName":"a","targetAverageValue":"1"}}]';
  assert.equal(target({}), 80);
  assert.equal(target(metrics("[]")), 80);
  assert.equal(target(metrics(pods)), undefined);
  assert.equal(target({}, { targetCPUUtilizationPercentage: 5 }), 5);
});

/** Pods that say what they ask for as a whole (pkg/apis/core/v1/defaults.go, validatePodResourceConsistency). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "./testing.ts";

const pod = (resources: object, ...containers: readonly object[]) =>
  create("/pods", {
    spec: {
      resources,
      containers: containers.map((own, index) => ({ name: `c${index}`, image: "i", resources: own })),
    },
  });
const asks = (resources: object, ...containers: readonly object[]): unknown =>
  (pod(resources, ...containers).object.spec as { resources: unknown }).resources;

test("requests follow from the containers', then from the limits", () => {
  assert.deepEqual(
    asks({ limits: { cpu: "2", memory: "1Gi" } }, { requests: { cpu: "500m" } }, { limits: { cpu: "1" } }),
    {
      limits: { cpu: "2", memory: "1Gi" },
      requests: { cpu: "1500m", memory: "1Gi" },
    },
  );
  assert.deepEqual(asks({ requests: { cpu: "1" } }, { requests: { memory: "1Mi" } }), {
    requests: { cpu: "1" },
  });
});

test("huge pages of the containers limit the pod", () => {
  const pages = { cpu: "1", "hugepages-2Mi": "4Mi" };
  assert.deepEqual(asks({ requests: { cpu: "1" } }, { limits: pages }), {
    requests: { cpu: "1", "hugepages-2Mi": "4Mi" },
    limits: { "hugepages-2Mi": "4Mi" },
  });
});

test("the containers together may not ask for more", () => {
  const { errors } = pod(
    { requests: { cpu: "10m" }, limits: { cpu: "1" } },
    { requests: { cpu: "1" } },
    { limits: { cpu: "2" } },
  );
  assert.deepEqual(errors, [
    'spec.resources.requests[cpu]: Invalid value: "10m": must be greater than or equal to aggregate container requests of 3',
    'spec.resources.containers[1][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1',
  ]);
});

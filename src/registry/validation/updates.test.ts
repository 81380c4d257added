import assert from "node:assert/strict";
import { test } from "node:test";
import { create, update } from "../strategies/testing.ts";

const container = { name: "c", image: "i" };
const template = { metadata: { labels: { app: "a" } }, spec: { containers: [container] } };

/** Errors of an update from `old` to `next`, which have defaults as in requests. */
const changed = (key: string, old: object, next: object, subresource = "") => {
  const { object, errors } = create(key, old);
  assert.deepEqual(errors, [], "the old object is valid");
  return update(key, object, next, subresource);
};

test("of a Pod only images, deadlines and new tolerations change", () => {
  const spec = { containers: [container], activeDeadlineSeconds: 100, tolerations: [{ operator: "Exists" }] };
  const errors = (change: object) => changed("/pods", { spec }, { spec: { ...spec, ...change } }).errors;
  assert.deepEqual(errors({ containers: [{ ...container, image: "j" }] }), []);
  assert.deepEqual(errors({ activeDeadlineSeconds: 50 }), []);
  assert.deepEqual(
    errors({ tolerations: [{ operator: "Exists", effect: "NoSchedule" }, ...spec.tolerations] }),
    [],
  );
  assert.deepEqual(errors({ activeDeadlineSeconds: 200 }), [
    "spec.activeDeadlineSeconds: Invalid value: 200: must be less than or equal to previous value",
  ]);
  assert.deepEqual(errors({ tolerations: [] }), [
    "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
  ]);
  assert.deepEqual(errors({ containers: [container, { name: "d", image: "i" }] }), [
    "spec.containers: Forbidden: pod updates may not add or remove containers",
  ]);
  for (const change of [{ nodeName: "n" }, { restartPolicy: "Never" }, { hostNetwork: true }])
    assert.match(
      errors(change)[0]!,
      /^spec: Forbidden: pod updates may not change fields other than `spec\.co/,
    );
});

test("a Pod that is held back may be told where to run", () => {
  const spec = { containers: [container], schedulingGates: [{ name: "g" }] };
  const errors = (change: object) => changed("/pods", { spec }, { spec: { ...spec, ...change } }).errors;
  assert.deepEqual(errors({ schedulingGates: [], nodeSelector: { a: "b" } }), []);
  assert.deepEqual(errors({ schedulingGates: [{ name: "other" }] }), [
    "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'other'",
  ]);
});

test("a job's template stays, but for what a suspended one may be told", () => {
  const pod = { containers: [container], restartPolicy: "Never" };
  const errors = (suspend: boolean, change: object) => {
    const { object } = create("batch/jobs", { spec: { suspend, template: { spec: pod } } });
    const spec = structuredClone(object.spec) as { template: { spec: object } };
    Object.assign(spec.template.spec, change);
    return update("batch/jobs", object, { spec }).errors;
  };
  assert.deepEqual(errors(true, { nodeSelector: { a: "b" } }), []);
  assert.match(errors(false, { nodeSelector: { a: "b" } })[0]!, /^spec\.template: .*field is immutable$/);
  assert.match(
    errors(true, { restartPolicy: "OnFailure" })[0]!,
    /^spec\.template\.spec: .*field is immutable$/,
  );
});

test("a claim grows once it is bound", () => {
  const spec = (storage: string) => ({
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage } },
  });
  const errors = (phase: string, storage: string) => {
    const { object } = create("/persistentvolumeclaims", { spec: spec("1Gi") });
    const status = { phase, capacity: { storage: "1Gi" } };
    return update("/persistentvolumeclaims", { ...object, status }, { spec: spec(storage), status }).errors;
  };
  assert.deepEqual(errors("Bound", "2Gi"), []);
  assert.match(errors("Pending", "2Gi")[0]!, /^spec: Forbidden: spec is immutable after creation except/);
  assert.deepEqual(errors("Bound", "500Mi"), [
    "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
  ]);
});

test("a Service keeps what was given out when a writer does not tell it, and drops it with its type", () => {
  const ports = [{ port: 80, nodePort: 30_080 }];
  const old = { spec: { type: "NodePort", clusterIP: "10.0.0.7", ports } };
  const kept = changed("/services", old, { spec: { type: "NodePort", ports: [{ port: 80 }] } });
  assert.deepEqual(kept.errors, []);
  const spec = kept.object.spec as { clusterIPs: unknown; ports: { nodePort?: number }[] };
  assert.deepEqual([spec.clusterIPs, spec.ports[0]!.nodePort], [["10.0.0.7"], 30_080]);
  const told = create("/services", old).object.spec as object;
  const inner = changed("/services", old, { spec: { ...told, type: "ClusterIP" } });
  assert.deepEqual(inner.errors, []);
  assert.equal((inner.object.spec as typeof spec).ports[0]!.nodePort, undefined);
  const moved = changed("/services", old, { spec: { ...told, clusterIP: "10.0.0.8" } });
  assert.deepEqual(moved.errors, [
    'spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set',
  ]);
});

test("counts in a status fit each other", () => {
  const spec = { selector: { matchLabels: { app: "a" } }, template };
  const errors = (status: object) => changed("apps/deployments", { spec }, { spec, status }, "status").errors;
  assert.deepEqual(errors({ replicas: 2, readyReplicas: 2, availableReplicas: 1 }), []);
  assert.deepEqual(errors({ replicas: 1, readyReplicas: 1, availableReplicas: 2, updatedReplicas: -1 }), [
    "status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0",
    "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
  ]);
});

test("where a balancer is reached", () => {
  const errors = (type: string, ingress: object[]) => {
    const spec = { type, ports: [{ port: 80 }] };
    return changed("/services", { spec }, { spec, status: { loadBalancer: { ingress } } }, "status").errors;
  };
  assert.deepEqual(errors("LoadBalancer", [{ ip: "1.2.3.4" }]), []);
  assert.deepEqual(errors("ClusterIP", [{ ip: "1.2.3.4" }]), [
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ]);
  assert.deepEqual(errors("LoadBalancer", [{ hostname: "1.2.3.4" }]), [
    'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]);
});

test("many things that clash are compared and told only so far", () => {
  const ports = Array.from({ length: 20_000 }, () => ({ containerPort: 80 }));
  const { warnings, errors } = create("/pods", { spec: { containers: [{ ...container, ports }] } });
  assert.deepEqual(errors, []);
  assert.ok(warnings.length > 10 && warnings.length < 1_000);
  const names = Array.from({ length: 2_000 }, (_, index) => `c${index}`);
  const resources = { claims: names.map((name) => ({ name: `x${name}` })) };
  const resourceClaims = names.map((name) => ({ name, resourceClaimName: name }));
  const refused = create("/pods", { spec: { resourceClaims, containers: [{ ...container, resources }] } });
  assert.equal(refused.errors.length, names.length);
  assert.ok(refused.errors[0]!.length < 1_000);
});

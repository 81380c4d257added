import assert from "node:assert/strict";
import { test } from "node:test";
import { create, update } from "./testing.ts";

const annotation = "deprecated.daemonset.template.generation";
const spec = (image: string, more: object = {}): object => ({
  selector: { matchLabels: { a: "b" } },
  template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image }] } },
  ...more,
});

test("a DaemonSet counts the changes of its template in an annotation that nobody else can set", () => {
  const first = create("apps/daemonsets", { spec: spec("one") }).object;
  assert.equal(first.metadata.annotations?.[annotation], "1");
  const claimed = { metadata: { annotations: { [annotation]: "7", mine: "1" } } };
  const same = update("apps/daemonsets", first, { spec: spec("one"), ...claimed }).object;
  assert.deepEqual(same.metadata.annotations, { [annotation]: "1", mine: "1" });
  const other = update("apps/daemonsets", first, { spec: spec("one", { minReadySeconds: 3 }) }).object;
  assert.equal(other.metadata.annotations?.[annotation], "1");
  const changed = update("apps/daemonsets", first, { spec: spec("two") }).object;
  assert.equal(changed.metadata.annotations?.[annotation], "2");
  const status = update("apps/daemonsets", changed, { spec: spec("two") }, "status").object;
  assert.equal(status.metadata.annotations?.[annotation], "2");
});

test("a claim tells its data source twice, unless it is in another namespace", () => {
  const sources = (given: object): unknown => {
    const { object } = create("/persistentvolumeclaims", {
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...given },
    });
    const { dataSource, dataSourceRef } = object.spec as Record<string, unknown>;
    return [dataSource, dataSourceRef];
  };
  const claim = { kind: "PersistentVolumeClaim", name: "x" };
  const whole = { apiGroup: null, ...claim };
  assert.deepEqual(sources({ dataSource: claim }), [claim, whole]);
  assert.deepEqual(sources({ dataSourceRef: claim }), [whole, claim]);
  const elsewhere = { ...claim, namespace: "other" };
  assert.deepEqual(sources({ dataSourceRef: elsewhere }), [undefined, elsewhere]);
  assert.deepEqual(sources({}), [undefined, undefined]);
});

test("a volume's phase has a time, which changes with it", () => {
  const volume = create("/persistentvolumes", { spec: { hostPath: { path: "/x" } } }).object;
  assert.deepEqual(volume.status, { phase: "Pending", lastPhaseTransitionTime: "2026-01-02T03:04:05Z" });
  assert.deepEqual((volume.spec as { hostPath: unknown }).hostPath, { path: "/x", type: "" });
  const old = { ...volume, status: { phase: "Pending", lastPhaseTransitionTime: "2020-01-01T00:00:00Z" } };
  const at = (status: object): unknown =>
    update("/persistentvolumes", old, { ...old, status }, "status").object.status;
  assert.deepEqual(at({ phase: "Pending" }), old.status);
  assert.deepEqual(at({ phase: "Bound" }), {
    phase: "Bound",
    lastPhaseTransitionTime: "2026-01-02T03:04:05Z",
  });
  const told = { phase: "Bound", lastPhaseTransitionTime: "2021-01-01T00:00:00Z" };
  assert.deepEqual(at(told), told);
});

test("the status of some kinds is written without their metadata, that of Deployments without labels", () => {
  const written = (key: string): unknown => {
    const old = { ...create(key, { spec: spec("x") }).object, status: {} };
    const metadata = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["e.f/g"] };
    const { object } = update(key, old, { ...old, metadata: { ...old.metadata, ...metadata } }, "status");
    const { labels, annotations, finalizers } = object.metadata;
    return { labels, annotations, finalizers };
  };
  const all = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["e.f/g"] };
  assert.deepEqual(written("apps/replicasets"), all);
  assert.deepEqual(written("apps/deployments"), { ...all, labels: undefined });
  assert.deepEqual(written("networking.k8s.io/servicecidrs"), {
    labels: undefined,
    annotations: undefined,
    finalizers: undefined,
  });
});

test("a pod's address and the first of its addresses say the same", () => {
  const addresses = (status: object): unknown => {
    const old = create("/pods", { spec: { containers: [] } }).object;
    const { podIP, podIPs } = update("/pods", old, { ...old, status }, "status").object.status as {
      podIP?: string;
      podIPs?: unknown;
    };
    return [podIP, podIPs];
  };
  assert.deepEqual(addresses({ podIP: "10.0.0.1" }), ["10.0.0.1", [{ ip: "10.0.0.1" }]]);
  assert.deepEqual(addresses({ podIPs: [{ ip: "10.0.0.1" }] }), ["10.0.0.1", [{ ip: "10.0.0.1" }]]);
  assert.deepEqual(addresses({ podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.1" }] }), [
    "10.0.0.2",
    [{ ip: "10.0.0.2" }],
  ]);
  assert.deepEqual(addresses({}), [undefined, undefined]);
});

test("a Service's address is the first of its addresses; several ports have names", () => {
  const addresses = (old: object | undefined, given: object): unknown => {
    const ports = [{ port: 80 }];
    const made = create("/services", { spec: { ports, ...(old ?? given) } }).object;
    const { object } =
      old === undefined ? { object: made } : update("/services", made, { spec: { ports, ...given } });
    return (object.spec as { clusterIPs?: unknown }).clusterIPs;
  };
  assert.deepEqual(addresses(undefined, { clusterIP: "None" }), ["None"]);
  assert.equal(addresses(undefined, {}), undefined);
  const one = { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] };
  assert.deepEqual(addresses(one, { ...one, clusterIP: "10.0.0.2" }), ["10.0.0.2"]);
  assert.deepEqual(addresses(one, { clusterIP: "10.0.0.2", clusterIPs: ["10.0.0.3"] }), ["10.0.0.3"]);
  const ports = (...names: string[]): readonly string[] =>
    create("/services", { spec: { ports: names.map((name, i) => ({ name, port: 80 + i })) } }).errors;
  assert.deepEqual(ports(""), []);
  assert.deepEqual(ports("a", "b"), []);
  assert.deepEqual(ports("", "b"), ["spec.ports[0].name: Required value"]);
  assert.deepEqual(ports("a", "a"), ['spec.ports[1].name: Duplicate value: "a"']);
});

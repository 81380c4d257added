import assert from "node:assert/strict";
import { test } from "node:test";
import { create, strategyOf, update } from "./testing.ts";

const at = (namespace: string) => ({ metadata: { namespace } });

test("too large a ConfigMap is the whole object's error", () => {
  assert.deepEqual(create("/configmaps", { data: { a: "x".repeat(1_048_577) } }).errors, [
    "[]: Too long: may not be more than 1048576 bytes",
  ]);
  assert.deepEqual(create("/configmaps", { data: { a: "x".repeat(1_048_576) } }).errors, []);
});

test("ConfigMap keys", () => {
  assert.deepEqual(create("/configmaps", { data: { "a b": "" } }).errors, [
    `data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
  ]);
  assert.deepEqual(create("/configmaps", { data: { a: "" }, binaryData: { a: "" } }).errors, [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
  ]);
});

test("an immutable ConfigMap keeps its data", () => {
  const { object } = create("/configmaps", { immutable: true, data: { a: "1" } });
  assert.deepEqual(update("/configmaps", object, { data: { a: "2" } }).errors, [
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
});

test("a Secret is Opaque unless it says otherwise, and cannot become something else", () => {
  const { object } = create("/secrets", { stringData: { b: "x" }, data: { a: "eQ==" } });
  assert.equal(object.type, "Opaque");
  assert.deepEqual(object.data, { a: "eQ==", b: "eA==" });
  assert.equal(object.stringData, undefined);
  const tls = create("/secrets", { type: "kubernetes.io/tls", data: { "tls.crt": "", "tls.key": "" } });
  assert.deepEqual(tls.errors, []);
  assert.deepEqual(tls.warnings, ["tls: failed to find any PEM data in certificate input"]);
  assert.deepEqual(update("/secrets", tls.object, { data: {} }).errors, [
    'type: Invalid value: "Opaque": field is immutable',
  ]);
});

test("events.k8s.io asks more of an Event than core does, and names core's fields", () => {
  const old = { ...at("ns"), involvedObject: { namespace: "ns" } };
  assert.deepEqual(create("/events", old).errors, []);
  assert.deepEqual(create("/events", { ...at("ns"), involvedObject: {} }).errors, [
    'involvedObject.namespace: Invalid value: "": does not match event.namespace',
  ]);
  assert.deepEqual(create("/events", { ...at("default"), involvedObject: {} }).errors, []);
  const recent = {
    ...at("ns"),
    eventTime: "2026-01-01T00:00:00.000000Z",
    regarding: { namespace: "other" },
    reportingController: "example.com/controller",
    reportingInstance: "one",
    action: "Act",
    reason: "Because",
    type: "Normal",
  };
  const created = create("events.k8s.io/events", recent);
  assert.deepEqual(created.errors, []);
  assert.deepEqual(create("events.k8s.io/events", { ...recent, type: "x", deprecatedCount: 1 }).errors, [
    'type: Invalid value: "": has invalid value: x',
    'count: Invalid value: "": needs to be unset',
  ]);
  assert.deepEqual(
    update("events.k8s.io/events", created.object, { ...recent, note: "n", series: { count: 1 } }).errors,
    [
      'series.count: Invalid value: "": should be at least 2',
      "series.lastObservedTime: Required value",
      'message: Invalid value: "n": field is immutable',
    ],
  );
});

test("the selectable fields of events have each version's names", () => {
  const core = strategyOf("/events").selectableFields!;
  const own = strategyOf("events.k8s.io/events").selectableFields!;
  assert.ok(core["involvedObject.uid"] && core.source && core.reportingComponent);
  assert.ok(own["regarding.uid"] && own.reportingController && own.source === undefined);
  const event = { apiVersion: "v1", kind: "Event", metadata: {}, reportingComponent: "me" };
  assert.equal(core.source!(event), "me");
});

test("a binding's role cannot be changed", () => {
  const key = "rbac.authorization.k8s.io/rolebindings";
  const { object, errors } = create(key, { roleRef: { kind: "Role", name: "a" }, subjects: [] });
  assert.deepEqual(errors, []);
  assert.deepEqual(update(key, object, { roleRef: { kind: "Role", name: "b" } }).errors, [
    'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change roleRef',
  ]);
});

test("the selectors of an aggregated role are checked", () => {
  const aggregationRule = { clusterRoleSelectors: [{ matchExpressions: [{ key: "a", operator: "In" }] }] };
  assert.deepEqual(create("rbac.authorization.k8s.io/clusterroles", { aggregationRule }).errors, [
    "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.",
  ]);
});

test("a Lease knows one strategy of its own", () => {
  const errors = (spec: object) => create("coordination.k8s.io/leases", { spec }).errors;
  assert.deepEqual(errors({ strategy: "OldestEmulationVersion", preferredHolder: "a" }), []);
  assert.deepEqual(errors({ strategy: "example.com/mine" }), []);
  assert.deepEqual(errors({ strategy: "x", leaseDurationSeconds: 0 }), [
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    'spec.strategy.strategy: Unsupported value: "x": supported values: "OldestEmulationVersion"',
  ]);
});

test("finalizers without a domain must be Kubernetes' own", () => {
  const metadata = { finalizers: ["orphan", "example.com/a", "mine"] };
  const text =
    'metadata.finalizers[2]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified';
  assert.deepEqual(create("/configmaps", { metadata }).errors, [text]);
  assert.deepEqual(create("coordination.k8s.io/leases", { metadata }).errors, []);
  const { object } = create("/pods", { spec: { containers: [] } });
  assert.equal(update("/pods", object, { ...object, metadata }).errors.includes(text), false);
});

test("repeated owners are kept once, with a warning", () => {
  const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "1" };
  const { object, warnings } = create("/configmaps", {
    metadata: { ownerReferences: [owner, { ...owner }, { ...owner, name: "q" }] },
  });
  assert.deepEqual(object.metadata.ownerReferences, [owner, { ...owner, name: "q" }]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /duplicate UID\(s\) observed: 1$/);
});

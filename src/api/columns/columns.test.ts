import assert from "node:assert/strict";
import { test } from "node:test";
import { kubernetesResources } from "#api/builtins.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { builtinColumns } from "./columns.ts";

const created = "2026-01-01T00:00:00Z";
const now = Date.parse(created) + 5 * 60_000;
const make = (fields: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "X",
  metadata: { name: "x", creationTimestamp: created, ...metadata },
  ...fields,
});
const rowOf = (group: string, resource: string, fields: Record<string, unknown>, metadata = {}) =>
  builtinColumns().columnsFor(group, resource).cells(make(fields, metadata), now);
const titles = (group: string, resource: string) =>
  builtinColumns()
    .columnsFor(group, resource)
    .definitions.map((one) => (one.priority > 0 ? `(${one.name})` : one.name));

test("every kind makes one cell for each column, also of an empty object", () => {
  const source = builtinColumns();
  for (const { group, resource } of kubernetesResources()) {
    const columns = source.columnsFor(group, resource);
    for (const object of [make({}), make({ spec: null, status: "no", data: [] })]) {
      const cells = columns.cells(object, now);
      assert.equal(cells.length, columns.definitions.length);
      assert.ok(
        cells.every((cell) => cell !== undefined),
        `${group}/${resource}`,
      );
    }
    const named = columns.definitions.filter((one) => one.name === "Name");
    assert.equal(named.length, 1, `${group}/${resource}`);
    assert.equal(named[0]?.format, "name");
  }
});

test("kinds without a printer have a name and a date", () => {
  for (const [group, resource] of [
    ["rbac.authorization.k8s.io", "roles"],
    ["", "limitranges"],
    ["", "nothing"],
  ] as const) {
    assert.deepEqual(titles(group, resource), ["Name", "Created At"]);
    assert.deepEqual(rowOf(group, resource, {}), ["x", created]);
  }
});

test("the kinds of every workspace", () => {
  assert.deepEqual(rowOf("", "namespaces", { status: { phase: "Active" } }), ["x", "Active", "5m"]);
  assert.deepEqual(rowOf("", "configmaps", { data: { a: "1", __proto__x: "" }, binaryData: { b: "" } }), [
    "x",
    3,
    "5m",
  ]);
  assert.deepEqual(rowOf("", "secrets", { type: "Opaque", data: { a: "" } }), ["x", "Opaque", 1, "5m"]);
  assert.deepEqual(rowOf("", "serviceaccounts", { secrets: [{ name: "s" }] }), ["x", "5m"]);
  assert.deepEqual(
    rowOf("", "resourcequotas", {
      status: { hard: { "requests.cpu": "2", "limits.cpu": "4", pods: "10" }, used: { pods: "3" } },
    }),
    ["x", "pods: 3/10, requests.cpu: 0/2", "limits.cpu: 0/4", "5m"],
  );
  assert.deepEqual(rowOf("coordination.k8s.io", "leases", { spec: { holderIdentity: "me" } }), [
    "x",
    "me",
    "5m",
  ]);
  assert.deepEqual(titles("rbac.authorization.k8s.io", "rolebindings"), [
    "Name",
    "Role",
    "Age",
    "(Users)",
    "(Groups)",
    "(ServiceAccounts)",
  ]);
  const subjects = [
    { kind: "User", name: "ann" },
    { kind: "ServiceAccount", namespace: "ns", name: "sa" },
    { kind: "Group", name: "g" },
    { kind: "User", name: "bob" },
  ];
  assert.deepEqual(
    rowOf("rbac.authorization.k8s.io", "clusterrolebindings", {
      roleRef: { kind: "ClusterRole", name: "r" },
      subjects,
    }),
    ["x", "ClusterRole/r", "5m", "ann, bob", "g", "ns/sa"],
  );
  assert.deepEqual(
    rowOf("certificates.k8s.io", "certificatesigningrequests", {
      spec: { signerName: "s", username: "u", expirationSeconds: 3600 },
      status: { conditions: [{ type: "Approved" }], certificate: "YQ==" },
    }),
    ["x", "5m", "s", "u", "60m", "Approved,Issued"],
  );
  assert.deepEqual(
    rowOf("admissionregistration.k8s.io", "validatingadmissionpolicybindings", {
      spec: { policyName: "p", paramRef: { selector: { matchLabels: { a: "b" } } } },
    }),
    [
      "x",
      "p",
      "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}",
      "5m",
    ],
  );
});

test("events of both groups", () => {
  const core = rowOf("", "events", {
    type: "Normal",
    reason: "R",
    message: " hello\n",
    involvedObject: { kind: "Pod", name: "p", fieldPath: "spec" },
    source: { component: "c", host: "h" },
    lastTimestamp: created,
    firstTimestamp: created,
    count: 4,
  });
  assert.deepEqual(core, ["5m", "Normal", "R", "pod/p", "spec", "c, h", "hello", "5m", 4, "x"]);
  const newer = rowOf("events.k8s.io", "events", {
    note: "n",
    regarding: { kind: "Pod" },
    reportingController: "c",
    eventTime: "2026-01-01T00:04:00.000000Z",
  });
  assert.deepEqual(newer, ["60s", "", "", "pod", "", "c", "n", "60s", 1, "x"]);
});

test("kcp's kinds print as custom resources", () => {
  assert.deepEqual(titles("tenancy.kcp.io", "workspaces"), ["Name", "Type", "Region", "Phase", "URL", "Age"]);
  assert.deepEqual(
    rowOf("tenancy.kcp.io", "workspaces", {
      spec: { type: { name: "universal" }, URL: "https://u" },
      status: { phase: "Ready" },
    }),
    ["x", "universal", null, "Ready", "https://u", "5m"],
  );
  assert.deepEqual(titles("core.kcp.io", "logicalclusters"), ["Name", "Phase", "URL", "Age"]);
});

test("workloads", () => {
  const spec = {
    replicas: 2,
    selector: {
      matchLabels: { app: "a" },
      matchExpressions: [{ key: "z", operator: "In", values: ["2", "1"] }],
    },
    template: {
      spec: {
        containers: [
          { name: "c", image: "i" },
          { name: "d", image: "j" },
        ],
      },
    },
  };
  assert.deepEqual(
    rowOf("apps", "deployments", {
      spec,
      status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
    }),
    ["x", "1/2", 2, 1, "5m", "c,d", "i,j", "app=a,z in (1,2)"],
  );
  assert.deepEqual(
    rowOf("", "services", {
      spec: {
        type: "LoadBalancer",
        clusterIPs: ["10.0.0.1"],
        ports: [{ port: 80, nodePort: 30000, protocol: "TCP" }],
      },
    }),
    ["x", "LoadBalancer", "10.0.0.1", "<pending>", "80:30000/TCP", "5m", "<none>"],
  );
  assert.deepEqual(
    rowOf("batch", "jobs", { spec: { completions: 3 }, status: { succeeded: 1, startTime: created } }).slice(
      0,
      5,
    ),
    ["x", "Running", "1/3", "5m", "5m"],
  );
  assert.deepEqual(
    rowOf("autoscaling", "horizontalpodautoscalers", {
      spec: {
        scaleTargetRef: { kind: "Deployment", name: "d" },
        maxReplicas: 3,
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { averageUtilization: 80 } } }],
      },
    }),
    ["x", "Deployment/d", "cpu: <unknown>/80%", "<unset>", 3, 0, "5m"],
  );
});

test("a pod's status is that of its containers", () => {
  const spec = { containers: [{ name: "a" }, { name: "b" }], initContainers: [{ name: "i" }] };
  const ready = { ready: true, restartCount: 0, state: { running: {} } };
  const cells = (status: Record<string, unknown>, metadata = {}) =>
    rowOf("", "pods", { spec, status }, metadata).slice(0, 5);
  assert.deepEqual(cells({ phase: "Pending" }), ["x", "0/2", "Pending", "0", "5m"]);
  assert.deepEqual(
    cells({
      phase: "Pending",
      initContainerStatuses: [{ name: "i", state: { waiting: { reason: "PodInitializing" } } }],
    }),
    ["x", "0/2", "Init:0/1", "0", "5m"],
  );
  const crashed = {
    restartCount: 2,
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { finishedAt: "2026-01-01T00:04:30Z" } },
  };
  assert.deepEqual(cells({ phase: "Running", containerStatuses: [crashed, ready] }), [
    "x",
    "1/2",
    "CrashLoopBackOff",
    "2 (30s ago)",
    "5m",
  ]);
  assert.equal(cells({ phase: "Running" }, { deletionTimestamp: created })[2], "Terminating");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { emptyStatus } from "./builtin-facts.ts";
import { create, strategyOf, update } from "./testing.ts";

type Any = Record<string, unknown>;
const specOf = (key: string, spec: object): Any => create(key, { spec }).object.spec as Any;

test("a pod has its defaults", () => {
  const { object, errors } = create("/pods", {
    spec: {
      containers: [
        {
          name: "a",
          image: "nginx",
          ports: [{ containerPort: 80 }],
          resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1" } },
          livenessProbe: { httpGet: { port: 80 }, periodSeconds: 3 },
          env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
      volumes: [
        { name: "e" },
        { name: "s", secret: { secretName: "x" } },
        { name: "p", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
      ],
      serviceAccountName: "me",
    },
  });
  assert.deepEqual(errors, []);
  assert.deepEqual(object.status, { phase: "Pending", qosClass: "Guaranteed" });
  assert.deepEqual(object.spec, {
    containers: [
      {
        name: "a",
        image: "nginx",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } },
        livenessProbe: {
          httpGet: { port: 80, path: "/", scheme: "HTTP" },
          periodSeconds: 3,
          timeoutSeconds: 1,
          successThreshold: 1,
          failureThreshold: 3,
        },
        env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name", apiVersion: "v1" } } }],
        imagePullPolicy: "Always",
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    volumes: [
      { name: "e", emptyDir: {} },
      { name: "s", secret: { secretName: "x", defaultMode: 420 } },
      {
        name: "p",
        projected: {
          sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3_600 } }],
          defaultMode: 420,
        },
      },
    ],
    serviceAccountName: "me",
    serviceAccount: "me",
    dnsPolicy: "ClusterFirst",
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
  });
  assert.deepEqual(create("/pods", { spec: {} }).errors, ["spec.containers: Required value"]);
});

test("the pull policy follows from the image's tag", () => {
  for (const [image, policy] of [
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["nginx:1.2", "IfNotPresent"],
    ["localhost:5000/a/b", "Always"],
    ["example.com:5000/a/b:v1", "IfNotPresent"],
    ["nginx@sha256:0000", "IfNotPresent"],
    ["nginx:latest@sha256:0000", "Always"],
    ["Nginx", "IfNotPresent"],
    ["", "IfNotPresent"],
  ] as const) {
    const { containers } = specOf("/pods", { containers: [{ name: "a", image }] }) as { containers: Any[] };
    assert.equal(containers[0]!.imagePullPolicy, policy, image);
  }
});

test("a pod's quality of service", () => {
  const qos = (resources?: object) =>
    (create("/pods", { spec: { containers: [{ name: "a", resources }] } }).object.status as Any).qosClass;
  assert.equal(qos(), "BestEffort");
  assert.equal(qos({ requests: { cpu: "0" } }), "BestEffort");
  assert.equal(qos({ requests: { cpu: "1" } }), "Burstable");
  assert.equal(qos({ limits: { cpu: "1000m", memory: "1Gi" }, requests: { cpu: "1" } }), "Guaranteed");
});

const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "a", image: "b" }] } };
const ending = { spec: { ...template.spec, restartPolicy: "Never" } };
const selector = { matchLabels: { app: "a" } };

test("workloads of apps/v1 have their defaults", () => {
  const rolled = specOf("apps/deployments", { selector, template });
  assert.equal(rolled.replicas, 1);
  assert.equal(rolled.progressDeadlineSeconds, 600);
  assert.equal(rolled.revisionHistoryLimit, 10);
  assert.deepEqual(rolled.strategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" },
  });
  assert.equal((rolled.template as { spec: Any }).spec.restartPolicy, "Always");
  assert.equal((rolled.template as { spec: Any }).spec.enableServiceLinks, undefined);
  assert.deepEqual(specOf("apps/deployments", { strategy: { type: "Recreate" }, replicas: 0 }).strategy, {
    type: "Recreate",
  });
  assert.equal(specOf("apps/deployments", { replicas: 0 }).replicas, 0);
  assert.deepEqual(specOf("apps/daemonsets", {}).updateStrategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
  });
  const stateful = specOf("apps/statefulsets", {
    volumeClaimTemplates: [{ metadata: { name: "d" }, spec: {} }],
  });
  assert.equal(stateful.podManagementPolicy, "OrderedReady");
  assert.deepEqual(stateful.updateStrategy, { type: "RollingUpdate", rollingUpdate: { partition: 0 } });
  assert.deepEqual(stateful.persistentVolumeClaimRetentionPolicy, {
    whenDeleted: "Retain",
    whenScaled: "Retain",
  });
  assert.deepEqual(stateful.volumeClaimTemplates, [
    {
      metadata: { name: "d" },
      spec: { volumeMode: "Filesystem" },
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      status: { phase: "Pending" },
    },
  ]);
  assert.equal(specOf("apps/replicasets", {}).replicas, 1);
});

test("a selector is required, chooses the template, and stays", () => {
  const key = "apps/deployments";
  const errors = (spec: object) => create(key, { spec }).errors;
  assert.deepEqual(errors({ template }), [
    "spec.selector: Required value",
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ]);
  assert.deepEqual(errors({ template, selector: {} }), [
    "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
  ]);
  assert.deepEqual(errors({ template, selector: { matchLabels: { app: "b" } } }), [
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ]);
  const { object, errors: none } = create(key, { spec: { selector, template } });
  assert.deepEqual(none, []);
  const moved = {
    selector: { matchLabels: { app: "b" } },
    template: { ...template, metadata: { labels: { app: "b" } } },
  };
  assert.deepEqual(update(key, object, { spec: moved }).errors, [
    'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable',
  ]);
  const set = create("apps/statefulsets", { spec: { selector, template, serviceName: "a" } }).object;
  assert.deepEqual(
    update("apps/statefulsets", set, { spec: { selector, template, serviceName: "a", replicas: 9 } }).errors,
    [],
  );
  assert.match(
    update("apps/statefulsets", set, { spec: { selector, template, serviceName: "b" } }).errors[0]!,
    /^spec: Forbidden: updates to statefulset spec for fields other than/,
  );
});

test("defaults are stable: an update with the stored object changes nothing", () => {
  const objects: [string, object][] = [
    ["/pods", { spec: { containers: [{ name: "a", image: "b" }], volumes: [{ name: "v" }] } }],
    ["/services", { spec: { type: "LoadBalancer", ports: [{ port: 80 }] } }],
    ["/limitranges", { spec: { limits: [{ type: "Container", max: { cpu: "1" } }] } }],
    ["apps/deployments", { spec: { selector, template } }],
    ["apps/statefulsets", { spec: { selector, template } }],
    ["apps/daemonsets", { spec: { selector, template } }],
    ["batch/jobs", { spec: { template: ending } }],
    ["batch/cronjobs", { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: ending } } } }],
    ["networking.k8s.io/networkpolicies", { spec: { egress: [{ ports: [{ port: 1 }] }] } }],
    [
      "autoscaling/horizontalpodautoscalers",
      { spec: { maxReplicas: 1, scaleTargetRef: { kind: "a", name: "b" }, behavior: { scaleUp: {} } } },
    ],
  ];
  for (const [key, given] of objects) {
    const { object } = create(key, { ...given, metadata: { uid: "u" } });
    const again = update(key, object, object);
    assert.deepEqual(again.object, object, key);
    assert.deepEqual(again.errors, [], key);
  }
});

test("a job's pods are found by its UID", () => {
  const { object } = create("batch/jobs", {
    metadata: { name: "j", uid: "u" },
    spec: { template: { metadata: { labels: { app: "a", "job-name": "mine" } }, spec: {} } },
  });
  const spec = object.spec as { selector: Any; template: { metadata: Any }; backoffLimit: number };
  assert.deepEqual(spec.selector, { matchLabels: { "batch.kubernetes.io/controller-uid": "u" } });
  assert.deepEqual(spec.template.metadata.labels, {
    app: "a",
    "job-name": "mine",
    "batch.kubernetes.io/job-name": "j",
    "controller-uid": "u",
    "batch.kubernetes.io/controller-uid": "u",
  });
  assert.deepEqual(object.metadata.labels, { app: "a", "job-name": "mine" });
  assert.equal(spec.backoffLimit, 6);
  assert.equal(
    specOf("batch/jobs", { manualSelector: true, backoffLimitPerIndex: 1 }).backoffLimit,
    2_147_483_647,
  );
  assert.equal(specOf("batch/jobs", { completions: 5 }).parallelism, 1);
  assert.equal(specOf("batch/jobs", { parallelism: 2 }).completions, undefined);
});

test("a service's defaults leave its address alone", () => {
  assert.deepEqual(
    specOf("/services", {
      ports: [
        { port: 80, targetPort: 0 },
        { port: 1, targetPort: "http" },
      ],
    }),
    {
      ports: [
        { port: 80, targetPort: 80, protocol: "TCP" },
        { port: 1, targetPort: "http", protocol: "TCP" },
      ],
      sessionAffinity: "None",
      type: "ClusterIP",
      internalTrafficPolicy: "Cluster",
    },
  );
  const balanced = specOf("/services", { type: "LoadBalancer", sessionAffinity: "ClientIP" });
  assert.equal(balanced.externalTrafficPolicy, "Cluster");
  assert.equal(balanced.allocateLoadBalancerNodePorts, true);
  assert.deepEqual(balanced.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10_800 } });
  assert.equal(specOf("/services", { type: "ExternalName" }).internalTrafficPolicy, undefined);
});

test("the other kinds", () => {
  const made = (key: string, given: object) => create(key, given).object;
  assert.deepEqual(specOf("networking.k8s.io/networkpolicies", { egress: [{ ports: [{ port: 53 }] }] }), {
    egress: [{ ports: [{ port: 53, protocol: "TCP" }] }],
    policyTypes: ["Ingress", "Egress"],
  });
  assert.deepEqual(made("/persistentvolumeclaims", { spec: {} }).status, { phase: "Pending" });
  assert.equal(specOf("/persistentvolumes", {}).persistentVolumeReclaimPolicy, "Retain");
  const storage = made("storage.k8s.io/storageclasses", { provisioner: "p" });
  assert.deepEqual([storage.reclaimPolicy, storage.volumeBindingMode], ["Delete", "Immediate"]);
  assert.equal(
    made("scheduling.k8s.io/priorityclasses", { value: 1 }).preemptionPolicy,
    "PreemptLowerPriority",
  );
  assert.deepEqual(made("discovery.k8s.io/endpointslices", { ports: [{ port: 1 }] }).ports, [
    { port: 1, name: "", protocol: "TCP" },
  ]);
  assert.deepEqual(
    create("networking.k8s.io/ingresses", { spec: { rules: [{ http: { paths: [{}] } }] } }).errors,
    ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
  );
  assert.equal(
    create("policy/poddisruptionbudgets", { spec: { minAvailable: 1, maxUnavailable: 1 } }).errors.length,
    1,
  );
  const controller = made("/replicationcontrollers", { spec: { template } });
  assert.deepEqual((controller.spec as Any).selector, { app: "a" });
  assert.deepEqual(controller.metadata.labels, { app: "a" });
  assert.equal((specOf("batch/cronjobs", {}) as Any).concurrencyPolicy, "Allow");
  assert.equal(
    (
      (specOf("resource.k8s.io/resourceclaims", { devices: { requests: [{ exactly: {} }] } }).devices as Any)
        .requests as { exactly: Any }[]
    )[0]!.exactly.count,
    1,
  );
});

test("selectable fields of plain kinds", () => {
  const value = (key: string, field: string, object: object) =>
    strategyOf(key).selectableFields?.[field]?.({ apiVersion: "v1", kind: "", metadata: {}, ...object });
  assert.equal(value("/pods", "spec.hostNetwork", {}), "false");
  assert.equal(value("/pods", "status.phase", { status: { phase: "Running" } }), "Running");
  assert.equal(value("/nodes", "spec.unschedulable", { spec: { unschedulable: true } }), "true");
  assert.equal(value("batch/jobs", "status.successful", { status: { succeeded: 2 } }), "2");
  assert.equal(value("/services", "spec.clusterIP", { spec: { clusterIP: "10.0.0.1" } }), "10.0.0.1");
  assert.equal(strategyOf("apps/replicasets").selectableFields, undefined);
});

test("a status that nobody wrote is what Go prints", () => {
  const catalogue = loadCatalogue();
  const compiler = new TypeCompiler(catalogue);
  const ownFirstStatus = new Set([
    "/namespaces",
    "/nodes",
    "/pods",
    "/persistentvolumes",
    "/persistentvolumeclaims",
    "apiextensions.k8s.io/customresourcedefinitions",
    "apiregistration.k8s.io/apiservices",
  ]);
  let checked = 0;
  for (const { group, resource, versions, storageVersion } of kubernetesResources()) {
    const key = `${group}/${resource}`;
    const stored = versions.find(({ version }) => version === storageVersion)!;
    if (!stored.subresources.some(({ name }) => name === "status")) continue;
    if (ownFirstStatus.has(key) || group.endsWith("kcp.io")) continue;
    const apiVersion = apiVersionOf(group, storageVersion);
    const { value } = compiler.compile(stored.type).decode({ apiVersion, kind: stored.kind, metadata: {} });
    assert.deepEqual(emptyStatus.get(key), value.status, key);
    checked++;
  }
  assert.equal(checked, emptyStatus.size);
});

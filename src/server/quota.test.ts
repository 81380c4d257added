/** ResourceQuota and LimitRange over HTTP: what is refused and with which text, races, and what the status shows. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "#base/testing/until.ts";
import { definitionOf } from "./testing/definitions.ts";
import { type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("limited", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

async function namespace(name: string): Promise<string> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  assert.equal((await server.call("POST", `${base}/api/v1/namespaces`, { body })).status, 201);
  return `${base}/api/v1/namespaces/${name}`;
}

type Used = Readonly<Record<string, string>>;
const statusOf = (quota: Json) => quota.status as { hard?: Used; used?: Used } | undefined;

/** Waits until the quota's usage is as given. */
async function used(space: string, name: string, expected: Used): Promise<void> {
  const watch = await server.watch(
    `${space}/resourcequotas?watch=true&fieldSelector=metadata.name%3D${name}`,
  );
  const wanted = JSON.stringify(expected);
  try {
    for (let count = 1; ; count++) {
      const event = (await watch.until(count))[count - 1]!;
      const now = statusOf(event.object)?.used ?? {};
      const own = Object.fromEntries(Object.keys(expected).map((key) => [key, now[key]]));
      if (JSON.stringify(own) === wanted) return;
    }
  } finally {
    watch.close();
  }
}

async function quota(space: string, name: string, hard: Used, more: object = {}): Promise<void> {
  const body = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name }, spec: { hard, ...more } };
  const answer = await server.call("POST", `${space}/resourcequotas`, { body });
  assert.equal(answer.status, 201, answer.text);
}

const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
const pod = (name: string, resources: object | undefined, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    containers: [{ name: "main", image: "i", ...(resources === undefined ? {} : { resources }) }],
    ...spec,
  },
});

describe("ResourceQuota", () => {
  it("counts custom objects, and anew when their kind went and came again", async () => {
    const space = await namespace("redefined");
    const definitions = `${base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
    const widgets = `${base}/apis/example.com/v1/namespaces/redefined/widgets`;
    const counted = "count/widgets.example.com";
    await quota(space, "few", { [counted]: "1" });
    for (let round = 0; round < 2; round++) {
      assert.equal((await server.call("POST", definitions, { body: definitionOf() })).status, 201);
      await used(space, "few", { [counted]: "0" });
      const body = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "a" } };
      assert.equal((await server.call("POST", widgets, { body })).status, 201);
      const refused = await server.call("POST", widgets, { body: { ...body, metadata: { name: "b" } } });
      assert.match(refused.json.message, /exceeded quota: few/);
      const definition = `${definitions}/widgets.example.com`;
      await server.call("DELETE", definition);
      await until(
        "the definition is gone",
        async () => (await server.call("GET", definition)).status === 404,
      );
    }
  });

  it("counts what is there, refuses what exceeds, and counts again when something goes", async () => {
    const space = await namespace("counted");
    await quota(space, "few", { configmaps: "3", "count/secrets": "1" });
    // The namespace's own kube-root-ca.crt is one of them.
    await used(space, "few", { configmaps: "1", "count/secrets": "0" });
    for (const name of ["a", "b"]) {
      const made = await server.call("POST", `${space}/configmaps`, { body: configMap(name) });
      assert.equal(made.status, 201, made.text);
    }
    const refused = await server.call("POST", `${space}/configmaps`, { body: configMap("c") });
    assert.equal(refused.status, 403);
    assert.equal(
      refused.json.message,
      'configmaps "c" is forbidden: exceeded quota: few, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
    );
    await server.call("DELETE", `${space}/configmaps/a`);
    await used(space, "few", { configmaps: "2", "count/secrets": "0" });
    assert.equal((await server.call("POST", `${space}/configmaps`, { body: configMap("c") })).status, 201);
  });

  it("counts quotas and limit ranges, which are rules themselves", async () => {
    const space = await namespace("ruled");
    await quota(space, "rules", { resourcequotas: "1", "count/limitranges": "1" });
    await used(space, "rules", { resourcequotas: "1", "count/limitranges": "0" });
    const second = await server.call("POST", `${space}/resourcequotas`, {
      body: {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "b" },
        spec: { hard: { pods: "1" } },
      },
    });
    assert.equal(
      second.json.message,
      'resourcequotas "b" is forbidden: exceeded quota: rules, requested: resourcequotas=1, used: resourcequotas=1, limited: resourcequotas=1',
    );
    const range = (name: string) =>
      server.call("POST", `${space}/limitranges`, {
        body: { apiVersion: "v1", kind: "LimitRange", metadata: { name }, spec: { limits: [] } },
      });
    assert.equal((await range("a")).status, 201);
    assert.match((await range("b")).json.message, /exceeded quota: rules, requested: count\/limitranges=1/);
  });

  it("is not charged for a dry run, nor for what is refused", async () => {
    const space = await namespace("dry");
    await quota(space, "few", { configmaps: "2" });
    await used(space, "few", { configmaps: "1" });
    for (let i = 0; i < 3; i++) {
      const dry = await server.call("POST", `${space}/configmaps?dryRun=All`, { body: configMap("d") });
      assert.equal(dry.status, 201, dry.text);
    }
    const exists = await server.call("POST", `${space}/configmaps`, { body: configMap("kube-root-ca.crt") });
    assert.equal(exists.status, 409);
    await used(space, "few", { configmaps: "1" });
  });

  it("holds against many writers at once", async () => {
    const space = await namespace("raced");
    await quota(space, "few", { "count/configmaps": "11", pods: "5" });
    await used(space, "few", { "count/configmaps": "1", pods: "0" });
    const answers = await Promise.all([
      ...Array.from({ length: 40 }, (_, i) =>
        server.call("POST", `${space}/configmaps`, { body: configMap(`c${i}`) }),
      ),
      ...Array.from({ length: 20 }, (_, i) =>
        server.call("POST", `${space}/pods`, { body: pod(`p${i}`, {}) }),
      ),
    ]);
    const codes = answers.map(({ status }) => status);
    assert.equal(codes.slice(0, 40).filter((code) => code === 201).length, 10);
    assert.equal(codes.slice(40).filter((code) => code === 201).length, 5);
    assert.deepEqual([...new Set(codes)].sort(), [201, 403]);
    await used(space, "few", { "count/configmaps": "11", pods: "5" });
  });

  it("measures pods, demands requests, and frees what has finished", async () => {
    const space = await namespace("measured");
    await quota(space, "compute", { "requests.cpu": "1", "limits.memory": "1Gi", pods: "3" });
    await used(space, "compute", { "limits.memory": "0", pods: "0", "requests.cpu": "0" });
    const silent = await server.call("POST", `${space}/pods`, { body: pod("silent", undefined) });
    assert.equal(
      silent.json.message,
      'pods "silent" is forbidden: failed quota: compute: must specify limits.memory for: main; requests.cpu for: main',
    );
    const resources = { requests: { cpu: "600m" }, limits: { memory: "512Mi" } };
    const first = await server.call("POST", `${space}/pods`, { body: pod("first", resources) });
    assert.equal(first.status, 201, first.text);
    await used(space, "compute", { "limits.memory": "512Mi", pods: "1", "requests.cpu": "600m" });
    const second = await server.call("POST", `${space}/pods`, { body: pod("second", resources) });
    assert.equal(
      second.json.message,
      'pods "second" is forbidden: exceeded quota: compute, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    );
    const done = { ...first.json, status: { phase: "Succeeded" } };
    assert.equal((await server.call("PUT", `${space}/pods/first/status`, { body: done })).status, 200);
    await used(space, "compute", { "limits.memory": "0", pods: "0", "requests.cpu": "0" });
    assert.equal(
      (await server.call("POST", `${space}/pods`, { body: pod("second", resources) })).status,
      201,
    );
  });

  it("takes in by scope", async () => {
    const space = await namespace("scoped");
    await quota(
      space,
      "high",
      { pods: "1" },
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }],
        },
      },
    );
    await used(space, "high", { pods: "0" });
    for (const name of ["x", "y"])
      assert.equal((await server.call("POST", `${space}/pods`, { body: pod(name, {}) })).status, 201);
    const high = { priorityClassName: "high" };
    assert.equal((await server.call("POST", `${space}/pods`, { body: pod("h1", {}, high) })).status, 201);
    assert.equal((await server.call("POST", `${space}/pods`, { body: pod("h2", {}, high) })).status, 403);
  });

  it("charges a service that becomes a load balancer", async () => {
    const space = await namespace("balanced");
    await quota(space, "lb", { "services.loadbalancers": "1", "services.nodeports": "3" });
    await used(space, "lb", { "services.loadbalancers": "0", "services.nodeports": "0" });
    const service = (name: string, type: string) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: {
        type,
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 81 },
        ],
      },
    });
    assert.equal(
      (await server.call("POST", `${space}/services`, { body: service("one", "ClusterIP") })).status,
      201,
    );
    const turned = await server.call("PATCH", `${space}/services/one`, {
      body: { spec: { type: "LoadBalancer" } },
      type: "application/merge-patch+json",
    });
    assert.equal(turned.status, 200, turned.text);
    await used(space, "lb", { "services.loadbalancers": "1", "services.nodeports": "2" });
    const more = await server.call("POST", `${space}/services`, { body: service("two", "NodePort") });
    assert.equal(
      more.json.message,
      'services "two" is forbidden: exceeded quota: lb, requested: services.nodeports=2, used: services.nodeports=2, limited: services.nodeports=3',
    );
  });

  it("measures claims by their storage class", async () => {
    const space = await namespace("claims");
    const gold = "gold.storageclass.storage.k8s.io/requests.storage";
    await quota(space, "disk", { "requests.storage": "10Gi", [gold]: "1Gi" });
    await used(space, "disk", { [gold]: "0", "requests.storage": "0" });
    const claim = (name: string, storageClassName: string, storage: string) => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name },
      spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
    });
    const path = `${space}/persistentvolumeclaims`;
    assert.equal((await server.call("POST", path, { body: claim("a", "tin", "8Gi") })).status, 201);
    assert.equal((await server.call("POST", path, { body: claim("b", "gold", "1Gi") })).status, 201);
    assert.equal((await server.call("POST", path, { body: claim("c", "gold", "1Mi") })).status, 403);
    assert.equal((await server.call("POST", path, { body: claim("d", "tin", "2Gi") })).status, 403);
    await used(space, "disk", { [gold]: "1Gi", "requests.storage": "9Gi" });
  });

  it("knows nothing of other namespaces and workspaces", async () => {
    const space = await namespace("alone");
    await quota(space, "none", { configmaps: "0" });
    await used(space, "none", { configmaps: "1" });
    assert.equal((await server.call("POST", `${space}/configmaps`, { body: configMap("x") })).status, 403);
    const elsewhere = await server.workspace("elsewhere", { type: "kubernetes" });
    for (const path of [base, `/clusters/${elsewhere}`]) {
      const answer = await server.call("POST", `${path}/api/v1/namespaces/default/configmaps`, {
        body: configMap("free"),
      });
      assert.equal(answer.status, 201, answer.text);
    }
  });
});

describe("LimitRange", () => {
  it("completes containers and says so", async () => {
    const space = await namespace("completed");
    const body = {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "usual" },
      spec: {
        limits: [
          { type: "Container", default: { cpu: "500m", memory: "1Gi" }, defaultRequest: { cpu: "100m" } },
        ],
      },
    };
    assert.equal((await server.call("POST", `${space}/limitranges`, { body })).status, 201);
    const made = await server.call("POST", `${space}/pods`, {
      body: pod("some", { limits: { memory: "2Gi" } }),
    });
    assert.equal(made.status, 201, made.text);
    const { containers } = made.json.spec as { containers: { resources: object }[] };
    assert.deepEqual(containers[0]!.resources, {
      limits: { cpu: "500m", memory: "2Gi" },
      requests: { cpu: "100m", memory: "2Gi" },
    });
    assert.equal(
      made.json.metadata.annotations["kubernetes.io/limit-ranger"],
      "LimitRanger plugin set: cpu request for container main; cpu limit for container main",
    );
  });

  it("refuses what is outside of its limits, with every reason", async () => {
    const space = await namespace("bounded");
    const body = {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "bounds" },
      spec: {
        limits: [
          { type: "Container", min: { cpu: "100m" }, max: { cpu: "1" }, maxLimitRequestRatio: { cpu: "2" } },
          { type: "Pod", max: { memory: "1Gi" } },
          { type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "5Gi" } },
        ],
      },
    };
    const created = await server.call("POST", `${space}/limitranges`, { body });
    assert.equal(created.status, 201, created.text);
    const big = pod("big", { requests: { cpu: "1" }, limits: { cpu: "3", memory: "2Gi" } });
    const refused = await server.call("POST", `${space}/pods`, { body: big });
    assert.equal(refused.status, 403);
    assert.equal(
      refused.json.message,
      'pods "big" is forbidden: [maximum cpu usage per Container is 1, but limit is 3, cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000, maximum memory usage per Pod is 1Gi, but limit is 2Gi]',
    );
    const claim = (storage: string) => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: `c${storage.toLowerCase()}` },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
    });
    const path = `${space}/persistentvolumeclaims`;
    const small = await server.call("POST", path, { body: claim("1Mi") });
    assert.equal(
      small.json.message,
      'persistentvolumeclaims "c1mi" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    );
    assert.equal((await server.call("POST", path, { body: claim("5Gi") })).status, 201);
  });
});

describe("custom resources", () => {
  it("are counted like every other kind", async () => {
    const space = await namespace("custom");
    const group = "quota.example.com";
    const body = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `gizmos.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural: "gizmos", kind: "Gizmo" },
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } },
        ],
      },
    };
    const path = `${base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
    const defined = await server.call("POST", path, { body });
    assert.equal(defined.status, 201, defined.text);
    await quota(space, "few", { [`count/gizmos.${group}`]: "2" });
    await used(space, "few", { [`count/gizmos.${group}`]: "0" });
    const gizmos = space.replace("/api/v1/", `/apis/${group}/v1/`);
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map((name) =>
        server.call("POST", `${gizmos}/gizmos`, {
          body: { apiVersion: `${group}/v1`, kind: "Gizmo", metadata: { name } },
        }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 403, 403]);
    const refused = answers.find(({ status }) => status === 403)!;
    assert.match(
      refused.json.message,
      /^gizmos\.quota\.example\.com "[a-d]" is forbidden: exceeded quota: few, requested: count\/gizmos\.quota\.example\.com=1,/,
    );
    const made = answers.find(({ status }) => status === 201)!;
    await server.call("DELETE", `${gizmos}/gizmos/${made.json.metadata.name}`);
    await used(space, "few", { [`count/gizmos.${group}`]: "1" });
  });
});

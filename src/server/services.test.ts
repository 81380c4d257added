import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer({
    serviceRanges: { addresses: ["10.96.0.0/24"], nodePorts: { first: 30_000, last: 30_049 } },
  });
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

type Spec = Record<string, unknown> & {
  clusterIP: string;
  clusterIPs: string[];
  ports: { nodePort: number }[];
};

const path = "/api/v1/namespaces/default/services";
const merge = "application/merge-patch+json";
const one = [{ port: 80 }];

/** A workspace of its own, so that ranges are fresh. */
async function world(name: string) {
  const base = `/clusters/${await server.workspace(name, { type: "kubernetes" })}`;
  const call = (method: string, at: string, body?: unknown, type?: string): Promise<Answer> =>
    server.call(method, base + at, { body, ...(type === undefined ? {} : { type }) });
  const make = async (name: string, spec: object, query = ""): Promise<Spec> => {
    const answer = await call("POST", path + query, { metadata: { name }, spec });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.spec as Spec;
  };
  const refused = async (spec: object, at = path): Promise<string> => {
    const answer = await call("POST", at, { metadata: { name: "refused" }, spec });
    assert.notEqual(answer.status, 201);
    return `${answer.status} ${answer.json.message}`;
  };
  const change = async (name: string, spec: object): Promise<Answer> =>
    call("PATCH", `${path}/${name}`, { spec }, merge);
  const addresses = async (): Promise<string[]> => {
    const { items } = (await call("GET", "/apis/networking.k8s.io/v1/ipaddresses")).json;
    return items.map(({ metadata }) => metadata.name).sort();
  };
  return { base, call, make, refused, change, addresses };
}

test("a new Service has an address of the range, with an IPAddress that names it, and families; nobody owns them", async () => {
  const { call, make } = await world("one");
  const spec = await make("a", { ports: one, selector: { a: "b" } });
  assert.match(spec.clusterIP, /^10\.96\.0\.(1[7-9]|[2-9]\d|1\d\d|2[0-4]\d|25[0-4])$/);
  assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
  assert.deepEqual([spec.ipFamilies, spec.ipFamilyPolicy], [["IPv4"], "SingleStack"]);
  const address = (await call("GET", `/apis/networking.k8s.io/v1/ipaddresses/${spec.clusterIP}`)).json;
  assert.deepEqual(address.spec, { parentRef: { resource: "services", namespace: "default", name: "a" } });
  assert.deepEqual(address.metadata.labels, {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
  });
  const stored = (await call("GET", `${path}/a`)).json;
  const managed = JSON.stringify(stored.metadata.managedFields);
  assert.ok(managed.includes("f:ports") && !managed.includes("f:clusterIP") && !managed.includes("f:ipFam"));
  const found = await call("GET", `${path}?fieldSelector=spec.clusterIP%3D${spec.clusterIP}`);
  assert.equal(found.json.items.length, 1);
  const cidr = (await call("GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes")).json;
  assert.deepEqual(cidr.spec, { cidrs: ["10.96.0.0/24"] });
});

test("requested addresses are given when they are free and in a range", async () => {
  const { call, make, refused } = await world("static");
  const at = (clusterIP: string) => ({ ports: one, clusterIP });
  assert.equal((await make("a", at("10.96.0.9"))).clusterIP, "10.96.0.9");
  const text = (ip: string, why: string) =>
    `422 Service "refused" is invalid: spec.clusterIPs: Invalid value: ["${ip}"]: failed to allocate IP ${ip}: ${why}`;
  assert.equal(await refused(at("10.96.0.9")), text("10.96.0.9", "provided IP is already allocated"));
  const mismatch = "the provided network does not match the current range";
  for (const ip of ["10.96.0.0", "10.96.0.255", "10.97.0.1"])
    assert.equal(await refused(at(ip)), text(ip, mismatch));
  assert.match(await refused(at("fd00::1")), /IPv6 is not configured on this cluster/);
  // Another workspace has ranges of its own.
  const other = await world("static2");
  await other.make("a", at("10.96.0.9"));
  // A further ServiceCIDR is used, too.
  const cidr = { metadata: { name: "more" }, spec: { cidrs: ["10.97.0.0/24"] } };
  assert.equal((await call("POST", "/apis/networking.k8s.io/v1/servicecidrs", cidr)).status, 201);
  assert.equal((await make("b", at("10.97.0.1"))).clusterIP, "10.97.0.1");
  await call("DELETE", `${path}/a`);
  await make("c", at("10.96.0.9"));
});

test("headless and external Services have no address; families are settled by the server's ranges", async () => {
  const { make, refused, addresses } = await world("families");
  const free = await make("a", { clusterIP: "None", ports: one });
  assert.deepEqual(
    [free.clusterIPs, free.ipFamilies, free.ipFamilyPolicy],
    [["None"], ["IPv4", "IPv6"], "RequireDualStack"],
  );
  const headless = await make("b", { clusterIP: "None", ports: one, selector: { a: "b" } });
  assert.deepEqual([headless.ipFamilies, headless.ipFamilyPolicy], [["IPv4"], "SingleStack"]);
  const external = await make("c", { type: "ExternalName", externalName: "a.b" });
  assert.deepEqual(
    [external.clusterIP, external.ipFamilies, external.ipFamilyPolicy],
    [undefined, undefined, undefined],
  );
  const both = await make("d", { ports: one, ipFamilyPolicy: "PreferDualStack" });
  assert.deepEqual([both.ipFamilies, both.clusterIPs.length], [["IPv4"], 1]);
  assert.equal(
    await refused({ ports: one, ipFamilyPolicy: "RequireDualStack" }),
    '422 Service "refused" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
  );
  assert.equal(
    await refused({ ports: one, ipFamilies: ["IPv6"] }),
    '422 Service "refused" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  );
  assert.deepEqual(await addresses(), both.clusterIPs);
});

test("ports on nodes: any, requested, shared by protocols, taken, out of range, none, for health checks", async () => {
  const { call, make, refused, change } = await world("ports");
  const [any] = (await make("a", { type: "NodePort", ports: one })).ports;
  assert.ok(any!.nodePort >= 30_016 && any!.nodePort <= 30_049);
  const dns = [
    { name: "udp", port: 53, protocol: "UDP", nodePort: 30_001 },
    { name: "tcp", port: 53 },
  ];
  assert.deepEqual(
    (await make("b", { type: "NodePort", ports: dns })).ports.map(({ nodePort }) => nodePort),
    [30_001, 30_001],
  );
  const at = (nodePort: number) => ({ type: "NodePort", ports: [{ port: 1, nodePort }] });
  const wrong = (port: number, why: string) =>
    `422 Service "refused" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: ${why}`;
  assert.equal(await refused(at(30_001)), wrong(30_001, "provided port is already allocated"));
  const range = "provided port is not in the valid range. The range of valid ports is 30000-30049";
  assert.equal(await refused(at(1)), wrong(1, range));
  const balanced = { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local" };
  const checked = await make("c", {
    ...balanced,
    healthCheckNodePort: 30_002,
    allocateLoadBalancerNodePorts: false,
  });
  assert.deepEqual([checked.healthCheckNodePort, checked.ports[0]!.nodePort], [30_002, undefined]);
  assert.match(
    await refused({ ...balanced, healthCheckNodePort: 30_002 }),
    /^500 .*failed to allocate requested HealthCheck NodePort 30002: provided port is already allocated$/,
  );
  assert.equal(typeof (await make("d", balanced)).healthCheckNodePort, "number");
  const moved = await change("c", { healthCheckNodePort: 30_003 });
  assert.match(moved.json.message, /spec.healthCheckNodePort: Forbidden: field is immutable/);
  // Ports that only stand there belong to nobody.
  await make("e", { type: "ExternalName", externalName: "a.b", ports: [{ port: 1, nodePort: 30_001 }] });
  await call("DELETE", `${path}/e`);
  assert.match(await refused(at(30_001)), /already allocated/);
  await call("DELETE", `${path}/b`);
  await make("f", at(30_001));
});

test("a changed type takes and gives back; what is left unsaid stays; the first address does not change", async () => {
  const { call, make, change, addresses } = await world("changes");
  const made = await make("a", { type: "NodePort", ports: [{ name: "x", port: 80 }], selector: { a: "b" } });
  const put = await call("PUT", `${path}/a`, {
    metadata: { name: "a" },
    spec: {
      type: "NodePort",
      ports: [
        { name: "x", port: 8080 },
        { name: "y", port: 81 },
      ],
    },
  });
  const spec = put.json.spec as Spec;
  assert.equal(spec.clusterIP, made.clusterIP);
  assert.equal(spec.ports[0]!.nodePort, made.ports[0]!.nodePort);
  assert.notEqual(spec.ports[1]!.nodePort, made.ports[0]!.nodePort);
  assert.match(
    (await change("a", { clusterIP: "10.96.0.3" })).json.message,
    /spec.clusterIPs\[0\]: Invalid value: \["10.96.0.3"\]: may not change once set/,
  );
  const inner = (await change("a", { type: "ClusterIP" })).json.spec as Spec;
  assert.deepEqual([inner.ports[0]!.nodePort, inner.clusterIP], [undefined, made.clusterIP]);
  const requested = { type: "NodePort", ports: [{ port: 1, nodePort: made.ports[0]!.nodePort }] };
  await make("b", requested);
  const away = (await change("a", { type: "ExternalName", externalName: "a.b" })).json.spec as Spec;
  assert.deepEqual([away.clusterIP, away.ipFamilies, away.ipFamilyPolicy], [undefined, undefined, undefined]);
  assert.equal((await addresses()).length, 1);
  const back = (await change("a", { type: "ClusterIP", externalName: null })).json.spec as Spec;
  assert.deepEqual(
    await addresses(),
    [back.clusterIP, ...((await call("GET", `${path}/b`)).json.spec.clusterIPs as string[])].sort(),
  );
  const applied = { apiVersion: "v1", kind: "Service", metadata: { name: "c" }, spec: { ports: one } };
  const apply = () => call("PATCH", `${path}/c?fieldManager=m`, applied, "application/apply-patch+yaml");
  const first = await apply();
  const again = await apply();
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.deepEqual(again.json, first.json);
});

test("whatever a Service goes by, what it had is free again", async () => {
  const { base, call, make, addresses } = await world("going");
  const spec = { type: "NodePort", ports: [{ port: 1, nodePort: 30_000 }], clusterIP: "10.96.0.5" };
  await make("a", spec);
  await call("DELETE", `${path}/a`);
  await make("a", spec);
  await call("DELETE", path);
  assert.deepEqual(await addresses(), []);
  const held = await call("POST", path, { metadata: { name: "a", finalizers: ["a.b/c"] }, spec });
  assert.equal(held.status, 201, held.text);
  await call("DELETE", `${path}/a`);
  assert.deepEqual(await addresses(), ["10.96.0.5"]);
  await call("PATCH", `${path}/a/status`, { metadata: { finalizers: null } }, merge);
  assert.deepEqual(await addresses(), []);
  const endpoints = "/api/v1/namespaces/default/endpoints";
  await call("POST", endpoints, { metadata: { name: "a" }, subsets: [] });
  await make("a", spec);
  await call("DELETE", `${path}/a`);
  assert.equal((await call("GET", `${endpoints}/a`)).status, 404);
  const other = "/api/v1/namespaces/other";
  await call("POST", "/api/v1/namespaces", { metadata: { name: "other" } });
  for (let i = 0; i < 30; i++)
    assert.equal(
      (
        await call("POST", `${other}/services`, {
          metadata: { name: `s${i}` },
          spec: { type: "NodePort", ports: one },
        })
      ).status,
      201,
    );
  await call("POST", `${other}/endpoints`, { metadata: { name: "s0" }, subsets: [] });
  await call("DELETE", other);
  await until("the namespace is gone", async () => (await call("GET", other)).status === 404);
  assert.deepEqual(await addresses(), []);
  for (let i = 0; i < 50; i++) await make(`p${i}`, { type: "NodePort", ports: one });
  const cluster = base.slice("/clusters/".length);
  await server.call("DELETE", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/going");
  await until("nothing is left", () => server.store.tenantCounts(cluster).length === 0);
});

test("a full range is told as such; a dry run takes nothing", async () => {
  const small = await startLiveServer({
    serviceRanges: { addresses: ["10.0.0.0/29"], nodePorts: { first: 30_000, last: 30_001 } },
  });
  try {
    const base = `/clusters/${await small.workspace("small", { type: "kubernetes" })}${path}`;
    const make = (name: string, spec: object, query = "") =>
      small.call("POST", base + query, { body: { metadata: { name }, spec: { ports: one, ...spec } } });
    for (let i = 0; i < 10; i++) {
      const tried = await make("dry", { type: "NodePort" }, "?dryRun=All");
      const { clusterIP, ports } = tried.json.spec as Spec;
      assert.deepEqual([tried.status, clusterIP, ports[0]!.nodePort], [201, "10.0.0.0", 32_769]);
    }
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(((await make(`s${i}`, {})).json.spec as Spec).clusterIP);
    assert.equal(seen.size, 6);
    const full = await make("more", {});
    assert.deepEqual(
      [full.status, full.json.message],
      [500, 'Internal error occurred: failed to allocate a serviceIP for Service "more": range is full'],
    );
    for (let i = 0; i < 2; i++)
      await small.call("PATCH", `${base}/s${i}`, { body: { spec: { type: "NodePort" } }, type: merge });
    const ports = await small.call("PATCH", `${base}/s2`, {
      body: { spec: { type: "NodePort" } },
      type: merge,
    });
    assert.deepEqual(
      [ports.status, ports.json.message],
      [500, "Internal error occurred: failed to allocate a nodePort: range is full"],
    );
  } finally {
    await small.close();
  }
});

test("two families: one is added and taken back by the policy", async () => {
  const dual = await startLiveServer({
    serviceRanges: { addresses: ["10.0.0.0/24", "fd00::/112"], nodePorts: { first: 30_000, last: 30_001 } },
  });
  try {
    const cluster = `/clusters/${await dual.workspace("dual", { type: "kubernetes" })}`;
    const base = cluster + path;
    const made = await dual.call("POST", base, { body: { metadata: { name: "a" }, spec: { ports: one } } });
    const first = made.json.spec as Spec;
    const change = async (spec: object) => dual.call("PATCH", `${base}/a`, { body: { spec }, type: merge });
    const both = (await change({ ipFamilyPolicy: "RequireDualStack" })).json.spec as Spec;
    assert.deepEqual([both.ipFamilies, both.clusterIPs[0]], [["IPv4", "IPv6"], first.clusterIP]);
    assert.match(both.clusterIPs[1]!, /^fd00::[1-9a-f][0-9a-f]{0,3}$/);
    const count = async () =>
      (await dual.call("GET", `${cluster}/apis/networking.k8s.io/v1/ipaddresses`)).json.items.length;
    assert.equal(await count(), 2);
    assert.match(
      (await change({ clusterIPs: [first.clusterIP] })).json.message,
      /spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP/,
    );
    const single = (await change({ ipFamilyPolicy: "SingleStack" })).json.spec as Spec;
    assert.deepEqual([single.clusterIPs, single.ipFamilies], [[first.clusterIP], ["IPv4"]]);
    assert.equal(await count(), 1);
  } finally {
    await dual.close();
  }
});

test("an IPAddress that is deleted, and the ServiceCIDR, are made again", async () => {
  const { call, make, addresses } = await world("repair");
  const { clusterIP } = await make("a", { ports: one });
  await call("DELETE", `/apis/networking.k8s.io/v1/ipaddresses/${clusterIP}`);
  await until("it is back", async () => (await addresses()).length === 1);
  assert.deepEqual(await addresses(), [clusterIP]);
  const cidr = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes";
  await call("DELETE", cidr);
  await until("it is back and ready", async () => {
    const { status } = (await call("GET", cidr)).json as unknown as { status?: { conditions?: unknown[] } };
    return status?.conditions?.length === 1;
  });
  assert.equal((await call("GET", `${path}/kubernetes`)).json.spec.clusterIP, "None");
});

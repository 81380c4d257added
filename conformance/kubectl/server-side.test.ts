import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "./kubectl.ts";
import { configMap, suite } from "./suite.ts";

const ns = ["-n", "applying"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "applying"]);
}, "kubernetes");

const apply = (manifest: string, ...flags: string[]) =>
  s.kubectl.run(["apply", "--server-side", "-f", "-", ...ns, ...flags], { stdin: manifest });

const applied = async (manifest: string, ...flags: string[]): Promise<string> => {
  const result = await apply(manifest, ...flags);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
};

const get = (name: string, kind = "cm"): Promise<KubeObject> =>
  s.kubectl.json(["get", kind, name, ...ns, "--show-managed-fields"]);

type Entry = { manager: string; operation: string; subresource?: string; fieldsV1: Record<string, unknown> };
const entries = (object: KubeObject): Entry[] => object.metadata.managedFields as Entry[];

const deployment = (spec: Record<string, unknown>): string =>
  JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec });

const labels = { app: "web" };
const template = (...containers: Record<string, unknown>[]) => ({
  metadata: { labels },
  spec: { containers },
});

test("created, unchanged without a write, changed; a field that left the file leaves the object", async () => {
  const manifest = (data: Record<string, string>): string => configMap("first", data);
  assert.equal(await applied(manifest({ a: "1", b: "2" })), "configmap/first serverside-applied\n");
  const first = await get("first");
  assert.deepEqual(
    entries(first).map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 })),
    [
      {
        manager: "kubectl",
        operation: "Apply",
        fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } },
      },
    ],
  );
  assert.equal(first.metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"], undefined);
  await applied(manifest({ a: "1", b: "2" }));
  assert.equal((await get("first")).metadata.resourceVersion, first.metadata.resourceVersion);
  await s.kubectl.ok(["patch", "cm", "first", ...ns, "-p", '{"data":{"foreign":"yes"}}']);
  await applied(manifest({ b: "3" }));
  const last = await get("first");
  assert.deepEqual(last.data, { b: "3", foreign: "yes" });
  assert.deepEqual(
    entries(last)
      .map(({ manager, operation }) => `${manager} ${operation}`)
      .sort(),
    ["kubectl Apply", "kubectl-patch Update"],
  );
});

test("a conflict names its manager and fields; --force-conflicts takes them; shared values do not conflict", async () => {
  await applied(configMap("contested", { a: "1", b: "1", c: "1" }), "--field-manager=one");
  assert.equal(
    await applied(configMap("contested", { a: "1" }), "--field-manager=two"),
    "configmap/contested serverside-applied\n",
  );
  const conflict = await apply(configMap("contested", { b: "2", c: "2" }), "--field-manager=two");
  assert.equal(conflict.code, 1);
  assert.equal(
    conflict.stderr.trimEnd(),
    `error: Apply failed with 2 conflicts: conflicts with "one":
- .data.b
- .data.c
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`,
  );
  await applied(configMap("contested", { b: "2", c: "2" }), "--field-manager=two", "--force-conflicts");
  const object = await get("contested");
  assert.deepEqual(object.data, { a: "1", b: "2", c: "2" });
  assert.deepEqual(Object.fromEntries(entries(object).map(({ manager, fieldsV1 }) => [manager, fieldsV1])), {
    one: { "f:data": { "f:a": {} } },
    two: { "f:data": { "f:b": {}, "f:c": {} } },
  });
});

test("a conflict with an update, and with an apply of the same manager's name", async () => {
  await s.kubectl.ok(["create", "cm", "updated", ...ns, "--from-literal=a=1"]);
  const conflict = await apply(configMap("updated", { a: "2" }));
  assert.match(
    conflict.stderr,
    /^error: Apply failed with 1 conflict: conflict with "kubectl-create" using v1: \.data\.a\n/,
  );
  assert.deepEqual((await get("updated")).data, { a: "1" });
});

test("from client-side to server-side apply: the fields move, and leave with the file", async () => {
  const client = (data: Record<string, string>): Promise<string> =>
    s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: configMap("moved", data) });
  await client({ a: "1", b: "2" });
  await applied(configMap("moved", { a: "1", b: "3" }));
  let object = await get("moved");
  assert.deepEqual(
    entries(object).map(({ manager, operation }) => `${manager} ${operation}`),
    ["kubectl-last-applied Apply", "kubectl Apply"],
  );
  await applied(configMap("moved", { a: "1" }));
  object = await get("moved");
  assert.deepEqual(object.data, { a: "1" });
});

test("lists by key: two managers of one Deployment", async () => {
  await applied(
    deployment({
      selector: { matchLabels: labels },
      template: template({
        name: "app",
        image: "app:1",
        ports: [
          { containerPort: 80, protocol: "TCP" },
          { containerPort: 80, protocol: "UDP" },
        ],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
      }),
    }),
    "--field-manager=one",
  );
  await applied(
    deployment({
      replicas: 3,
      template: {
        spec: {
          containers: [
            { name: "app", env: [{ name: "C", value: "3" }] },
            { name: "side", image: "side:1" },
          ],
        },
      },
    }),
    "--field-manager=two",
  );
  await applied(
    deployment({
      selector: { matchLabels: labels },
      template: template({
        name: "app",
        image: "app:2",
        ports: [{ containerPort: 80, protocol: "UDP" }],
        env: [{ name: "B", value: "2" }],
      }),
    }),
    "--field-manager=one",
  );
  const read = (path: string): Promise<string> =>
    s.kubectl.ok(["get", "deploy", "web", ...ns, "-o", `jsonpath=${path}`]);
  const containers = "{.spec.template.spec.containers";
  assert.equal(await read("{.spec.replicas}"), "3");
  assert.equal(await read(`${containers}[*].name}`), "app side");
  assert.equal(await read(`${containers}[0].image}`), "app:2");
  assert.equal(await read(`${containers}[0].ports[*].protocol}`), "UDP");
  assert.equal(await read(`${containers}[0].env[*].name}`), "B C");
  // The second manager lets go of its fields: they go, or fall back to their defaults.
  await applied(
    deployment({
      template: { spec: { containers: [{ name: "app", env: [{ name: "C", value: "3" }] }] } },
    }),
    "--field-manager=two",
  );
  assert.equal(await read(`${containers}[*].name}`), "app");
  assert.equal(await read("{.spec.replicas}"), "1");
});

test("scale owns the replicas; an apply with them conflicts, without them keeps them", async () => {
  const spec = {
    selector: { matchLabels: { app: "scaled" } },
    template: {
      metadata: { labels: { app: "scaled" } },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    },
  };
  const manifest = (more: Record<string, unknown>): string =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "scaled" },
      spec: { ...spec, ...more },
    });
  await applied(manifest({ replicas: 2 }));
  assert.equal(
    await s.kubectl.ok(["scale", "deploy", "scaled", "--replicas=5", ...ns]),
    "deployment.apps/scaled scaled\n",
  );
  const object = await get("scaled", "deploy");
  const scaler = entries(object).find(({ subresource }) => subresource === "scale");
  assert.deepEqual(
    [scaler?.operation, scaler?.fieldsV1],
    ["Update", { "f:spec": { "f:replicas": {} } }],
    JSON.stringify(entries(object)),
  );
  const conflict = await apply(manifest({ replicas: 2 }));
  assert.match(conflict.stderr, /conflict with "kubectl" with subresource "scale"[^\n]*: \.spec\.replicas\n/);
  await applied(manifest({}));
  const { spec: kept, metadata } = await get("scaled", "deploy");
  assert.deepEqual([(kept as { replicas: number }).replicas, metadata.generation], [5, 2]);
});

test("apply of a status", async () => {
  await applied(
    JSON.stringify({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "few" },
      spec: { hard: { "count/secrets": "5" } },
    }),
  );
  const status = JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "scaled" },
    status: {
      conditions: [{ type: "Available", status: "True", reason: "Told", message: "by a test" }],
    },
  });
  await applied(status, "--subresource=status", "--field-manager=teller");
  const object = await get("scaled", "deploy");
  assert.deepEqual(
    entries(object)
      .filter(({ manager }) => manager === "teller")
      .map(({ operation, subresource }) => [operation, subresource]),
    [["Apply", "status"]],
  );
  await s.kubectl.ok(["wait", "--for=condition=Available", "deploy/scaled", ...ns, "--timeout=300s"]);
});

test("dry run and diff on the server's side change nothing", async () => {
  await applied(configMap("dry", { a: "1" }));
  const before = await get("dry");
  assert.equal(
    await applied(configMap("dry", { a: "2" }), "--dry-run=server"),
    "configmap/dry serverside-applied (server dry run)\n",
  );
  const diff = await s.kubectl.run(["diff", "--server-side", "-f", "-", ...ns], {
    stdin: configMap("dry", { a: "2", b: "3" }),
  });
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /-\s+a: "1"\n\+\s+a: "2"\n\+\s+b: "3"/);
  const same = await s.kubectl.run(["diff", "--server-side", "-f", "-", ...ns], {
    stdin: configMap("dry", { a: "1" }),
  });
  assert.deepEqual([same.code, same.stdout], [0, ""], same.stderr);
  assert.deepEqual(await get("dry"), before);
});

test("what an apply may not hold", async () => {
  const refused = async (manifest: object, text: RegExp): Promise<void> => {
    const result = await apply(JSON.stringify(manifest));
    assert.equal(result.code, 1);
    assert.match(result.stderr, text);
  };
  const named = (metadata: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
  await refused(
    named({ name: "x", managedFields: [{ manager: "me", operation: "Apply" }] }),
    /metadata\.managedFields must be nil/,
  );
  await refused(
    { ...named({ name: "x" }), data: { a: 1 } },
    /failed to create typed patch object .*\.data\.a: expected string, got &value\.valueUnstructured|expected string, got/,
  );
  await refused(
    { ...named({ name: "x" }), dta: {} },
    /\.dta: field not declared in schema|unknown field "dta"/,
  );
  const twice = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "twice" },
    spec: {
      ports: [
        { port: 80, protocol: "TCP" },
        { port: 80, protocol: "TCP" },
      ],
    },
  };
  await refused(twice, /duplicate entries for key \[port=80,protocol="TCP"\]|Duplicate value/);
});

test("managed fields can be read, and cleared by an update", async () => {
  await applied(configMap("cleared", { a: "1" }));
  assert.equal((await s.kubectl.json(["get", "cm", "cleared", ...ns])).metadata.managedFields, undefined);
  await s.kubectl.ok([
    ...["patch", "cm", "cleared", ...ns, "--type=merge"],
    ...["-p", '{"metadata":{"managedFields":[{}]}}'],
  ]);
  assert.equal(entries(await get("cleared")), undefined);
  // What was there before managed fields belongs to nobody's name in particular.
  await applied(configMap("cleared", { a: "1" }), "--field-manager=new");
  const object = await get("cleared");
  assert.ok(
    entries(object).some(({ manager, operation }) => manager === "new" && operation === "Apply"),
    JSON.stringify(entries(object)),
  );
});

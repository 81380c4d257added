import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "#base/testing/until.ts";
import { ApplyClient, type ApplyRequest, applyType, managedOf } from "./testing/apply-client.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";

describe("server-side apply", () => {
  let server: LiveServer;
  let client: ApplyClient;
  before(async () => {
    server = await startLiveServer();
    client = new ApplyClient(server, await server.workspace("apply", { type: "kubernetes" }));
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.bugs, []);
  });

  const at = (resource: string, name: string): string => client.at(resource, name);
  const apply = (path: string, body: unknown, options?: ApplyRequest): Promise<Answer> =>
    client.apply(path, body, options);
  const owners = (answer: Answer): [string, string, unknown][] =>
    managedOf(answer).map(({ manager, operation, fieldsV1 }) => [manager!, operation!, fieldsV1]);

  const configMap = (name: string, data: Record<string, string>, more: object = {}): object => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...more },
    data,
  });

  it("creates, says who owns what, and writes nothing when nothing changes", async () => {
    const path = at("configmaps", "one");
    const created = await apply(path, configMap("one", { a: "1", b: "2" }, { labels: { app: "x" } }));
    assert.equal(created.status, 201, created.text);
    assert.deepEqual(owners(created), [
      [
        "tester",
        "Apply",
        { "f:data": { "f:a": {}, "f:b": {} }, "f:metadata": { "f:labels": { "f:app": {} } } },
      ],
    ]);
    const [entry] = managedOf(created);
    assert.match(entry!.time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(entry!.fieldsType, "FieldsV1");
    const again = await apply(path, configMap("one", { a: "1", b: "2" }, { labels: { app: "x" } }));
    assert.equal(again.status, 200);
    assert.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
    assert.deepEqual(again.json, created.json);
    const read = await server.call("GET", path);
    assert.deepEqual(read.json, created.json);
  });

  it("creates what has a resource version: manifests that were exported hold one", async () => {
    const path = at("configmaps", "exported");
    const exported = configMap("exported", { a: "1" }, { resourceVersion: "1" });
    const created = await apply(path, exported);
    assert.deepEqual([created.status, created.json.data], [201, { a: "1" }]);
    assert.equal((await apply(path, exported)).json.reason, "Conflict");
    const lease = at("leases", "lost").replace("/api/v1/", "/apis/coordination.k8s.io/v1/");
    const put = await server.call("PUT", lease, {
      body: { metadata: { name: "lost", resourceVersion: "1" } },
    });
    assert.equal(put.status, 201, put.text);
  });

  it("leaves no managed fields when the last owner gives up its last field", async () => {
    const path = at("configmaps", "given-up");
    await apply(path, configMap("given-up", { a: "1" }));
    const answer = await apply(path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "given-up" } });
    assert.deepEqual([answer.json.data, managedOf(answer)], [undefined, []]);
    assert.equal((await server.call("GET", path)).json.metadata.managedFields, undefined);
  });

  it("is an object, and says what it is else", async () => {
    const answer = await apply(at("configmaps", "list"), "[]");
    const start = "error decoding YAML: error unmarshaling JSON: while decoding JSON: ";
    const why = "json: cannot unmarshal array into Go value of type map[string]interface {}";
    assert.deepEqual([answer.status, answer.json.message], [400, start + why]);
  });

  it("does not count the annotation that names the workspace", async () => {
    const path = at("configmaps", "annotated");
    await server.call("POST", path.replace(/\/[^/]*$/, ""), { body: configMap("annotated", { a: "1" }) });
    const body = { metadata: { annotations: { mine: "1" } } };
    const type = "application/merge-patch+json";
    const answer = await server.call("PATCH", `${path}?fieldManager=first`, { body, type });
    const entry = managedOf(answer).find(({ manager }) => manager === "first");
    assert.deepEqual(entry?.fieldsV1, { "f:metadata": { "f:annotations": { ".": {}, "f:mine": {} } } });
    const back = configMap("annotated", { a: "1" }, { annotations: { "kcp.io/cluster": "elsewhere" } });
    const again = owners(await apply(path, back)).find(([manager]) => manager === "tester");
    assert.deepEqual(again?.[2], { "f:data": { "f:a": {} } });
  });

  it("knows a Secret by what is stored of it", async () => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "words" },
      stringData: { a: "1" },
      data: { b: "Mg==" },
    };
    const path = at("secrets", "words");
    const made = await server.call("POST", `${path.replace(/\/[^/]*$/, "")}?fieldManager=maker`, {
      body: secret,
    });
    assert.deepEqual(owners(made), [
      ["maker", "Update", { "f:data": { ".": {}, "f:a": {}, "f:b": {} }, "f:type": {} }],
    ]);
    const applied = await apply(path, { ...secret, data: undefined });
    assert.deepEqual(owners(applied)[0], ["tester", "Apply", { "f:stringData": { "f:a": {} } }]);
  });

  it("removes what a manager gives up, unless somebody else owns it", async () => {
    const path = at("configmaps", "two");
    await apply(path, configMap("two", { a: "1", b: "2" }));
    await apply(path, configMap("two", { b: "2", c: "3" }), { manager: "other" });
    const answer = await apply(path, configMap("two", { c: "3" }));
    assert.deepEqual(answer.json.data, { b: "2", c: "3" });
  });

  it("refuses to change what others own, names them, and takes it by force", async () => {
    const path = at("configmaps", "three");
    await server.call("POST", path.replace(/\/three$/, "?fieldManager=creator"), {
      body: configMap("three", { a: "1", b: "1" }),
    });
    const refused = await apply(path, configMap("three", { a: "2" }));
    assert.equal(refused.status, 409);
    assert.equal(refused.json.reason, "Conflict");
    assert.equal(
      refused.json.message,
      'Apply failed with 1 conflict: conflict with "creator" using v1: .data.a',
    );
    assert.deepEqual(refused.json.details.causes, [
      { reason: "FieldManagerConflict", message: 'conflict with "creator" using v1', field: ".data.a" },
    ]);
    const many = await apply(path, configMap("three", { a: "2", b: "2" }));
    assert.equal(
      many.json.message,
      'Apply failed with 2 conflicts: conflicts with "creator" using v1:\n- .data.a\n- .data.b',
    );
    const forced = await apply(path, configMap("three", { a: "2" }), { force: true });
    assert.equal(forced.status, 200);
    assert.deepEqual(owners(forced), [
      ["tester", "Apply", { "f:data": { "f:a": {} } }],
      ["creator", "Update", { "f:data": { ".": {}, "f:b": {} } }],
    ]);
  });

  it("merges lists by their keys", async () => {
    const path = at("apps/v1/deployments", "web");
    const deployment = (image: string, more: object = {}): object => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "web", image, ...more }] },
        },
      },
    });
    const created = await apply(path, deployment("a:1", { ports: [{ containerPort: 80 }] }));
    assert.equal(created.status, 201, created.text);
    const other = await apply(
      path,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { template: { spec: { containers: [{ name: "side", image: "b:1" }] } } },
      },
      { manager: "other" },
    );
    assert.equal(other.status, 200, other.text);
    const spec = other.json.spec as unknown as { template: { spec: { containers: Json[] } } };
    assert.deepEqual(
      spec.template.spec.containers.map((container) => container.name),
      ["web", "side"],
    );
    const conflict = await apply(path, deployment("a:2"), { manager: "third" });
    assert.equal(conflict.status, 409);
    assert.match(conflict.json.message, /\.spec\.template\.spec\.containers\[name="web"\]\.image$/);
  });

  it("keeps status and the rest apart", async () => {
    const path = at("apps/v1/deployments", "parts");
    const body = (spec: object, status: object): object => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "parts" },
      spec,
      status,
    });
    const spec = {
      replicas: 1,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    };
    const created = await apply(path, body(spec, { readyReplicas: 3 }));
    assert.equal(created.status, 201, created.text);
    assert.ok(!created.text.includes("f:status") && created.json.status !== undefined);
    const status = await apply(`${path}/status`, body({ replicas: 9 }, { replicas: 3, readyReplicas: 3 }), {
      manager: "controller",
    });
    assert.equal(status.status, 200, status.text);
    assert.equal(status.json.spec.replicas, 1);
    const entry = managedOf(status).find(({ manager }) => manager === "controller");
    assert.deepEqual(
      [entry?.subresource, entry?.fieldsV1],
      ["status", { "f:status": { "f:readyReplicas": {}, "f:replicas": {} } }],
    );
  });

  it("of a Scale owns the replicas of the object", async () => {
    const path = at("apps/v1/deployments", "scaled");
    const spec = {
      replicas: 1,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    };
    await apply(path, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "scaled" }, spec });
    const scale = {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "scaled" },
      spec: { replicas: 3 },
    };
    const refused = await apply(`${path}/scale`, scale, { manager: "hpa" });
    assert.equal(refused.status, 409, refused.text);
    assert.equal(
      refused.json.message,
      'Apply failed with 1 conflict: conflict with "tester": .spec.replicas',
    );
    const forced = await apply(`${path}/scale`, scale, { manager: "hpa", force: true });
    assert.deepEqual([forced.status, forced.json.kind, forced.json.spec.replicas], [200, "Scale", 3]);
    const put = await server.call("PUT", `${path}/scale?fieldManager=putter`, {
      body: { ...forced.json, spec: { replicas: 4 } },
    });
    assert.equal(put.status, 200, put.text);
    const owned = managedOf(await server.call("GET", path)).filter((entry) =>
      JSON.stringify(entry.fieldsV1).includes("f:replicas"),
    );
    assert.deepEqual(
      owned.map(({ manager, operation, subresource }) => [manager, operation, subresource]),
      [["putter", "Update", "scale"]],
    );
  });

  it("is noted for every other write, by fieldManager or User-Agent", async () => {
    const path = at("configmaps", "noted");
    await server.call("POST", path.replace(/\/noted$/, ""), {
      body: configMap("noted", { a: "1" }),
      headers: { "user-agent": "kubectl/v1.36 (linux/amd64)" },
    });
    await server.call("PATCH", `${path}?fieldManager=patcher`, {
      body: { data: { b: "2" } },
      type: "application/merge-patch+json",
    });
    const answer = await server.call("PATCH", path, {
      body: [{ op: "replace", path: "/data/a", value: "3" }],
      type: "application/json-patch+json",
    });
    assert.deepEqual(
      owners(answer)
        .map(([manager, operation, fields]) => `${manager} ${operation} ${JSON.stringify(fields)}`)
        .sort(),
      [
        'kubectl Update {"f:data":{}}',
        'patcher Update {"f:data":{"f:b":{}}}',
        'unknown Update {"f:data":{"f:a":{}}}',
      ],
    );
    const untouched = await server.call("PUT", `${path}?fieldManager=nobody`, { body: answer.json });
    assert.deepEqual(untouched.json, answer.json);
  });

  it("notes the rules of an aggregated role as its controller's, also those that somebody else had set", async () => {
    const roles = `${client.base}/apis/rbac.authorization.k8s.io/v1/clusterroles`;
    const rule = (verb: string) => ({ apiGroups: ["x"], resources: ["y"], verbs: [verb] });
    const create = (name: string, body: object) =>
      server.call("POST", roles, { body: { ...body, metadata: { name, labels: { part: name } } } });
    await create("part", { rules: [rule("get")] });
    await create("whole", {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: "part" } }] },
      rules: [rule("list")],
    });
    const whole = () => server.call("GET", `${roles}/whole`);
    const verbs = async () => {
      const { rules } = (await whole()).json as { rules?: readonly { verbs: readonly string[] }[] };
      return (rules ?? []).flatMap((each) => each.verbs).join();
    };
    await until("the rules are summed up", async () => (await verbs()) === "get");
    const controller = managedOf(await whole()).find(({ operation }) => operation === "Apply");
    assert.equal(controller?.manager, "clusterrole-aggregation-controller");
    assert.deepEqual(controller.fieldsV1, { "f:rules": {} });
    await server.call("DELETE", `${roles}/part`);
    await until("nothing is left", async () => (await verbs()) === "");
    const owned = managedOf(await whole()).filter(({ fieldsV1 }) => "f:rules" in (fieldsV1 as object));
    assert.deepEqual(owned, []);
  });

  it("forgets who owns what when a client says so", async () => {
    const path = at("configmaps", "reset");
    for (const managedFields of [[], [{}]]) {
      await apply(path, configMap("reset", { a: "1" }));
      const read = await server.call("GET", path);
      const { json } = await server.call("PUT", path, {
        body: { ...read.json, metadata: { ...read.json.metadata, managedFields } },
      });
      assert.equal(json.metadata.managedFields, undefined, JSON.stringify(managedFields));
      const patched = await server.call("PATCH", path, {
        body: { data: { z: "1" } },
        type: "application/merge-patch+json",
      });
      assert.equal(patched.json.metadata.managedFields, undefined);
      const again = await apply(path, configMap("reset", { a: "1" }));
      assert.deepEqual(
        owners(again).map(([manager, operation]) => [manager, operation]),
        [
          ["tester", "Apply"],
          ["before-first-apply", "Update"],
        ],
      );
      await server.call("DELETE", path);
    }
  });

  it("refuses what it cannot mean, in upstream's words", async () => {
    const path = at("configmaps", "bad");
    const body = configMap("bad", { a: "1" });
    const cases: readonly (readonly [unknown, string, number, RegExp])[] = [
      [body, "?force=true", 422, /fieldManager: Required value: is required for apply patch/],
      ["[", "?fieldManager=x", 400, /^error decoding YAML: /],
      ["- a", "?fieldManager=x", 400, /^error decoding YAML: /],
      [
        { ...body, apiVersion: "apps/v1" },
        "?fieldManager=x",
        400,
        /^invalid object type: apps\/v1, Kind=ConfigMap$/,
      ],
      [{}, "?fieldManager=x", 400, /^invalid object type: \/, Kind=$/],
      [
        configMap("bad", {}, { managedFields: [] }),
        "?fieldManager=x",
        400,
        /^metadata.managedFields must be nil$/,
      ],
      [
        { ...body, foo: 1 },
        "?fieldManager=x",
        500,
        /^failed to create typed patch object \(\/bad; \/v1, Kind=ConfigMap\): \.foo: field not declared in schema$/,
      ],
      [configMap("other", {}), "?fieldManager=x", 400, /does not match the name on the URL/],
      [
        configMap("bad", {}, { uid: "u" }),
        "?fieldManager=x",
        409,
        /uid mismatch: the provided object specified uid u/,
      ],
      [
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bad"},"data":{"a":"1","a":"2"}}',
        "?fieldManager=x&fieldValidation=Strict",
        400,
        /^error strict decoding YAML: /,
      ],
      [`${'{"a":'.repeat(900)}1${"}".repeat(900)}`, "?fieldManager=x", 400, /invalid object type/],
    ];
    for (const [patch, query, status, message] of cases) {
      const answer = await server.call("PATCH", `${path}${query}`, { body: patch, type: applyType });
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.message, message);
    }
    assert.equal((await server.call("GET", path)).status, 404);
    const dry = await apply(path, body, { query: "&dryRun=All" });
    assert.equal(dry.status, 201);
    assert.equal((await server.call("GET", path)).status, 404);
  });

  it("takes YAML", async () => {
    const answer = await apply(
      at("configmaps", "yaml"),
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: x}\n",
    );
    assert.deepEqual([answer.status, answer.json.data], [201, { a: "x" }]);
  });

  it("is seen in protobuf, tables and lists", async () => {
    const path = at("configmaps", "seen");
    const created = await apply(path, configMap("seen", { a: "1" }));
    const list = await server.call("GET", path.replace(/\/seen$/, "?fieldSelector=metadata.name=seen"));
    assert.deepEqual(list.json.items[0]!.metadata, created.json.metadata);
    const table = await server.call("GET", path, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    assert.deepEqual(table.json.rows[0]!.object.metadata.managedFields, created.json.metadata.managedFields);
    const protobuf = await server.call("GET", path, { accept: "application/vnd.kubernetes.protobuf" });
    assert.ok(protobuf.bytes.includes('{"f:data":{"f:a":{}}}'));
  });
});

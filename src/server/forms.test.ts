/** What answers look like: tables, partial metadata, pretty and compressed ones, errors, refusals, metrics. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { type Answer, callOn, type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
});
after(() => server.close());

const get = (query = "", options = {}): Promise<Answer> => server.call("GET", `${base}${query}`, options);
const problem = (answer: Answer): unknown[] => [answer.status, answer.json.reason, answer.json.message];

describe("forms", () => {
  let cluster = "";
  before(async () => {
    cluster = await server.workspace("forms");
    await server.call("POST", `/clusters/${cluster}/api/v1/namespaces`, {
      body: { metadata: { name: "other" } },
    });
    base = `/clusters/${cluster}/api/v1/namespaces/other/configmaps`;
    for (const name of ["a", "b"])
      await server.call("POST", base, { body: { metadata: { name }, data: { k: name } } });
  });
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

  it("tables, with the object that was asked for", async () => {
    const rows = async (query: string): Promise<Json["rows"]> =>
      (await get(query, { accept: table })).json.rows;
    const one = (await get("/a", { accept: table })).json;
    assert.deepEqual(
      [one.kind, one.apiVersion, one.rows[0]!.cells.slice(0, 2)],
      ["Table", "meta.k8s.io/v1", ["a", 1]],
    );
    assert.equal(one.metadata.resourceVersion, (await get("/a")).json.metadata.resourceVersion);
    assert.equal((await rows("?limit=1"))[0]!.object.kind, "PartialObjectMetadata");
    assert.equal((await rows("?limit=1&includeObject=Object"))[0]!.object.data.k, "a");
    assert.equal((await rows("?limit=1&includeObject=None"))[0]!.object ?? null, null);
    assert.equal((await get("?includeObject=All", { accept: table })).status, 400);
    assert.equal((await get("/a?export=1")).status, 400);
    const page = (await get("?limit=1", { accept: table })).json;
    assert.equal(typeof page.metadata.continue, "string");
  });

  it("partial metadata; unsupported clauses fall through, nothing supported is 406", async () => {
    const list = (
      await get("?limit=1", { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" })
    ).json;
    assert.equal(list.kind, "PartialObjectMetadataList");
    assert.equal(list.items[0]!.data, undefined);
    const one = (await get("/a", { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" }))
      .json;
    assert.deepEqual([one.kind, one.metadata.name, one.data], ["PartialObjectMetadata", "a", undefined]);
    const plain = (
      await get("/a", { accept: "application/json;as=Table;v=v9;g=meta.k8s.io,application/json" })
    ).json;
    assert.equal(plain.kind, "ConfigMap");
    const none = await get("/a", {
      accept: "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io",
    });
    assert.deepEqual(problem(none).slice(0, 2), [406, "NotAcceptable"]);
    assert.match(
      none.json.message,
      /application\/json, application\/yaml, application\/vnd.kubernetes.protobuf/,
    );
  });

  it("pretty by wish or for people; empty lists are lists; HEAD has no body", async () => {
    assert.match((await get("/a?pretty=true")).text, /^\{\n {2}"/);
    assert.match((await get("/a", { headers: { "user-agent": "curl/8" } })).text, /^\{\n/);
    assert.doesNotMatch(
      (await get("/a?pretty=false", { headers: { "user-agent": "curl/8" } })).text,
      /^\{\n/,
    );
    assert.deepEqual((await get("?labelSelector=no")).json.items, []);
    const head = await server.call("HEAD", `${base}/a`);
    assert.deepEqual([head.status, head.bytes.length], [200, 0]);
    assert.equal(head.headers["content-length"], String((await get("/a")).bytes.length));
    assert.equal(head.headers["content-type"], "application/json");
  });

  it("large answers are compressed for those who accept it", async () => {
    await server.call("POST", base, {
      body: { metadata: { name: "large" }, data: { k: "x".repeat(200_000) } },
    });
    const answer = await get("/large", { headers: { "accept-encoding": "gzip" } });
    assert.deepEqual([answer.headers["content-encoding"], answer.headers.vary], ["gzip", "Accept-Encoding"]);
    assert.equal((JSON.parse(gunzipSync(answer.bytes).toString()) as Json).data.k!.length, 200_000);
    assert.equal((await get("/large")).headers["content-encoding"], undefined);
  });

  it("lists above a megabyte are streamed, whole; who goes away in the middle disturbs nobody", async () => {
    const secrets = `/clusters/${cluster}/api/v1/namespaces/other/secrets`;
    const value = Buffer.alloc(90_000, "x").toString("base64");
    for (let i = 0; i < 16; i++)
      await server.call("POST", secrets, { body: { metadata: { name: `s-${i}` }, data: { value } } });
    const session = server.connect();
    const gone = session.request({ ":path": secrets });
    gone.on("error", () => {});
    await new Promise((resolve) => gone.once("data", resolve));
    session.destroy();
    for (const accept of [
      "application/json",
      table,
      "application/yaml",
      "application/vnd.kubernetes.protobuf",
    ]) {
      const answer = await server.call("GET", `${secrets}?includeObject=Object`, { accept });
      assert.equal(answer.status, 200);
      assert.ok(answer.bytes.length > 16 * value.length * 0.7, `${accept}: ${answer.bytes.length}`);
      if (accept === "application/json") {
        assert.equal(answer.json.items.length, 16);
        assert.match(answer.json.metadata.resourceVersion, /^[1-9][0-9]*$/);
      }
      if (accept === table) assert.equal(answer.json.rows.length, 16);
    }
    const paged = (await server.call("GET", `${secrets}?limit=12`)).json;
    assert.deepEqual([paged.items.length, typeof paged.metadata.continue], [12, "string"]);
    assert.deepEqual(server.bugs, []);
  });

  it("errors in the client's form, unknown paths as text, wrong verbs as 405", async () => {
    const missing = await get("/nope", { accept: "application/vnd.kubernetes.protobuf" });
    assert.equal(missing.status, 404);
    assert.equal(missing.bytes.toString("latin1", 0, 4), "k8s\0");
    assert.ok(missing.bytes.includes('configmaps "nope" not found'));
    assert.deepEqual((await get("/nope")).json, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'configmaps "nope" not found',
      reason: "NotFound",
      details: { name: "nope", kind: "configmaps" },
      code: 404,
    });
    const role = await server.call(
      "GET",
      `/clusters/${cluster}/apis/rbac.authorization.k8s.io/v1/clusterroles/x`,
    );
    assert.equal(role.json.message, 'clusterroles.rbac.authorization.k8s.io "x" not found');
    for (const path of [
      "/api/v1/foos",
      "/api/v1/namespaces/default/namespaces",
      "/api/v2",
      "/api/v2/configmaps",
      "/apis/coordination.k8s.io/v9",
      "/apis/coordination.k8s.io/v1/foos",
    ]) {
      const answer = await server.call("GET", `/clusters/${cluster}${path}`);
      const text = "the server could not find the requested resource";
      assert.deepEqual(problem(answer), [404, "NotFound", text], path);
      assert.deepEqual(answer.json.details, {});
    }
    for (const path of ["/apis/x.io/v1/foos", "/apis/apps/v1/deployments", "/apis/x.io", "/nope"]) {
      const answer = await server.call("GET", `/clusters/${cluster}${path}`);
      assert.deepEqual([answer.status, answer.text], [404, "404 page not found\n"], path);
    }
    const wrong: [string, string][] = [
      ["POST", "/a"],
      ["PUT", ""],
      ["PATCH", ""],
      ["OPTIONS", ""],
      ["TRACE", "/a"],
    ];
    for (const [method, path] of wrong) {
      const answer = await server.call(method, `${base}${path}`, {
        body: {},
        type: "application/merge-patch+json",
      });
      const text = "the server does not allow this method on the requested resource";
      assert.deepEqual(problem(answer), [405, "MethodNotAllowed", text], `${method} ${path}`);
    }
    for (const path of ["/api", "/apis/coordination.k8s.io/v1", "/version"])
      assert.equal(
        (await server.call("POST", `/clusters/${cluster}${path}`, { body: {} })).status,
        405,
        path,
      );
    const yaml = await get("/nope", { accept: "application/yaml" });
    assert.equal(yaml.headers["content-type"], "application/yaml");
    assert.match(yaml.text, /^message: configmaps "nope" not found$/m);
    const html = await get("/nope", { accept: "text/html" });
    const types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    const text = `406: Not Acceptable\n\nAvailable representations: ${types}`;
    assert.deepEqual(problem(html), [406, "NotAcceptable", text]);
  });

  it("nobody gets in, and who has no rights is told so", async () => {
    const as = async (authorization: string | undefined, path: string): Promise<Answer> => {
      const session = server.connect("nobody");
      const answer = await callOn(
        session,
        "GET",
        path,
        authorization === undefined ? {} : { headers: { authorization } },
      );
      session.destroy();
      return answer;
    };
    const wrong = await as("Bearer wrong", base);
    assert.deepEqual(wrong.json, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
    const anonymous = await as(undefined, base);
    assert.deepEqual(problem(anonymous), [
      403,
      "Forbidden",
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "other"',
    ]);
    const alice = await as("Bearer alice-token", `${base}/a`);
    assert.equal(
      alice.json.message,
      'configmaps "a" is forbidden: User "alice" cannot get resource "configmaps" in API group "" in the namespace "other"',
    );
    assert.deepEqual(alice.json.details, { name: "a", kind: "configmaps" });
    assert.equal(
      (await as("Bearer alice-token", "/clusters/root/nope")).json.message,
      'forbidden: User "alice" cannot get path "/nope"',
    );
    assert.equal((await as("Bearer admin-token", `${base}/a`)).status, 200);
    assert.equal((await as(undefined, "/healthz")).text, "ok");
    assert.equal((await as(undefined, "/version")).status, 200);
  });

  it("metrics have no more series after more workspaces", async () => {
    const series = async (): Promise<number> =>
      (await server.call("GET", "/metrics")).text
        .split("\n")
        .filter((line) => line.startsWith("apiserver_request")).length;
    const use = async (name: string): Promise<void> => {
      const of = await server.workspace(name);
      await server.call("GET", `/clusters/${of}/api/v1/configmaps`);
      await server.call("GET", `/clusters/root:${name}/api/v1/namespaces/${name}/configmaps/${name}`);
      await server.call("GET", `/clusters/${of}/api/v1/${name}`);
      await server.call("GET", `/clusters/${of}/apis/${name}/v1/x`);
    };
    await use("first");
    await series();
    const before = await series();
    for (let i = 0; i < 5; i++) await use(`more-${i}`);
    assert.equal(await series(), before);
    assert.ok(before > 10);
  });
});

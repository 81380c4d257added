/** What clients try on the objects that the server itself stands on: Workspaces, LogicalClusters, hostile names. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { kubernetesResources } from "#api/builtins.ts";
import { fullSamples } from "#base/testing/samples.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let victim = "";
before(async () => {
  server = await startLiveServer();
  victim = await server.workspace("victim");
  await server.workspace("mine");
});
after(() => server.close());
afterEach(() => assert.deepEqual(server.bugs, []));

const workspaces = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces";
const logicalCluster = (of: string): string =>
  `/clusters/${of}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster`;
const merge = (path: string, body: object): Promise<Answer> =>
  server.call("PATCH", path, { body, type: "application/merge-patch+json" });
const get = async (path: string): Promise<Json> => (await server.call("GET", path)).json;

describe("a Workspace", () => {
  it("cannot be made to stand for somebody else's logical cluster", async () => {
    const spec = { cluster: victim, URL: "https://elsewhere.example" };
    const annotations = { "internal.tenancy.kcp.io/cluster": victim };
    const made = await server.call("POST", workspaces, {
      body: { metadata: { name: "thief", annotations }, spec },
    });
    assert.equal(made.status, 201);
    assert.notEqual(made.json.spec.cluster, victim);
    assert.ok(String(made.json.spec.URL).startsWith(server.api.url));
    assert.notEqual(made.json.metadata.annotations["internal.tenancy.kcp.io/cluster"], victim);
    assert.deepEqual((await merge(`${workspaces}/thief`, { spec })).status, 422);
    assert.deepEqual(
      (await merge(`${workspaces}/thief`, { metadata: { annotations } })).json.spec.cluster,
      made.json.spec.cluster,
    );
    await merge(`${workspaces}/thief/status`, { spec });
    assert.equal((await get(`${workspaces}/thief`)).spec.cluster, made.json.spec.cluster);
    await server.call("DELETE", `${workspaces}/thief`, { body: {} });
    assert.equal((await get(logicalCluster(victim))).kind, "LogicalCluster");
  });

  it("keeps its type, and says so when it is taken away", async () => {
    for (const type of [null, { name: "kubernetes", path: "root" }]) {
      const answer = await merge(`${workspaces}/mine`, { spec: { type } });
      assert.deepEqual([answer.status, answer.json.reason], [422, "Invalid"], answer.text);
      assert.match(answer.json.message, /spec.type: Invalid value: .*field is immutable/);
    }
    const unknown = await server.call("POST", workspaces, {
      body: { metadata: { name: "x" }, spec: { type: { name: "unknown" } } },
    });
    assert.equal(unknown.status, 422);
    for (const name of ["root", "system", "A", "a.b", "a:b"]) {
      const answer = await server.call("POST", workspaces, { body: { metadata: { name } } });
      assert.equal(answer.status, 422, name);
    }
  });
});

describe("a LogicalCluster", () => {
  it("is neither made nor given away nor deleted by clients", async () => {
    const of = String((await get(`${workspaces}/mine`)).spec.cluster);
    const path = logicalCluster(of);
    assert.equal(
      (await server.call("POST", path.replace(/\/cluster$/, ""), { body: { metadata: { name: "other" } } }))
        .status,
      403,
    );
    assert.equal((await merge(path, { spec: { owner: { name: "victim" } } })).status, 422);
    const annotations = { "kcp.io/path": "root:victim", "internal.tenancy.kcp.io/type": "root:kubernetes" };
    for (const change of [annotations, null]) {
      const kept = (await merge(path, { metadata: { annotations: change } })).json.metadata.annotations;
      assert.deepEqual(
        [kept["kcp.io/path"], kept["internal.tenancy.kcp.io/type"]],
        ["root:mine", "root:universal"],
      );
    }
    const finalizers = (await merge(path, { metadata: { finalizers: [] } })).json.metadata.finalizers;
    assert.deepEqual(finalizers, ["core.kcp.io/logicalcluster-deletion"]);
    assert.equal((await server.call("DELETE", path, { body: {} })).status, 403);
    assert.equal((await server.call("DELETE", path.replace(/\/cluster$/, ""), { body: {} })).status, 403);
  });

  it("of root stays, whatever it says of itself", async () => {
    const path = logicalCluster("root");
    await merge(path, { spec: { directlyDeletable: true } });
    const answer = await server.call("DELETE", path, { body: {} });
    assert.deepEqual([answer.status, answer.json.reason], [403, "Forbidden"]);
    assert.match(answer.json.message, /the root workspace cannot be deleted$/);
    assert.equal((await get("/clusters/root/api/v1/namespaces/default")).kind, "Namespace");
  });
});

it("no kind takes a name that is no segment of a path or key", async () => {
  const cluster = await server.workspace("names", { type: "kubernetes" });
  const names = ["a/b", "..", ".", "a\u0000b", "a\nb", "\u007f", "%2e%2e", "a%b"];
  for (const [index, { group, resource, namespaced, versions, virtual }] of kubernetesResources().entries()) {
    if (virtual) continue;
    const { version } = versions[0]!;
    const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const path = `/clusters/${cluster}${root}${namespaced ? "/namespaces/default" : ""}/${resource}`;
    // Everyday each kind is tried with every other name.
    for (const name of names.filter((_name, at) => fullSamples || (at + index) % 2 === 0)) {
      const named = await server.call("POST", path, { body: { metadata: { name } } });
      assert.ok(
        named.status >= 400 && named.status < 500,
        `${resource} ${JSON.stringify(name)}: ${named.text}`,
      );
      const generated = await server.call("POST", path, { body: { metadata: { generateName: name } } });
      assert.ok(generated.status < 500, `${resource} ${JSON.stringify(name)}: ${generated.text}`);
    }
  }
});

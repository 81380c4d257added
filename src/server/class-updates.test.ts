/** What updates of kinds that are configuration change beside what was sent. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("classes", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

test("a PriorityClass has generation 1 whatever changes; other kinds count", async () => {
  const generation = async (path: string, kind: string, body: object, change: object): Promise<unknown> => {
    const apiVersion = path.split("/").slice(0, 2).join("/");
    const created = await server.call("POST", `${base}/apis/${path}`, {
      body: { apiVersion, kind, metadata: { name: "one" }, ...body },
    });
    assert.equal(created.status, 201, created.text);
    const changed = await server.call("PATCH", `${base}/apis/${path}/one`, {
      body: change,
      headers: { "content-type": "application/merge-patch+json" },
    });
    assert.equal(changed.status, 200, changed.text);
    return changed.json.metadata.generation;
  };
  const priorities = "scheduling.k8s.io/v1/priorityclasses";
  assert.equal(await generation(priorities, "PriorityClass", { value: 1 }, { description: "x" }), 1);
  const ingresses = "networking.k8s.io/v1/ingressclasses";
  const spec = { controller: "example.com/a" };
  const parameters = { kind: "A", name: "b", apiGroup: "example.com" };
  assert.equal(await generation(ingresses, "IngressClass", { spec }, { spec: { parameters } }), 2);
});

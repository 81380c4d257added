/** Small rules of kinds that others act upon: generations, names, finalizers. */
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
  const generation = async (
    path: string,
    kind: string,
    body: object,
    change: object,
    name = "one",
  ): Promise<unknown> => {
    const apiVersion = path.split("/").slice(0, 2).join("/");
    const created = await server.call("POST", `${base}/apis/${path}`, {
      body: { apiVersion, kind, metadata: { name }, ...body },
    });
    assert.equal(created.status, 201, created.text);
    const changed = await server.call("PATCH", `${base}/apis/${path}/${name}`, {
      body: change,
      headers: { "content-type": "application/merge-patch+json" },
    });
    assert.equal(changed.status, 200, changed.text);
    return changed.json.metadata.generation;
  };
  const priorities = "scheduling.k8s.io/v1/priorityclasses";
  assert.equal(await generation(priorities, "PriorityClass", { value: 1 }, { description: "x" }), 1);
  const drivers = "storage.k8s.io/v1/csidrivers";
  assert.equal(await generation(drivers, "CSIDriver", {}, { metadata: { labels: { a: "b" } } }), undefined);
  assert.equal(await generation(drivers, "CSIDriver", {}, { spec: { podInfoOnMount: true } }, "two"), 1);
  const ingresses = "networking.k8s.io/v1/ingressclasses";
  const spec = { controller: "example.com/a" };
  const parameters = { kind: "A", name: "b", apiGroup: "example.com" };
  assert.equal(await generation(ingresses, "IngressClass", { spec }, { spec: { parameters } }), 2);
});

test("what stays of a CSIDriver; updates of PriorityClasses say only what may not change", async () => {
  const refusals = async (path: string, change: object): Promise<string[]> => {
    const answer = await server.call("PATCH", `${base}/apis/${path}`, {
      body: change,
      headers: { "content-type": "application/merge-patch+json" },
    });
    const { causes } = answer.json.details as { causes: { field: string; message: string }[] };
    return causes.map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(await refusals("storage.k8s.io/v1/csidrivers/one", { spec: { attachRequired: false } }), [
    "spec.attachedRequired: Invalid value: false: field is immutable",
  ]);
  assert.deepEqual(await refusals("scheduling.k8s.io/v1/priorityclasses/one", { value: 2_000_000_000 }), [
    "value: Forbidden: may not be changed in an update.",
  ]);
});

test("names of core Events are path segments; finalizers of Namespaces are qualified names", async () => {
  const involvedObject = { kind: "Pod", namespace: "default", name: "p" };
  const event = (name: string) =>
    server.call("POST", `${base}/api/v1/namespaces/default/events`, {
      body: { apiVersion: "v1", kind: "Event", metadata: { name }, involvedObject },
    });
  assert.equal((await event("A_b")).status, 201);
  assert.match((await event("a%b")).json.message, /metadata.name: Invalid value: "a%b": may not contain '%'/);
  const namespace = await server.call("POST", `${base}/api/v1/namespaces`, {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" }, spec: { finalizers: ["a b"] } },
  });
  const { causes } = namespace.json.details as { causes: { message: string }[] };
  assert.deepEqual(
    causes.map(({ message }) => message.slice(0, 44)),
    ['Invalid value: "a b": name part must consist', 'Invalid value: "a b": name is neither a stand'].map(
      (text) => text.slice(0, 44),
    ),
  );
});

/** A definition whose storage version changes, and what older objects are made into. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const in1 = "/apis/example.com/v1/namespaces/default/widgets";
const in2 = "/apis/example.com/v2/namespaces/default/widgets";

const version = (name: string, spec: object, storage = true): object => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: objectSchema(spec) },
  subresources: { status: {} },
});
const widget = (of: string, name: string, spec: object): object => ({
  apiVersion: `example.com/${of}`,
  kind: "Widget",
  metadata: { name },
  spec,
});

test("what is written through another version has the defaults of the stored one", async () => {
  const text = { type: "string" };
  const late = { b: text, c: { ...text, default: "x" } };
  const base = `/clusters/${await server.workspace("late")}`;
  const definition = definitionOf({ versions: [version("v1", { b: text })] });
  assert.equal((await server.call("POST", base + definitions, { body: definition })).status, 201);
  const names = ["applied", "labelled", "status", "old"];
  for (const name of names) {
    const made = await server.call("POST", base + in1, { body: widget("v1", name, { b: "1" }) });
    assert.equal(made.status, 201, made.text);
  }
  const path = `${base}${definitions}/widgets.example.com`;
  const current = (await server.call("GET", path)).json;
  const versions = [version("v1", { b: text }, false), version("v2", late)];
  const put = await server.call("PUT", path, { body: { ...current, spec: { ...current.spec, versions } } });
  assert.equal(put.status, 200, put.text);
  const patch = async (of: string, body: object, type = "application/merge-patch+json") => {
    const answer = await server.call("PATCH", base + of, { body, headers: { "content-type": type } });
    assert.equal(answer.status < 300, true, answer.text);
    return answer.json.metadata;
  };
  const apply = "application/apply-patch+yaml";
  await patch(`${in2}/applied?fieldManager=a&force=true`, widget("v2", "applied", { b: "1" }), apply);
  await patch(`${in1}/status/status`, { status: {} });
  // The default is new to the object, so its generation grows, although the patch names another field.
  assert.equal((await patch(`${in2}/labelled`, { metadata: { labels: { a: "b" } } })).generation, 2);
  const made = await server.call("POST", base + in1, { body: widget("v1", "made", { b: "1" }) });
  assert.equal(made.status, 201, made.text);
  for (const name of ["applied", "labelled", "status", "made"]) {
    assert.deepEqual((await server.call("GET", `${base}${in2}/${name}`)).json.spec, { b: "1", c: "x" }, name);
    assert.deepEqual((await server.call("GET", `${base}${in1}/${name}`)).json.spec, { b: "1" }, name);
  }
  assert.deepEqual((await server.call("GET", `${base}${in2}/old`)).json.spec, { b: "1" });
});

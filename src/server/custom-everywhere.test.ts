/** A kind that workspaces define, in `/clusters/*`: what all its objects have in common. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
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
const workspace = async (name: string): Promise<string> => `/clusters/${await server.workspace(name)}`;

test("the wildcard lists and watches metadata of a kind that several workspaces define, each by its own schema", async () => {
  const group = "everywhere.example.com";
  const all = `/clusters/*/apis/${group}/v1/widgets`;
  const partial = (list: "" | "List") =>
    `application/json;as=PartialObjectMetadata${list};g=meta.k8s.io;v=v1`;
  const listed = async (query = "", path = all) => {
    const { status, text, json } = await server.call("GET", `${path}${query}`, { accept: partial("List") });
    assert.equal(status, 200, text);
    return json;
  };
  assert.equal((await server.call("GET", all, { accept: partial("List") })).status, 404);
  const bases = [await workspace("everywhere-1"), await workspace("everywhere-2")];
  for (const [index, base] of bases.entries()) {
    const [scope, type] = index === 0 ? ["Namespaced", "string"] : ["Cluster", "integer"];
    const body = definitionOf({ group, schema: objectSchema({ a: { type } }), spec: { scope } });
    const made = await server.call("POST", `${base}${definitions}`, { body });
    assert.equal(made.status, 201, made.text);
  }
  // Before there is any object.
  assert.deepEqual((await listed()).items, []);
  const watch = await server.watch(`${all}?watch=1`, { accept: partial("") });
  const [first, second] = [
    `${bases[0]}/apis/${group}/v1/namespaces/default/widgets`,
    `${bases[1]}/apis/${group}/v1/widgets`,
  ];
  const widget = (name: string, a: unknown) => ({
    apiVersion: `${group}/v1`,
    kind: "Widget",
    metadata: { name, labels: { of: name } },
    spec: { a },
  });
  for (const [path, a] of [
    [first, "1"],
    [second, 1],
  ] as const) {
    for (const name of ["x", "y"]) {
      const made = await server.call("POST", path, { body: widget(name, a) });
      assert.equal(made.status, 201, made.text);
    }
  }
  const list = await listed();
  assert.equal((list as unknown as { kind: string }).kind, "PartialObjectMetadataList");
  const places = list.items.map((item) => {
    assert.deepEqual(Object.keys(item).sort(), ["apiVersion", "kind", "metadata"]);
    assert.ok(Array.isArray(item.metadata.managedFields));
    const { annotations, namespace = "", name } = item.metadata;
    return `/clusters/${annotations?.["kcp.io/cluster"]} ${namespace} ${name}`;
  });
  assert.deepEqual(
    places.sort(),
    [`${bases[0]} default x`, `${bases[0]} default y`, `${bases[1]}  x`, `${bases[1]}  y`].sort(),
  );
  assert.equal((await listed("?labelSelector=of%3Dx")).items.length, 2);
  const inDefault = `/clusters/*/apis/${group}/v1/namespaces/default/widgets`;
  assert.equal((await listed("?limit=1")).items.length, 1);
  assert.equal((await listed("", inDefault)).items.length, 2);
  // As client-go's metadata clients ask.
  const accept = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const { status, headers } = await server.call("GET", all, { accept });
  assert.deepEqual([status, headers["content-type"]], [200, "application/vnd.kubernetes.protobuf"]);
  await server.call("DELETE", `${second}/y`);
  const events = await watch.until(5);
  watch.close();
  assert.deepEqual(
    events.map(({ type, object }) => `${type} ${object.kind} ${object.metadata.name}`),
    [
      ...["ADDED PartialObjectMetadata x", "ADDED PartialObjectMetadata y"],
      ...["ADDED PartialObjectMetadata x", "ADDED PartialObjectMetadata y"],
      "DELETED PartialObjectMetadata y",
    ],
  );
  for (const verb of ["POST", "DELETE"])
    assert.equal((await server.call(verb, all, { accept: partial("List") })).status, 405);
  // Its objects go with a definition, and the kind when no workspace has it any more.
  for (const [index, base] of bases.entries()) {
    const path = `${base}${definitions}/widgets.${group}`;
    await server.call("DELETE", path);
    await until("the definition is gone", async () => (await server.call("GET", path)).status === 404);
    if (index === 0) assert.equal((await listed()).items.length, 1);
  }
  assert.equal((await server.call("GET", all, { accept: partial("List") })).status, 404);
});

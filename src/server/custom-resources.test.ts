import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const merge = "application/merge-patch+json";

async function workspaceWith(name: string, ...all: object[]): Promise<string> {
  const base = `/clusters/${await server.workspace(name)}`;
  for (const body of all) {
    const made = await server.call("POST", base + definitions, { body });
    assert.equal(made.status, 201, made.text);
  }
  return base;
}

const widget = (name: string, spec: object = {}, more: object = {}): object => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
  ...more,
});

test("a definition is established when its creation is answered, and its objects live", async () => {
  const base = await workspaceWith("life", definitionOf());
  const stored = (await server.call("GET", `${base}${definitions}/widgets.example.com`)).json;
  const status = stored.status as {
    conditions: { type: string; status: string; reason: string }[];
    acceptedNames: object;
    storedVersions: string[];
  };
  assert.deepEqual(
    status.conditions.map(({ type, status: is, reason }) => [type, is, reason]),
    [
      ["NamesAccepted", "True", "NoConflicts"],
      ["Established", "True", "InitialNamesAccepted"],
    ],
  );
  assert.deepEqual(status.acceptedNames, {
    plural: "widgets",
    singular: "widget",
    kind: "Widget",
    listKind: "WidgetList",
  });
  assert.deepEqual(status.storedVersions, ["v1"]);

  const made = await server.call("POST", base + widgets, { body: widget("a", { size: 1, other: true }) });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.json.spec, { size: 1 });
  assert.equal(made.json.metadata.generation, 1);
  const path = `${base}${widgets}/a`;
  const got = await server.call("GET", path);
  assert.equal(got.status, 200);
  assert.deepEqual(got.json, made.json);

  const watch = await server.watch(
    `${base}${widgets}?watch=1&resourceVersion=${made.json.metadata.resourceVersion}`,
  );
  const put = await server.call("PUT", path, { body: { ...made.json, spec: { size: 2 } } });
  assert.equal(put.status, 200, put.text);
  assert.equal(put.json.metadata.generation, 2);
  const patched = await server.call("PATCH", path, {
    body: { spec: { color: "red" } },
    type: "application/merge-patch+json",
  });
  assert.deepEqual(patched.json.spec, { size: 2, color: "red" });
  const list = await server.call("GET", `${base}/apis/example.com/v1/widgets`);
  assert.equal(list.json.kind, "WidgetList");
  assert.deepEqual(list.json.items, [patched.json]);
  const gone = await server.call("DELETE", path);
  assert.equal(gone.json.kind, "Status");
  const events = await watch.until(3);
  watch.close();
  assert.deepEqual(
    events.map(({ type }) => type),
    ["MODIFIED", "MODIFIED", "DELETED"],
  );
  assert.equal((await server.call("GET", path)).status, 404);
});

test("PUT wants a resource version, strategic merge patch is not taken, and broken objects are refused", async () => {
  const base = await workspaceWith("rules", definitionOf());
  await server.call("POST", base + widgets, { body: widget("a", { size: 1 }) });
  const put = await server.call("PUT", `${base}${widgets}/a`, { body: widget("a", { size: 2 }) });
  assert.equal(put.status, 422);
  assert.match(
    put.json.message,
    /metadata.resourceVersion: Invalid value: 0: must be specified for an update/,
  );
  const patch = await server.call("PATCH", `${base}${widgets}/a`, {
    body: {},
    type: "application/strategic-merge-patch+json",
  });
  assert.equal(patch.status, 415);
  const wrong = await server.call("POST", base + widgets, { body: widget("b", { size: "big" }) });
  assert.equal(wrong.status, 422);
  assert.equal(
    wrong.json.message,
    'Widget.example.com "b" is invalid: spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
  );
  const strict = await server.call("POST", `${base}${widgets}?fieldValidation=Strict`, {
    body: '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"c","foo":1},"spec":{"bar":1,"size":1,"size":2}}',
  });
  assert.equal(strict.status, 400);
  assert.match(strict.json.message, /duplicate field "spec.size"/);
  assert.match(strict.json.message, /unknown field "metadata.foo"/);
  assert.match(strict.json.message, /unknown field "spec.bar"/);
});

test("a rule that an unchanged value breaks lets it be, with a warning", async () => {
  const base = `/clusters/${await server.workspace("ratchet")}`;
  const schema = (rules: object[]): object => ({
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          size: { type: "integer" },
          color: { type: "string", "x-kubernetes-validations": rules },
        },
        "x-kubernetes-validations": rules.map(() => ({ rule: "self.size > 5", message: "too small" })),
      },
    },
  });
  const definition = definitionOf({ schema: schema([]) });
  assert.equal((await server.call("POST", base + definitions, { body: definition })).status, 201);
  const body = {
    apiVersion: "example.com/v1",
    kind: "Widget",
    metadata: { name: "w" },
    spec: { size: 1, color: "red" },
  };
  assert.equal((await server.call("POST", base + widgets, { body })).status, 201);
  const stricter = definitionOf({
    schema: schema([{ rule: "self != 'red'", reason: "FieldValueForbidden" }]),
  });
  const changed = await server.call("PATCH", `${base}${definitions}/widgets.example.com`, {
    body: { spec: { versions: stricter.spec.versions } },
    type: merge,
  });
  assert.equal(changed.status, 200, changed.text);
  const patch = (change: object): Promise<Answer> =>
    server.call("PATCH", `${base}${widgets}/w`, { body: change, type: merge });
  const labelled = await patch({ metadata: { labels: { a: "b" } } });
  assert.equal(labelled.status, 200, labelled.text);
  assert.equal(
    labelled.headers.warning,
    `299 - "spec: Invalid value: too small", 299 - "spec.color: Forbidden: failed rule: self != 'red'"`,
  );
  const smaller = await patch({ spec: { size: 2 } });
  assert.equal(smaller.status, 422);
  assert.match(smaller.json.message, /is invalid: spec: Invalid value: too small$/);
});

test("the same kind with different schemas in two workspaces never touch", async () => {
  const one = await workspaceWith(
    "one",
    definitionOf({ schema: objectSchema({ size: { type: "integer" } }) }),
  );
  const two = await workspaceWith(
    "two",
    definitionOf({ schema: objectSchema({ size: { type: "string" } }) }),
  );
  const three = await workspaceWith("three");
  assert.equal((await server.call("POST", one + widgets, { body: widget("a", { size: 1 }) })).status, 201);
  assert.equal((await server.call("POST", two + widgets, { body: widget("a", { size: "1" }) })).status, 201);
  assert.equal((await server.call("POST", one + widgets, { body: widget("b", { size: "1" }) })).status, 422);
  assert.equal((await server.call("POST", two + widgets, { body: widget("b", { size: 1 }) })).status, 422);
  assert.equal((await server.call("GET", three + widgets)).status, 404);
  assert.equal((await server.call("DELETE", `${one}${definitions}/widgets.example.com`)).status, 200);
  assert.equal((await server.call("GET", `${two}${widgets}/a`)).status, 200);
});

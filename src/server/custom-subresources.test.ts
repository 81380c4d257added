/** Status, scale, tables, selectable fields, and what strict clients see of custom kinds. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const merge = "application/merge-patch+json";

before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("main")}`;
  const made = await server.call("POST", base + definitions, {
    body: definitionOf({
      schema: objectSchema(
        { replicas: { type: "integer" }, color: { type: "string" }, big: { type: "boolean" } },
        {
          status: {
            type: "object",
            properties: {
              replicas: { type: "integer" },
              selector: { type: "string" },
              conditions: {
                type: "array",
                items: {
                  type: "object",
                  properties: { type: { type: "string" }, status: { type: "string" } },
                },
              },
            },
          },
        },
      ),
      version: {
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.replicas",
            statusReplicasPath: ".status.replicas",
            labelSelectorPath: ".status.selector",
          },
        },
        selectableFields: [{ jsonPath: ".spec.color" }, { jsonPath: ".spec.replicas" }],
        additionalPrinterColumns: [
          { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          {
            name: "Colour",
            type: "string",
            jsonPath: ".spec.color",
            priority: 1,
            description: "What it looks like",
          },
          { name: "Conditions", type: "string", jsonPath: ".status.conditions" },
        ],
      },
    }),
  });
  assert.equal(made.status, 201, made.text);
  assert.equal((await create("a", { replicas: 2, color: "red" })).status, 201);
  assert.equal((await create("b", { color: "blue" })).status, 201);
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const create = (name: string, spec: object, more: object = {}): Promise<Answer> =>
  server.call("POST", base + widgets, {
    body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec, ...more },
  });
const patch = (path: string, body: object): Promise<Answer> =>
  server.call("PATCH", `${base}${widgets}/${path}`, { body, type: merge });
const get = (query: string, accept?: string): Promise<Answer> =>
  server.call("GET", `${base}${widgets}${query}`, accept === undefined ? {} : { accept });
const names = (answer: Answer): string[] => answer.json.items.map(({ metadata }) => metadata.name);

test("status is written by its subresource alone, and changes no generation", async () => {
  const made = await create("s", { color: "red" }, { status: { replicas: 9 } });
  assert.equal(made.json.status, undefined);
  const main = await patch("s", { status: { replicas: 9 }, metadata: { labels: { a: "b" } } });
  assert.equal(main.json.status, undefined);
  assert.equal(main.json.metadata.generation, 1);
  const status = await patch("s/status", {
    status: { replicas: 3 },
    spec: { color: "green" },
    metadata: { labels: { a: "c" }, uid: "other", deletionTimestamp: "2001-01-01T00:00:00Z" },
  });
  assert.equal(status.status, 200, status.text);
  assert.equal(status.json.metadata.uid, made.json.metadata.uid);
  assert.deepEqual(status.json.status, { replicas: 3 });
  assert.deepEqual(status.json.spec, { color: "red" });
  assert.deepEqual(status.json.metadata.labels, { a: "b" });
  assert.equal(status.json.metadata.generation, 1);
  const wrong = await patch("s/status", { status: { replicas: "many" } });
  assert.equal(wrong.status, 422);
  assert.match(
    wrong.json.message,
    /status.replicas: Invalid value: "string": replicas in body must be of type integer/,
  );
  const spec = await patch("s", { spec: { color: "green" } });
  assert.equal(spec.json.metadata.generation, 2);
  assert.deepEqual(spec.json.status, { replicas: 3 });
  await server.call("DELETE", `${base}${widgets}/s`);
});

test("scale shows and changes what the definition says", async () => {
  await patch("a/status", { status: { replicas: 1, selector: "app=a" } });
  const scale = (await get("/a/scale")).json;
  assert.equal(scale.kind, "Scale");
  assert.deepEqual(scale.spec, { replicas: 2 });
  assert.deepEqual(scale.status, { replicas: 1, selector: "app=a" });
  const tooFew = await patch("a/scale", { spec: { replicas: -1 } });
  assert.match(
    tooFew.json.message,
    /^Widget.example.com "a" is invalid: \.spec\.[a-z.A-Z]+: Invalid value: -1: should be a non-negative integer$/,
  );
  const changed = await patch("a/scale", { spec: { replicas: 5 } });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual((await get("/a")).json.spec, { replicas: 5, color: "red" });
  const negative = await patch("a", { spec: { replicas: -1 } });
  assert.equal(negative.status, 422);
  assert.match(
    negative.json.message,
    /\.spec\.replicas: Invalid value: -1: should be a non-negative integer/,
  );
  const large = await patch("a", { spec: { replicas: 3_000_000_000 } });
  assert.match(large.json.message, /should be less than or equal to 2147483647/);
  const none = await get("/b/scale");
  assert.equal(none.status, 500);
  assert.deepEqual(server.bugs, []);
  assert.match(none.json.message, /the spec replicas field ".spec.replicas" does not exist/);
});

test("tables have the definition's columns, by any JSON path", async () => {
  const conditions = [
    { type: "Other", status: "False" },
    { type: "Ready", status: "True" },
  ];
  await patch("a/status", { status: { conditions } });
  const table = (await get("", "application/json;as=Table;v=v1;g=meta.k8s.io")).json as unknown as {
    columnDefinitions: { name: string; type: string; priority: number; description: string }[];
    rows: { cells: unknown[] }[];
  };
  assert.deepEqual(
    table.columnDefinitions.map(({ name, type, priority }) => [name, type, priority]),
    [
      ["Name", "string", 0],
      ["Replicas", "integer", 0],
      ["Ready", "string", 0],
      ["Colour", "string", 1],
      ["Conditions", "string", 0],
    ],
  );
  assert.equal(table.columnDefinitions[3]?.description, "What it looks like");
  assert.deepEqual(
    table.rows.map(({ cells }) => cells),
    [
      ["a", 5, "True", "red", '[{"status":"False","type":"Other"},{"status":"True","type":"Ready"}]'],
      ["b", null, null, "blue", null],
    ],
  );
});

test("selectable fields select, on lists and watches; others are refused", async () => {
  assert.deepEqual(names(await get("?fieldSelector=spec.color=red")), ["a"]);
  assert.deepEqual(names(await get("?fieldSelector=spec.color!=red")), ["b"]);
  assert.deepEqual(names(await get("?fieldSelector=spec.replicas=5")), ["a"]);
  assert.deepEqual(names(await get("?fieldSelector=metadata.name=b,spec.color=blue")), ["b"]);
  const unknown = await get("?fieldSelector=spec.big=true");
  assert.equal(unknown.status, 400);
  assert.equal(unknown.json.message, "field label not supported: spec.big");
  const watch = await server.watch(`${base}${widgets}?watch=1&fieldSelector=spec.color=red`);
  await watch.until(1);
  await patch("b", { spec: { color: "red" } });
  await patch("b", { spec: { color: "blue" } });
  const events = await watch.until(3);
  watch.close();
  assert.deepEqual(
    events.map(({ type, object }) => `${type} ${object.metadata.name}`),
    ["ADDED a", "ADDED b", "DELETED b"],
  );
});

test("apply, metadata alone, protobuf, and a collection that is deleted", async () => {
  const applied = await server.call("PATCH", `${base}${widgets}/c?fieldManager=me`, {
    body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "c" }, spec: { color: "red" } },
    type: "application/apply-patch+yaml",
  });
  assert.equal(applied.status, 201, applied.text);
  const partial = (await get("/c", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).json;
  assert.equal(partial.kind, "PartialObjectMetadata");
  assert.equal((await get("/c", "application/vnd.kubernetes.protobuf")).status, 406);
  const either = await get("/c", "application/vnd.kubernetes.protobuf,application/json");
  assert.deepEqual([either.status, either.headers["content-type"]], [200, "application/json"]);
  const metadata = await get(
    "/c",
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  );
  assert.equal(metadata.status, 200);
  const binary = await server.call("POST", base + widgets, {
    body: new Uint8Array([0x6b, 0x38, 0x73, 0]),
    type: "application/vnd.kubernetes.protobuf",
  });
  assert.equal(binary.status, 415);
  const dry = await server.call("POST", `${base}${widgets}?dryRun=All`, {
    body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { generateName: "d-" } },
  });
  assert.equal(dry.status, 201);
  const cleared = await server.call("DELETE", `${base}${widgets}?fieldSelector=metadata.name=c`);
  assert.equal(cleared.status, 200);
  assert.deepEqual(names(await get("")), ["a", "b"]);
});

test("a definition that is changed under a request makes it begin anew", async () => {
  const path = `${base}${definitions}/widgets.example.com`;
  const busy = Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const made = await create(`busy${i}`, { color: "red" });
      assert.equal(made.status, 201, made.text);
    }),
  );
  for (let i = 0; i < 5; i++) {
    const changed = await server.call("PATCH", path, {
      body: [
        { op: "add", path: "/spec/versions/0/schema/openAPIV3Schema/description", value: `change ${i}` },
      ],
      type: "application/json-patch+json",
    });
    assert.equal(changed.status, 200, changed.text);
  }
  await busy;
  await server.call("DELETE", `${base}${widgets}?fieldSelector=spec.color=red`);
});

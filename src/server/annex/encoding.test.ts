/** Objects that another thread encodes are shown as small ones are, in their places. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { definitionOf, objectSchema } from "../testing/definitions.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "../testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("encoding")}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
const metadataList = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const protobuf = "application/vnd.kubernetes.protobuf";
/** Above all limits; a few fields make it cheap to test with. */
const large = "x".repeat(200_000);

async function expect(status: number, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked;
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  return answer;
}
const get = (path: string, accept = "application/json"): Promise<Answer> =>
  expect(200, server.call("GET", path, { accept }));
const names = (items: readonly Json[]): string[] => items.map(({ metadata }) => metadata.name);

/** Small and large ones, mixed. */
async function configMaps(namespace: string): Promise<string> {
  await expect(
    201,
    server.call("POST", `${base}/api/v1/namespaces`, { body: { metadata: { name: namespace } } }),
  );
  const path = `${base}/api/v1/namespaces/${namespace}/configmaps`;
  for (const [name, value] of [
    ["a", large],
    ["b", "1"],
    ["c", large],
    ["d", large],
    ["e", "2"],
  ] as const) {
    const body = {
      metadata: { name, labels: { size: value === large ? "large" : "small" } },
      data: { value },
    };
    await expect(201, server.call("POST", path, { body }));
  }
  return path;
}

test("lists: every form has every object once, in its place", async () => {
  const path = await configMaps("forms");
  const plain = (await get(path)).json;
  const all = ["a", "b", "c", "d", "e", "kube-root-ca.crt"];
  assert.deepEqual(names(plain.items), all);
  // Of other work, the revision may go on meanwhile.
  assert.deepEqual((parse((await get(path, "application/yaml")).text) as Json).items, plain.items);
  const pretty = await get(`${path}?pretty=true`);
  assert.match(pretty.text, /^\{\n {2}"kind"/);
  assert.deepEqual(pretty.json.items, plain.items);
  const rows = (await get(path, table)).json.rows;
  assert.deepEqual(
    rows.map(({ cells }) => cells[0]),
    all,
  );
  const metadata = plain.items.map((item) => item.metadata);
  assert.deepEqual(
    rows.map(({ object }) => object.metadata),
    metadata,
  );
  const partial = (await get(path, metadataList)).json.items;
  assert.deepEqual(
    partial.map((item) => item.metadata),
    metadata,
  );
  const whole = (await get(`${path}?includeObject=Object`, table)).json.rows.map(({ object }) => object.data);
  assert.deepEqual(
    whole,
    plain.items.map(({ data }) => data),
  );
  const binary = (await get(path, protobuf)).bytes;
  let at = 0;
  for (const name of all) {
    const next = binary.indexOf(`\n${String.fromCharCode(name.length)}${name}`, at, "latin1");
    assert.ok(next > at, name);
    at = next;
  }
});

test("one object: as YAML, indented, in protobuf, as a table", async () => {
  const path = `${await configMaps("one")}/c`;
  const plain = (await get(path)).json;
  assert.deepEqual(parse((await get(path, "application/yaml")).text), plain);
  assert.deepEqual((await get(`${path}?pretty=1`)).json, plain);
  assert.equal((await get(path, table)).json.rows[0]?.cells[0], "c");
  const { bytes } = await get(path, protobuf);
  const put = server.call("PUT", `${path}?dryRun=All`, { body: bytes, type: protobuf });
  assert.deepEqual((await expect(200, put)).json.data, plain.data);
  await expect(404, server.call("GET", `${path}c`, { accept: protobuf }));
});

test("pages and selectors count objects that are encoded elsewhere", async () => {
  const path = await configMaps("pages");
  const pages: string[][] = [];
  let token = "";
  do {
    const page = (await get(`${path}?limit=2&continue=${token}`, metadataList)).json;
    pages.push(names(page.items));
    token = page.metadata.continue ?? "";
  } while (token !== "");
  assert.deepEqual(pages, [
    ["a", "b"],
    ["c", "d"],
    ["e", "kube-root-ca.crt"],
  ]);
  const selected = (await get(`${path}?labelSelector=size%3Dlarge`, metadataList)).json;
  assert.deepEqual(names(selected.items), ["a", "c", "d"]);
  const others = (await get(`${path}?labelSelector=size%21%3Dlarge`, metadataList)).json;
  assert.deepEqual(names(others.items), ["b", "e", "kube-root-ca.crt"]);
});

test("watches: events keep their order; of a table only the first one names the columns; a bookmark ends what was there", async () => {
  const path = await configMaps("watched");
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const watches = [
    await server.watch(`${path}?${query}`, { accept: table }),
    await server.watch(`${path}?${query}`, { accept: table }),
    await server.watch(`${path}?${query}`, { accept: metadataList.replace("List", "") }),
  ];
  for (const watch of watches) await watch.until(7);
  const merge = "application/merge-patch+json";
  const patch = (name: string, data: object) =>
    server.call("PATCH", `${path}/${name}`, { body: { data }, type: merge });
  await expect(200, patch("a", { more: "1" }));
  await expect(200, patch("b", { more: "1" }));
  await expect(200, server.call("DELETE", `${path}/c`));
  await expect(200, patch("e", { value: large }));
  await expect(200, server.call("DELETE", `${path}/b`));
  const nameIn = ({ rows, metadata }: Json): string =>
    rows === undefined ? metadata.name : rows[0]!.object.metadata.name;
  const expected = [
    ...["a", "b", "c", "d", "e", "kube-root-ca.crt"].map((name) => ["ADDED", name]),
    ["BOOKMARK", undefined],
    ["MODIFIED", "a"],
    ["MODIFIED", "b"],
    ["DELETED", "c"],
    ["MODIFIED", "e"],
    ["DELETED", "b"],
  ];
  for (const watch of watches) {
    const events = await watch.until(expected.length);
    assert.deepEqual(
      events.map(({ type, object }) => [type, nameIn(object)]),
      expected,
    );
    watch.close();
  }
  const columns = watches[0]!.events().map(({ object }) => object.columnDefinitions !== null);
  assert.deepEqual(columns, [true, ...Array(expected.length - 1).fill(false)]);
});

test("custom objects: another version, a changed definition with a costly schema, and its columns", async () => {
  const definitions = `${base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
  // A long default is what makes it costly.
  const filler = {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    default: { text: "x".repeat(17_000) },
  };
  const version = (name: string, more: object) => ({
    name,
    served: true,
    storage: name === "v1",
    schema: {
      openAPIV3Schema: objectSchema({
        text: { type: "string" },
        filler,
        ...more,
      }),
    },
    additionalPrinterColumns: [{ name: "Shade", type: "string", jsonPath: ".spec.shade" }],
  });
  const body = definitionOf({ versions: [version("v1", {}), version("v2", {})] });
  await expect(201, server.call("POST", definitions, { body }));
  const path = (of: string): string => `${base}/apis/example.com/${of}/namespaces/default/widgets`;
  for (const [name, text] of [
    ["a", "small"],
    ["b", large],
    ["c", "small"],
  ] as const) {
    const widget = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec: { text } };
    await expect(201, server.call("POST", path("v1"), { body: widget }));
  }
  const plain = (await get(path("v1"))).json.items;
  const second = (await get(path("v2"))).json.items;
  assert.deepEqual(
    second,
    JSON.parse(JSON.stringify(plain).replaceAll('"example.com/v1","kind"', '"example.com/v2","kind"')),
  );
  assert.deepEqual((await get(`${path("v2")}/b`)).json, second[1]);
  // What is there already gets the new default.
  const shade = { shade: { type: "string", default: "dark" } };
  const stored = (await get(`${definitions}/widgets.example.com`)).json;
  const changed = {
    ...stored,
    spec: { ...stored.spec, versions: [version("v1", shade), version("v2", shade)] },
  };
  await expect(200, server.call("PUT", `${definitions}/widgets.example.com`, { body: changed }));
  const shadesIn = (items: readonly Json[]): unknown[] => items.map(({ spec }) => spec.shade);
  assert.deepEqual(shadesIn((await get(path("v1"))).json.items), ["dark", "dark", "dark"]);
  assert.equal((await get(`${path("v1")}/a`)).json.spec.shade, "dark");
  assert.deepEqual(
    (await get(path("v2"), table)).json.rows.map(({ cells }) => cells),
    ["a", "b", "c"].map((name) => [name, "dark"]),
  );
  const watch = await server.watch(`${path("v2")}?watch=1`);
  assert.deepEqual(shadesIn((await watch.until(3)).map(({ object }) => object)), ["dark", "dark", "dark"]);
  watch.close();
  const deleted = (await expect(200, server.call("DELETE", path("v1")))).json.items;
  assert.deepEqual(names(deleted), ["a", "b", "c"]);
  assert.deepEqual((await get(path("v1"))).json.items, []);
});

test("a collection with large objects is deleted in all forms", async () => {
  const path = await configMaps("deleted");
  const gone = await expect(
    200,
    server.call("DELETE", `${path}?labelSelector=size`, { accept: "application/yaml" }),
  );
  assert.deepEqual(names((parse(gone.text) as Json).items), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(names((await get(path)).json.items), ["kube-root-ca.crt"]);
});

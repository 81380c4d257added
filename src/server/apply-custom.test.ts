import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "#base/testing/until.ts";
import { ApplyClient, type ApplyRequest, managedOf } from "./testing/apply-client.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

describe("server-side apply of custom resources", () => {
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
  it("merges custom resources as their schema says", async () => {
    const list = (type: string, more: object): object => ({
      type: "array",
      "x-kubernetes-list-type": type,
      ...more,
    });
    const named = {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, value: { type: "string" } },
    };
    const spec = {
      type: "object",
      properties: {
        items: list("map", { "x-kubernetes-list-map-keys": ["name"], items: named }),
        words: list("set", { items: { type: "string" } }),
        whole: {
          type: "object",
          "x-kubernetes-map-type": "atomic",
          additionalProperties: { type: "string" },
        },
        size: { type: "integer", default: 7 },
      },
    };
    const crd = await server.call(
      "POST",
      `${client.base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`,
      {
        body: {
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "CustomResourceDefinition",
          metadata: { name: "things.test.io" },
          spec: {
            group: "test.io",
            scope: "Namespaced",
            names: { plural: "things", kind: "Thing" },
            versions: ["v1", "v2"].map((name, index) => ({
              name,
              served: true,
              storage: index === 0,
              subresources: { status: {} },
              schema: { openAPIV3Schema: { type: "object", properties: { spec, status: spec } } },
            })),
          },
        },
      },
    );
    assert.equal(crd.status, 201, crd.text);
    const path = at("test.io/v1/things", "t");
    const thing = (content: object, version = "v1"): object => ({
      apiVersion: `test.io/${version}`,
      kind: "Thing",
      metadata: { name: "t" },
      spec: content,
    });
    const collection = path.replace(/\/t$/, "");
    await until("the kind is served", async () => (await server.call("GET", collection)).status === 200);
    const created = await apply(
      path,
      thing({ items: [{ name: "a", value: "1" }], words: ["x"], whole: { a: "1" } }),
    );
    assert.equal(created.status, 201, created.text);
    assert.equal(created.json.spec.size, 7);
    const other = await apply(
      path.replace("/v1/", "/v2/"),
      thing({ items: [{ name: "b" }], words: ["y"] }, "v2"),
      { manager: "other" },
    );
    assert.equal(other.status, 200, other.text);
    assert.deepEqual(other.json.spec, {
      items: [{ name: "a", value: "1" }, { name: "b" }],
      size: 7,
      whole: { a: "1" },
      words: ["x", "y"],
    });
    assert.deepEqual(
      managedOf(other)
        .map(({ manager, apiVersion }) => [manager, apiVersion])
        .sort(),
      [
        ["other", "test.io/v2"],
        ["tester", "test.io/v1"],
      ],
    );
    const conflict = await apply(path, thing({ whole: { b: "1" } }), { manager: "third" });
    assert.equal(conflict.json.message, 'Apply failed with 1 conflict: conflict with "tester": .spec.whole');
    const unknown = await apply(path, thing({ what: 1 }), { manager: "third" });
    assert.match(unknown.json.message, /\.spec\.what: field not declared in schema$/);
    // A null that the schema does not let be is not dropped, as a body's would be; where there is a default, it gets that.
    const nulls = await apply(path, thing({ items: [{ name: "z", value: null }] }), { manager: "fourth" });
    assert.match(
      nulls.json.message,
      /spec.items\[2\].value: Invalid value: "null": spec.items\[2\].value in body must be of type string: "null"$/,
    );
    const defaulted = await apply(path, thing({ size: null }), { manager: "fourth", force: true });
    assert.equal(defaulted.json.spec.size, 7);
  });

  it("says in a first apply that it is about what was there before", async () => {
    const list = {
      type: "array",
      "x-kubernetes-list-type": "set",
      items: {
        type: "object",
        "x-kubernetes-map-type": "atomic",
        "x-kubernetes-preserve-unknown-fields": true,
      },
    };
    const crd = await server.call(
      "POST",
      `${client.base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`,
      {
        body: {
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "CustomResourceDefinition",
          metadata: { name: "bags.test.io" },
          spec: {
            group: "test.io",
            scope: "Namespaced",
            names: { plural: "bags", kind: "Bag" },
            versions: [
              {
                name: "v1",
                served: true,
                storage: true,
                schema: { openAPIV3Schema: { type: "object", properties: { list } } },
              },
            ],
          },
        },
      },
    );
    assert.equal(crd.status, 201, crd.text);
    const path = at("test.io/v1/bags", "b");
    const bag = { apiVersion: "test.io/v1", kind: "Bag", metadata: { name: "b" } };
    // Structured merge has no sets of maps, so such an object has no managed fields, and the first apply fails.
    const created = await server.call("POST", path.replace(/\/b$/, ""), {
      body: { ...bag, list: [{ a: 1 }] },
    });
    assert.equal(created.status, 201, created.text);
    assert.deepEqual(managedOf(created), []);
    const applied = await apply(path, bag);
    assert.equal(applied.status, 500);
    assert.match(
      applied.json.message,
      /^failed to create manager for existing fields: failed to convert new object .* element 0: associative list without keys has an element that's a map type$/,
    );
  });
});

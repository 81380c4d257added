import assert from "node:assert/strict";
import { test } from "node:test";
import { universalResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import type { ResourceInfo } from "#api/resource.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { type CustomServed, ServedSet } from "#server/endpoints/served-set.ts";
import { type OpenApiDocument, OpenApiLibrary } from "./documents.ts";

const base = new ServedSet("universal", universalResources());
const library = new OpenApiLibrary(loadCatalogue(), "v1.36.3");

function custom(
  kind: string,
  schema: JsonObject | undefined,
  more: Partial<CustomServed> = {},
): CustomServed {
  const own = { group: "example.com", version: "v1", kind };
  const info: ResourceInfo = {
    group: "example.com",
    resource: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    storageVersion: "v1",
    virtual: false,
    versions: [
      {
        version: "v1",
        kind,
        type: "",
        verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        subresources: [
          { name: "status", ...own, verbs: ["get", "patch", "update"] },
          {
            name: "scale",
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            verbs: ["get", "patch", "update"],
          },
        ],
      },
    ],
  };
  return {
    info,
    version: "v1",
    listKind: `${kind}List`,
    contentHash: kind + JSON.stringify(schema),
    openApiSchema: () => schema,
    preserveUnknownFields: false,
    selectableFields: [],
    ...more,
  };
}

const setOf = (...served: CustomServed[]): ServedSet =>
  new ServedSet("universal", [...base.resources, ...served.map(({ info }) => info)], { base, served });
const read = async (document: OpenApiDocument) => {
  const pieces: Buffer[] = [];
  const body = await document.read("json");
  if (Buffer.isBuffer(body)) pieces.push(body);
  else for await (const piece of body) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString("utf8"));
};
const v3 = (set: ServedSet) => read(library.of(set).document("apis/example.com/v1")!);
const v2 = (set: ServedSet) => read(library.of(set).v2);

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const fooSchema: JsonObject = {
  type: "object",
  description: "Foo is what the tests are about.",
  required: ["spec", "note"],
  properties: {
    apiVersion: { type: "string", description: "the version" },
    metadata: { type: "object" },
    note: { type: "string", nullable: true, default: "x" },
    spec: {
      type: "object",
      required: ["size"],
      properties: {
        size: { "x-kubernetes-int-or-string": true, description: "How big it is." },
        color: { type: "string", enum: ["red", "blue"], default: "red", minLength: 0 },
        free: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { a: { type: "string" } },
        },
        list: {
          type: "array",
          items: { type: "object", properties: { name: { type: "string" } } },
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
        },
        labels: { type: "object", additionalProperties: { type: "string", nullable: true }, required: ["a"] },
        embedded: {
          type: "object",
          "x-kubernetes-embedded-resource": true,
          properties: { spec: { type: "object" } },
        },
        either: {
          type: "object",
          oneOf: [{ required: ["a"] }, { properties: { b: { minimum: 2 } } }],
          nullable: false,
        },
      },
      "x-kubernetes-validations": [{ rule: "self.size != 0" }],
    },
  },
};

test("a custom kind in v3: what its author wrote, with what every object has", async () => {
  const { components, paths } = await v3(
    setOf(custom("Foo", fooSchema, { selectableFields: [".spec.color"] })),
  );
  const { schemas } = components;
  const foo = schemas["com.example.v1.Foo"];
  assert.equal(foo.description, "Foo is what the tests are about.");
  assert.deepEqual(foo["x-kubernetes-group-version-kind"], [
    { group: "example.com", kind: "Foo", version: "v1" },
  ]);
  assert.deepEqual(foo["x-kubernetes-selectable-fields"], [{ fieldPath: "spec.color" }]);
  assert.deepEqual(foo.properties.metadata, { allOf: [{ $ref: `#/components/schemas/${meta}.ObjectMeta` }] });
  assert.deepEqual(foo.properties.apiVersion, { type: "string", description: "the version" });
  assert.deepEqual(foo.properties.kind, { type: "string" });
  assert.deepEqual(foo.properties.note, { type: "string", nullable: true, default: "x" });
  const { properties } = foo.properties.spec;
  assert.deepEqual(properties.size, {
    description: "How big it is.",
    "x-kubernetes-int-or-string": true,
    anyOf: [{ type: "integer" }, { type: "string" }],
  });
  assert.deepEqual(properties.color, { type: "string", enum: ["red", "blue"], default: "red", minLength: 0 });
  assert.deepEqual(properties.either, {
    type: "object",
    oneOf: [{ required: ["a"] }, { properties: { b: { minimum: 2 } } }],
  });
  assert.deepEqual(properties.embedded.required, ["kind", "apiVersion"]);
  assert.deepEqual(Object.keys(properties.embedded.properties).sort(), [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
  ]);
  assert.deepEqual(foo.properties.spec["x-kubernetes-validations"], [{ rule: "self.size != 0" }]);
  assert.deepEqual(schemas["com.example.v1.FooList"], {
    type: "object",
    description: "FooList is a list of Foo",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      items: { type: "array", items: { $ref: "#/components/schemas/com.example.v1.Foo" } },
      kind: { type: "string" },
      metadata: { allOf: [{ $ref: `#/components/schemas/${meta}.ListMeta` }] },
    },
    "x-kubernetes-group-version-kind": [{ group: "example.com", kind: "FooList", version: "v1" }],
    "x-kubernetes-selectable-fields": [{ fieldPath: "spec.color" }],
  });
  assert.ok("io.k8s.api.autoscaling.v1.Scale" in schemas);
  const object = "/apis/example.com/v1/namespaces/{namespace}/foos/{name}";
  assert.deepEqual(
    Object.keys(paths).sort(),
    [
      "/apis/example.com/v1/foos",
      "/apis/example.com/v1/namespaces/{namespace}/foos",
      object,
      `${object}/scale`,
      `${object}/status`,
    ].sort(),
  );
  assert.equal(paths[object].patch.operationId, "patchExampleComV1NamespacedFoo");
  assert.deepEqual(paths[object].patch.tags, ["exampleCom_v1"]);
  const gvk = { group: "example.com", kind: "Foo", version: "v1" };
  assert.deepEqual(paths[`${object}/scale`].put["x-kubernetes-group-version-kind"], gvk);
  assert.deepEqual(paths[`${object}/status`].put["x-kubernetes-group-version-kind"], gvk);
  for (const [, name] of JSON.stringify({ components, paths }).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    assert.ok(name! in schemas, name);
});

test("a custom kind in v2: without what Swagger cannot say", async () => {
  const { definitions, paths } = await v2(setOf(custom("Foo", fooSchema)));
  const foo = definitions["com.example.v1.Foo"];
  assert.deepEqual(foo.required, ["spec"]);
  assert.deepEqual(foo.properties.note, {});
  assert.deepEqual(foo.properties.metadata, { $ref: `#/definitions/${meta}.ObjectMeta` });
  const { properties } = foo.properties.spec;
  assert.deepEqual(properties.size, { description: "How big it is.", "x-kubernetes-int-or-string": true });
  assert.deepEqual(properties.color, { type: "string", enum: ["red", "blue"], minLength: 0 });
  assert.deepEqual(properties.free, { "x-kubernetes-preserve-unknown-fields": true });
  assert.deepEqual(properties.labels, { type: "object", additionalProperties: {} });
  assert.deepEqual(properties.either, { type: "object" });
  assert.equal(properties.list["x-kubernetes-list-type"], "map");
  assert.deepEqual(properties.embedded.properties.metadata, { $ref: `#/definitions/${meta}.ObjectMeta` });
  assert.ok("/apis/example.com/v1/namespaces/{namespace}/foos/{name}/status" in paths);
  assert.ok("io.k8s.api.core.v1.ConfigMap" in definitions);
});

test("a schema of many fields is made part by part, and is as it were made at once", async () => {
  const { spec, note } = fooSchema.properties as { spec: JsonObject; note: JsonObject };
  const parts = { spec, note };
  const embedded = { type: "object", "x-kubernetes-embedded-resource": true, description: "e" };
  const holding = (properties: JsonObject): JsonObject => ({
    type: "object",
    required: Object.keys(properties),
    properties: {
      in: { ...embedded, nullable: true, properties },
      below: { ...embedded, required: Object.keys(properties), properties },
      list: { type: "array", items: { type: "object", properties } },
      map: { type: "object", additionalProperties: { type: "object", properties } },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties },
    },
  });
  const many = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [[`spec${i}`, spec] as const, [`note${i}`, note] as const]).flat(),
  );
  const ofBoth = async (properties: JsonObject) => {
    const set = setOf(custom("Foo", holding(properties)));
    const name = "com.example.v1.Foo";
    return [(await v3(set)).components.schemas[name], (await v2(set)).definitions[name]] as const;
  };
  /** Every field named `spec3` or `note3` becomes one of `spec` and `note`. */
  const few = (value: JsonValue): JsonValue => {
    if (Array.isArray(value))
      return [...new Set(value.map((one) => (typeof one === "string" ? one.replace(/\d+$/, "") : few(one))))];
    if (!isJsonObject(value)) return value;
    const made = new Map<string, JsonValue>();
    for (const [key, member] of Object.entries(value)) {
      const name = key.replace(/^(spec|note)\d+$/, "$1");
      const one = few(member);
      if (made.has(name)) assert.deepEqual(one, made.get(name));
      made.set(name, one);
    }
    return Object.fromEntries(made);
  };
  const small = await ofBoth(parts);
  const large = await ofBoth(many);
  for (const [i, one] of large.entries()) assert.deepEqual(few(one), few(small[i]));
});

test("what keeps unknown fields at its root is a bare object in v2 only", async () => {
  const schema = { ...fooSchema, "x-kubernetes-preserve-unknown-fields": true };
  const set = setOf(custom("Foo", schema), custom("Bar", undefined));
  const gvk = (kind: string) => [{ group: "example.com", kind, version: "v1" }];
  const { definitions } = await v2(set);
  for (const kind of ["Foo", "Bar"])
    assert.deepEqual(definitions[`com.example.v1.${kind}`], {
      type: "object",
      "x-kubernetes-group-version-kind": gvk(kind),
    });
  const { schemas } = (await v3(set)).components;
  assert.ok("spec" in schemas["com.example.v1.Foo"].properties);
  assert.deepEqual(schemas["com.example.v1.Bar"], {
    type: "object",
    "x-kubernetes-group-version-kind": gvk("Bar"),
  });
});

test("hashes tell content without making it, and nothing of one workspace is in another", async () => {
  let schemasRead = 0;
  const counted = custom("Foo", fooSchema);
  const watched: CustomServed = {
    ...counted,
    openApiSchema() {
      schemasRead++;
      return counted.openApiSchema();
    },
  };
  const one = library.of(setOf(watched));
  const other = library.of(setOf(custom("Foo", { type: "object" })));
  const index = JSON.parse(String((await one.index()).body)).paths;
  const otherIndex = JSON.parse(String((await other.index()).body)).paths;
  assert.notEqual(index["apis/example.com/v1"], otherIndex["apis/example.com/v1"]);
  assert.deepEqual(index["api/v1"], otherIndex["api/v1"]);
  assert.notEqual(await one.v2.hash(), await other.v2.hash());
  assert.equal(schemasRead, 0);
  assert.equal(library.of(base).document("apis/example.com/v1"), undefined);
  assert.equal(await library.of(setOf(custom("Foo", fooSchema))).v2.hash(), await one.v2.hash());
});

test("what is too large to be kept comes in pieces, and is the same", async () => {
  const long = "x".repeat(2_000_000);
  const set = setOf(...["A", "B", "C"].map((kind) => custom(kind, { type: "object", description: long })));
  const before = library.kept.bytes;
  const document = library.of(set).document("apis/example.com/v1")!;
  assert.ok(!Buffer.isBuffer(await document.read("json")));
  assert.ok(!Buffer.isBuffer(await document.read("protobuf")));
  assert.ok(library.kept.bytes < before + 3_000_000);
  assert.equal((await read(document)).components.schemas["com.example.v1.B"].description.length, 2_000_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectSchema, Schema } from "#machinery/schema/types.ts";
import { loadCatalogue } from "./catalogue.ts";

const core = "io.k8s.api.core.v1";
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

function object(schema: Schema): ObjectSchema {
  assert.equal(schema.kind, "object");
  return schema as ObjectSchema;
}

test("every type that a kind of the release reaches resolves", () => {
  const catalogue = loadCatalogue();
  const seen = new Set<string>();
  const visit = (schema: Schema): void => {
    switch (schema.kind) {
      case "ref":
        if (seen.has(schema.ref)) return;
        seen.add(schema.ref);
        visit(catalogue.resolve(schema.ref));
        return;
      case "object":
        for (const field of schema.fields.values()) visit(field.schema);
        return;
      case "list":
        visit(schema.items);
        return;
      case "map":
        visit(schema.values);
    }
  };
  for (const groupVersion of [
    "v1",
    "apps/v1",
    "autoscaling/v1",
    "autoscaling/v2",
    "rbac.authorization.k8s.io/v1",
    "meta.k8s.io/v1",
  ]) {
    const kinds = catalogue.kindsOf(groupVersion);
    assert.ok(kinds.size >= 2, groupVersion);
    for (const ref of kinds.values()) visit({ kind: "ref", ref });
  }
  assert.ok(seen.size > 300, String(seen.size));
});

test("fields carry Go's tags and the markers of the documents", () => {
  const catalogue = loadCatalogue();
  const container = object(catalogue.resolve(`${core}.Container`));
  assert.deepEqual(container.fields.get("ports"), {
    name: "ports",
    schema: {
      kind: "list",
      items: { kind: "ref", ref: `${core}.ContainerPort` },
      listType: "map",
      listMapKeys: ["containerPort", "protocol"],
    },
    proto: 6,
    omitEmpty: true,
    patchStrategy: ["merge"],
    patchMergeKey: "containerPort",
  });
  const protocol = object(catalogue.resolve(`${core}.ServicePort`)).fields.get("protocol");
  assert.deepEqual(protocol?.schema, {
    kind: "string",
    enum: ["SCTP", "TCP", "UDP"],
    goType: "v1.Protocol",
    default: "TCP",
  });
  const created = object(catalogue.resolve(`${meta}.ObjectMeta`)).fields.get("creationTimestamp");
  assert.deepEqual(created, {
    name: "creationTimestamp",
    schema: { kind: "string", format: "time" },
    proto: 8,
    omitEmpty: true,
    omitZero: true,
  });
  assert.equal(object(catalogue.resolve(`${meta}.LabelSelector`)).atomic, true);
});

test("apiVersion and kind have no protobuf number", () => {
  const fields = object(loadCatalogue().resolve(`${core}.ConfigMap`)).fields;
  assert.deepEqual([...fields.keys()], ["kind", "apiVersion", "metadata", "immutable", "data", "binaryData"]);
  assert.equal(fields.get("kind")?.proto, undefined);
  assert.equal(fields.get("metadata")?.proto, 1);
});

test("an embedded struct is an inline entry, and its fields are listed without numbers", () => {
  const fields = object(loadCatalogue().resolve(`${core}.Volume`)).fields;
  assert.deepEqual(fields.get("volumeSource"), {
    name: "volumeSource",
    schema: { kind: "ref", ref: `${core}.VolumeSource` },
    proto: 2,
    inline: true,
  });
  assert.deepEqual(fields.get("emptyDir")?.schema, { kind: "ref", ref: `${core}.EmptyDirVolumeSource` });
  assert.equal(fields.get("emptyDir")?.proto, undefined);
});

test("named slices that protobuf wraps are marked", () => {
  const extra = object(
    loadCatalogue().resolve("io.k8s.api.authorization.v1.SubjectAccessReviewSpec"),
  ).fields.get("extra");
  assert.ok(extra?.schema.kind === "map" && extra.schema.values.kind === "list");
  assert.equal(extra.schema.values.wrapped, true);
  assert.equal(extra.schema.values.goType, "v1.ExtraValue");
});

test("unknown names are refused, and never become paths", () => {
  const catalogue = loadCatalogue();
  assert.throws(() => catalogue.resolve("io.k8s.api.core.v1.Nothing"), /no type/);
  assert.equal(catalogue.has("../../package.X"), false);
  assert.equal(catalogue.has(`${core}.constructor`), false);
  assert.equal(catalogue.typeOf("v1", "ConfigMap"), `${core}.ConfigMap`);
  assert.equal(catalogue.typeOf("__proto__", "x"), undefined);
});

/** The same comparison on a custom kind in two versions, which merge alike or differently. */
import fc from "fast-check";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { handMade } from "./testing/apply-cases.ts";
import {
  compiler,
  type Lab,
  plain,
  play,
  resetFields,
  resetOf,
  type Sequence,
  schemas,
  stepOf,
  theirs,
} from "./testing/sequences.ts";

const upstream = likeUpstream();

const objectMeta = compiler.compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");

/** A kind that has everything that tells apply how to merge. `atomic`: what v2 has as a whole, and v1 in parts. */
const thingSchema = (atomic: boolean): JsonObject => {
  const text = { type: "string" };
  const pair = { type: "object", properties: { a: text, b: text } };
  const content: JsonObject = {
    type: "object",
    properties: {
      count: { type: "integer" },
      ratio: { type: "number" },
      on: { type: "boolean" },
      port: { "x-kubernetes-int-or-string": true },
      when: { type: "string", format: "date-time" },
      maybe: { type: "string", nullable: true },
      labels: { type: "object", additionalProperties: text },
      selector: { type: "object", additionalProperties: text, "x-kubernetes-map-type": "atomic" },
      pair,
      whole: { ...pair, "x-kubernetes-map-type": "atomic" },
      changed: { ...pair, ...(atomic && { "x-kubernetes-map-type": "atomic" }) },
      names: { type: "array", items: text, "x-kubernetes-list-type": "set" },
      numbers: { type: "array", items: { type: "integer" }, "x-kubernetes-list-type": "set" },
      args: { type: "array", items: text },
      list: {
        type: "array",
        "x-kubernetes-list-type": atomic ? "atomic" : "set",
        items: text,
      },
      ports: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        items: {
          type: "object",
          required: ["port"],
          properties: {
            port: { type: "integer" },
            protocol: { type: "string", default: "TCP" },
            name: text,
            inner: { type: "object", additionalProperties: pair },
          },
        },
      },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      partly: { ...pair, "x-kubernetes-preserve-unknown-fields": true },
      maps: { type: "object", additionalProperties: { type: "object", additionalProperties: text } },
      embedded: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
  };
  return { type: "object", properties: { spec: content, status: content } };
};

const crdOf = (atomic: boolean): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.test.io" },
  spec: {
    group: "test.io",
    scope: "Namespaced",
    names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
    versions: ["v1", "v2"].map((name, index) => ({
      name,
      served: true,
      storage: index === 0,
      subresources: { status: {} },
      schema: { openAPIV3Schema: thingSchema(atomic && index === 1) },
    })),
  },
});

const thingVersions = ["test.io/v1", "test.io/v2"];
const thingReset = resetOf(...thingVersions);

function thingLab(atomic: boolean): Lab {
  const compiled = new Map(
    thingVersions.map((version, index) => [
      version,
      compileCustomSchema(thingSchema(atomic && index === 1), { objectMeta }),
    ]),
  );
  return {
    read: (body) => body,
    kind: (apiVersion, subresource) => ({
      apiVersion,
      kind: "Thing",
      subresource,
      typeIn: (version) => {
        const found = compiled.get(version);
        return found && schemas.node(found.schema);
      },
      convert: (object, version) => ({ ...object, apiVersion: version }),
      resetFields: (version) => resetFields(thingReset, subresource, version),
      emptyObject: () => ({ apiVersion, kind: "Thing" }),
      complete(merged) {
        const object = cloneJson(merged);
        compiled.get(apiVersion)!.applyDefaults(object);
        return object;
      },
    }),
  };
}

const pairs = fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2"), {
  maxKeys: 2,
  noNullPrototype: true,
});
const free: fc.Arbitrary<JsonValue> = fc.oneof<fc.Arbitrary<JsonValue>[]>(
  fc.constantFrom<JsonValue>(1, "x", true, null),
  pairs,
  fc.array(fc.constantFrom("1", "2"), { maxLength: 2 }),
  fc.dictionary(fc.constantFrom("a", "b"), pairs, { maxKeys: 2, noNullPrototype: true }),
);
const thingContent = fc.record(
  {
    count: fc.nat(2),
    ratio: fc.constantFrom(1, 1.5),
    on: fc.boolean(),
    port: fc.constantFrom<JsonValue>(1, "http"),
    when: fc.constantFrom("2001-01-01T00:00:00Z", "x"),
    maybe: fc.constantFrom(null, "a"),
    labels: pairs,
    selector: pairs,
    pair: pairs,
    whole: pairs,
    changed: pairs,
    names: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 3 }),
    numbers: fc.uniqueArray(fc.constantFrom(3, 20, 100, 3_000_000), { maxLength: 3 }),
    args: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
    list: fc.uniqueArray(fc.constantFrom("a", "b"), { maxLength: 2 }),
    ports: fc.uniqueArray(
      fc.record(
        {
          port: fc.constantFrom(80, 443, 1_234_567, 2 ** 40),
          protocol: fc.constantFrom("TCP", "UDP"),
          name: fc.constantFrom("a", "b"),
          inner: fc.dictionary(fc.constantFrom("a", "b"), pairs, { maxKeys: 2 }),
        },
        { requiredKeys: ["port"] },
      ),
      // With items twice, upstream cannot look at the object in another version (docs/differences.md).
      { maxLength: 3, selector: ({ port, protocol = "TCP" }) => `${port} ${protocol}` },
    ),
    free: fc.dictionary(fc.constantFrom("a", "b"), free, { maxKeys: 2 }),
    partly: fc.record({ a: fc.constantFrom("1", "2"), c: free }, { requiredKeys: [] }),
    maps: fc.dictionary(fc.constantFrom("a", "b"), pairs, { maxKeys: 2 }),
    embedded: fc.constantFrom<JsonValue>(
      { apiVersion: "v1", kind: "X", metadata: { name: "a" }, spec: { a: [1] } },
      { apiVersion: "v1", kind: "X", metadata: { name: "b", labels: { a: "1" } } },
    ),
  },
  { requiredKeys: [] },
);
const thingParts = fc
  .record({ spec: thingContent, status: thingContent }, { requiredKeys: [] })
  .map((parts) => plain(parts as JsonObject) as JsonObject);

const thingSequence: fc.Arbitrary<Sequence> = fc
  .array(fc.oneof(...thingVersions.map((version) => stepOf(version, "Thing", thingParts))), {
    minLength: 2,
    maxLength: 8,
  })
  .map((steps) => ({ apiVersion: thingVersions[0]!, kind: "Thing", steps }));

for (const atomic of [false, true]) {
  const lab = thingLab(atomic);
  upstream.compare<Sequence>(
    `sequences on a custom kind${atomic ? " whose versions merge differently" : ""}`,
    {
      cases: handMade,
      generate: thingSequence,
      runs: 500,
      ours: ({ apiVersion, steps }) => play(lab, apiVersion, steps),
      theirs: async (oracle, { apiVersion, kind, steps }) =>
        theirs(await oracle.ask("apply", { apiVersion, kind, steps, crd: crdOf(atomic), reset: thingReset })),
    },
  );
}

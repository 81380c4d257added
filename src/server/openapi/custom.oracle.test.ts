/** Custom kinds in both documents, compared with what apiextensions-apiserver publishes. */
import fc from "fast-check";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import type { CustomServed } from "#server/endpoints/served-set.ts";
import { type CustomEntry, customSchemas } from "./custom-schemas.ts";
import { swaggerSchema } from "./swagger.ts";
import { swaggerCustomSchemas } from "./swagger-custom.ts";

const text = fc.constantFrom("", "a", "some words", "ünï");
const flag = fc.constantFrom(undefined, true);
const common = {
  description: fc.option(text, { nil: undefined }),
  nullable: fc.constantFrom(undefined, false, true),
};
const { schema } = fc.letrec<{ schema: JsonObject; object: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      ...common,
      type: fc.constant("string"),
      default: fc.option(fc.constantFrom("x", ""), { nil: undefined }),
      enum: fc.option(fc.constant(["x", ""]), { nil: undefined }),
      minLength: fc.constantFrom(undefined, 0),
      pattern: fc.constantFrom(undefined, "", "^x?$"),
      format: fc.constantFrom(undefined, "date", "byte"),
    }),
    fc.record({
      ...common,
      type: fc.constantFrom("integer", "number"),
      minimum: fc.constantFrom(undefined, 0, -1.5),
      exclusiveMinimum: flag,
      multipleOf: fc.constantFrom(undefined, 0.5),
    }),
    fc.record({
      ...common,
      "x-kubernetes-int-or-string": fc.constant(true),
      anyOf: fc.constantFrom(undefined, [{ type: "integer" }, { type: "string" }]),
      allOf: fc.constantFrom(undefined, [
        { anyOf: [{ type: "integer" }, { type: "string" }] },
        { pattern: "x" },
      ]),
    }),
    fc.record({
      ...common,
      type: fc.constant("array"),
      items: tie("schema"),
      maxItems: fc.constantFrom(undefined, 5),
      "x-kubernetes-list-type": fc.constantFrom(undefined, "atomic"),
    }),
    fc.record({ ...common, type: fc.constant("object"), additionalProperties: tie("schema") }),
    fc.record({
      ...common,
      type: fc.constant("object"),
      "x-kubernetes-preserve-unknown-fields": fc.constant(true),
      "x-kubernetes-embedded-resource": flag,
    }),
    fc.record({ description: text, "x-kubernetes-preserve-unknown-fields": fc.constant(true) }),
    tie("object"),
  ) as fc.Arbitrary<JsonObject>,
  object: fc.record({
    ...common,
    type: fc.constant("object"),
    properties: fc.dictionary(
      fc.constantFrom("a", "b", "default", "enum", "items", "properties"),
      tie("schema"),
      {
        minKeys: 1,
        maxKeys: 4,
      },
    ),
    required: fc.constantFrom(undefined, ["a"], ["a", "b"]),
    oneOf: fc.constantFrom(undefined, [{ required: ["a"] }, { not: { required: ["b"] } }]),
    "x-kubernetes-map-type": fc.constantFrom(undefined, "atomic", "granular"),
    "x-kubernetes-preserve-unknown-fields": flag,
    "x-kubernetes-validations": fc.constantFrom(undefined, [{ rule: "true", message: "never" }]),
  }) as fc.Arbitrary<JsonObject>,
}));
const root = fc.record(
  {
    type: fc.constant("object"),
    description: text,
    properties: fc.record({ spec: schema, status: schema }, { requiredKeys: [] }),
    "x-kubernetes-preserve-unknown-fields": flag,
  },
  { requiredKeys: ["type", "properties"] },
);
const selectable = fc.constantFrom([], [{ jsonPath: ".spec.a" }]);

interface Case {
  readonly schema: JsonObject;
  readonly fields: readonly { readonly jsonPath: string }[];
  readonly v2: boolean;
}

const cases: fc.Arbitrary<Case> = fc
  .record({ schema: root, fields: selectable, v2: fc.boolean() })
  .map((one) => ({ ...one, schema: JSON.parse(JSON.stringify(one.schema)) as JsonObject }));

likeUpstream().compare<Case>("a kind and its list, in both documents", {
  cases: [],
  generate: cases,
  // Upstream takes milliseconds for each.
  runs: 200,
  ours({ schema: own, fields, v2 }) {
    const served = servedOf(
      own,
      fields.map(({ jsonPath }) => jsonPath),
    );
    const made = v2
      ? entriesOf(swaggerCustomSchemas(served)).map(
          ([name, one]) => [name, swaggerSchema(one, false)] as const,
        )
      : entriesOf(customSchemas(served));
    return made.map(([name, one]) => [name, normal(one)]);
  },
  async theirs(oracle, { schema: own, fields, v2 }) {
    const crd = definitionOf(own, fields);
    const document = (await oracle.ask("crd.openapi", { crd, version: "v1", v2 })) as JsonObject;
    const all = (v2 ? document.definitions : (document.components as JsonObject).schemas) as JsonObject;
    return ["com.example.v1.Foo", "com.example.v1.FooList"].map((name) => [name, normal(all[name]!)]);
  },
});

const definitionOf = (schemaOf: JsonObject, selectableFields: Case["fields"]) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "foos.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
    versions: [
      { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schemaOf }, selectableFields },
    ],
  },
});

const entriesOf = (entries: Iterable<CustomEntry | undefined>): CustomEntry[] =>
  [...entries].filter((entry) => entry !== undefined);

function servedOf(schemaOf: JsonObject, selectableFields: string[]): CustomServed {
  const versions = [{ version: "v1", kind: "Foo", type: "", verbs: [], subresources: [] }];
  return {
    info: {
      group: "example.com",
      resource: "foos",
      singular: "foo",
      namespaced: true,
      shortNames: [],
      categories: [],
      storageVersion: "v1",
      virtual: false,
      versions,
    },
    version: "v1",
    listKind: "FooList",
    contentHash: "",
    openApiSchema: () => schemaOf,
    preserveUnknownFields: false,
    selectableFields,
  };
}

/** Without upstream's texts about what every object has; ours says what the author says. */
function normal(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(normal);
  if (!isJsonObject(value)) return value;
  const out = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, normal(member)]));
  const { properties } = out;
  if (isJsonObject(properties) && isJsonObject(properties.metadata) && "apiVersion" in properties) {
    for (const name of [
      "apiVersion",
      "kind",
      "metadata",
      ...("x-kubernetes-group-version-kind" in out ? ["items"] : []),
    ]) {
      const member = properties[name];
      if (isJsonObject(member)) delete member.description;
    }
  }
  return out;
}

/** Printer columns compared with upstream's: `crd.columns` of the oracle. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { customColumns } from "./columns.ts";

const upstream = likeUpstream();

interface Case {
  readonly type: string;
  readonly jsonPath: string;
  readonly spec: JsonValue;
}

const paths = [
  ".spec",
  ".spec.a",
  ".spec.a.b",
  ".spec.list[0]",
  ".spec.list[*].a",
  ".spec.list[-1].a",
  ".spec.list[0:2].b",
  ".spec.list[?(@.a==1)].b",
  '.spec.list[?(@.a=="x")].b',
  ".spec.list[?(@.b>1)].a",
  ".spec['a','b']",
  ".spec.a-b",
  ".spec.x\\.y",
  "..a",
  ".spec..b",
  ".spec.*",
  ".metadata.name",
  ".metadata.labels['x/y']",
  ".nothing.at.all",
  ".",
  ".spec.list[",
  ".spec.list[?(@.a==]",
  ".spec.list[5]",
];
const scalar = fc.constantFrom<JsonValue>(
  1,
  2,
  -3,
  2.5,
  "x",
  "",
  "2020-01-01T00:00:00Z",
  true,
  false,
  null,
  1e6,
);
const item = fc.dictionary(fc.constantFrom("a", "b"), scalar) as fc.Arbitrary<JsonValue>;
const spec = fc.oneof(
  scalar,
  fc.record(
    {
      a: fc.oneof(scalar, item),
      b: scalar,
      list: fc.array(fc.oneof(item, scalar), { maxLength: 3 }),
      "a-b": scalar,
      "x.y": scalar,
    },
    { requiredKeys: [] },
  ),
) as fc.Arbitrary<JsonValue>;

const objectOf = (value: JsonValue): JsonObject => ({
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: { name: "x", labels: { "x/y": "z" } },
  spec: value,
});

upstream.compare<Case>("cells of printer columns", {
  cases: [],
  generate: fc.record({
    type: fc.constantFrom("string", "integer", "number", "boolean", "date"),
    jsonPath: fc.constantFrom(...paths),
    spec,
  }),
  ours({ type, jsonPath, spec }) {
    const columns = customColumns([{ name: "C", type, jsonPath }]);
    const cells = columns.cells(objectOf(spec) as unknown as KubeObject, Date.now());
    return { names: columns.definitions.map(({ name }) => name), cells };
  },
  async theirs(oracle, { type, jsonPath, spec }) {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "foos.example.com" },
      spec: {
        group: "example.com",
        scope: "Cluster",
        names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object" } },
            additionalPrinterColumns: [{ name: "C", type, jsonPath }],
          },
        ],
      },
    };
    const told = (await oracle.ask("crd.columns", { crd, objects: [objectOf(spec)] })) as JsonObject;
    const names = (told.columns as JsonObject[]).map(({ name }) => name);
    const [row] = told.rows as JsonValue[];
    return { names, cells: Array.isArray(row) ? row : (row as JsonObject).cells };
  },
  // Upstream takes fields in the chance order of its maps, and characters of a text for its parts.
  // A slice beyond its list, and a filter that compares an integer with another number, give it no cell.
  known: ({ jsonPath }) => /\.\*$|\.\.|\[0:2\]|\?\(/.test(jsonPath),
});

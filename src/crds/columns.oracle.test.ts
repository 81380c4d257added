/** Printer columns compared with upstream's: `crd.columns` of the oracle. */
import fc from "fast-check";
import { sortedCopy } from "#machinery/json/sorted.ts";
import { isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { goJson, writeJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { parseJsonPath } from "#machinery/values/json-path.ts";
import { type Found, goInteger, Made } from "#machinery/values/json-path-values.ts";
import { brokenPaths, pathCases, pathObject } from "#machinery/values/testing/json-paths.ts";
import { customColumns } from "./columns.ts";

const upstream = likeUpstream();

interface Case {
  readonly type: string;
  readonly jsonPath: string;
  readonly object: JsonObject;
}

const steps = [
  ".spec",
  ".a",
  ".b",
  ".list",
  "[0]",
  "[-1]",
  "[5]",
  "[*]",
  "[0:2]",
  "[1:]",
  "[:-1]",
  "[::2]",
  "[2:1]",
  "[0,1]",
  "['a']",
  "['a','b']",
  "['x\\.y']",
  ".a-b",
  ".x\\.y",
  "..a",
  "..",
  ".*",
  ".metadata.name",
  " ",
  "@",
  "[?(@.a==1)]",
  "[?(@.a!=2.5)]",
  '[?(@.a=="x")]',
  "[?(@.b>1)]",
  "[?(@.b<='x')]",
  "[?(@.a)]",
  "[?(@[0])]",
  "[?(@.a==@.b)]",
  "[?(@==true)]",
  "[?(@..a==1)]",
];
const odd = [
  ".",
  "[",
  "]",
  "(",
  "'",
  '"',
  "\\",
  "5",
  "-",
  "true",
  "range",
  "{",
  "}",
  "*",
  '"x"',
  "é",
  ":",
  ",",
];
/** Mostly paths that lead somewhere, and some that are broken. */
const path = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.constantFrom(...steps), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...steps, ...odd), { maxLength: 5 }) },
);
const jsonPath = fc
  .tuple(fc.constantFrom(".spec", ".spec", ".spec.list", ".spec.list[*]", ".", ""), path)
  .map(([start, parts]) => start + parts.join(""));

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
  1234567.5,
  1e21,
  2 ** 40,
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

const types = ["string", "integer", "number", "boolean", "date"];

const definitionOf = (type: string, jsonPath: string): JsonObject => ({
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
});

/** Go's type of a value, and its JSON. */
function typed(value: Found): string {
  const text = (of: JsonValue): string => goJson(sortedCopy(of));
  if (value instanceof Made) return `${value.type}:${writeJson(value.value)}`;
  if (value === null) return "<nil>:null";
  if (Array.isArray(value)) return `[]interface {}:${text(value)}`;
  if (typeof value === "string") return `string:${text(value)}`;
  if (typeof value === "boolean") return `bool:${value}`;
  if (typeof value === "number" || isRawNumber(value))
    return `${goInteger(value) === undefined ? "float64" : "int64"}:${writeJson(value)}`;
  return `map[string]interface {}:${text(value)}`;
}

interface Told {
  readonly names: readonly JsonValue[];
  /** What the path finds, in an order of its own: upstream goes through maps by chance. */
  readonly found: { readonly values: readonly string[]; readonly broken?: true; readonly failed?: true };
  /** By the same chance a cell has one of several values: then it is not compared. */
  readonly cells?: JsonValue;
}

const told = (
  jsonPath: string,
  names: readonly JsonValue[],
  found: Told["found"],
  cells: JsonValue,
): Told => ({
  names,
  found,
  ...(isByChance(jsonPath) && new Set(found.values).size > 1 ? {} : { cells }),
});

/** Whether maps may be gone through: only then it is chance what comes first. */
const isByChance = (jsonPath: string): boolean => /\.\.|\*/.test(jsonPath);
/**
 * Whether what is found may be chance, too: a slice that takes nothing of its list ends the whole step at once, and the values
 * after it, or the errors that they would be, are those that a map gave later.
 */
const mayEndByChance = (jsonPath: string): boolean => /(\.\.|\*).*\[[^\]]*:/.test(jsonPath);

upstream.compare<Case>("cells of printer columns", {
  cases: types.flatMap((type) =>
    [...pathCases.map(([path]) => path), ...brokenPaths].map((jsonPath) => ({
      type,
      jsonPath,
      object: pathObject,
    })),
  ),
  runs: 2_000,
  generate: fc.record({
    type: fc.constantFrom(...types),
    jsonPath,
    object: spec.map(objectOf),
  }),
  ours({ type, jsonPath, object }) {
    const columns = customColumns([{ name: "C", type, jsonPath }]);
    const cells = columns.cells(object as unknown as KubeObject, Date.now());
    const read = parseJsonPath(jsonPath);
    const values = read?.find(object);
    return told(
      jsonPath,
      columns.definitions.map(({ name }) => name),
      {
        values: (values ?? []).map(typed).sort(),
        ...(read === undefined ? { broken: true } : values === undefined ? { failed: true } : {}),
      },
      cells,
    );
  },
  async theirs(oracle, { type, jsonPath, object }) {
    const answer = (await oracle.ask("crd.columns", {
      crd: definitionOf(type, jsonPath),
      objects: [object],
    })) as JsonObject;
    const names = (answer.columns as JsonObject[]).map(({ name }) => name!);
    const found = (answer.found as JsonValue[][])[0]![0] as unknown as Told["found"];
    return told(
      jsonPath,
      names,
      { ...found, values: [...found.values].sort() },
      (answer.rows as JsonValue[])[0]!,
    );
  },
  // `range` goes from one action of a path to another; upstream's next object then sees what follows only (docs/differences.md).
  known: ({ jsonPath }) => /range/.test(jsonPath) || mayEndByChance(jsonPath),
});

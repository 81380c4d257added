/** Field sets and the managed fields of a Scale, compared with upstream's libraries. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { answered, likeUpstream, type Outcome, outcome } from "#machinery/testing/like-upstream.ts";
import type { FieldSet } from "./field-set.ts";
import { readFields } from "./fields-v1.ts";
import type { ManagedFieldsEntry } from "./managed.ts";
import { pathText } from "./path-element.ts";
import { managedOfScale, managedOfScaled } from "./scale-fields.ts";
import { fieldsText } from "./testing/fields-text.ts";

const upstream = likeUpstream();

const name = fc.constantFrom("a", "b", "spec", "é", "<&>", 'q"', "", ".", "\u2028", "tab\t");
const scalar = fc.oneof<fc.Arbitrary<JsonValue>[]>(
  fc.constantFrom(1, 2, 10, -1, 1.5, 1e21, 0, 1e6, 1_234_567.5, 2 ** 40),
  fc.boolean(),
  name,
  fc.constant(null),
);
const element = fc.oneof(
  name.map((text) => `f:${text}`),
  fc.dictionary(name, scalar, { minKeys: 1, maxKeys: 2 }).map((keys) => `k:${JSON.stringify(keys)}`),
  scalar.map((value) => `v:${JSON.stringify(value)}`),
  fc.nat(12).map((index) => `i:${index}`),
  fc.constantFrom("z:x", "f:", "k:{}", "v:1.0", 'k:{"b":1, "a" : "x"}', "i:-1"),
);
const fields: fc.Arbitrary<JsonObject> = fc.letrec<{ node: JsonObject }>((tie) => ({
  node: fc.dictionary(
    fc.oneof({ arbitrary: element, weight: 9 }, { arbitrary: fc.constant("."), weight: 1 }),
    fc.oneof({ maxDepth: 4, withCrossShrink: true }, fc.constant({}), tie("node")),
    { maxKeys: 4 },
  ) as fc.Arbitrary<JsonObject>,
})).node;

/** Nobody sees what is wrong with a set: managed fields with one are ignored. */
const untold = (of: Outcome): Outcome => ("error" in of ? { error: "" } : of);

const answers = (set: FieldSet): JsonObject => {
  const paths: string[] = [];
  set.forEachPath((path) => paths.push(pathText(path)));
  return { set: fieldsText(set), paths };
};

upstream.compare<{ set: string; other: string }>("field sets", {
  cases: [
    "{}",
    '{".":{}}',
    '{"f:a":{".":{}}}',
    '{"x":{}}',
    '{"ab":{}}',
    '{"v:x":{}}',
    '{"k:1":{}}',
    '{"i:x":{}}',
    '{"f:a":null}',
    "null",
  ].map((set) => ({ set, other: "{}" })),
  generate: fc.record({
    set: fields.map((one) => JSON.stringify(one)),
    other: fields.map((one) => JSON.stringify(one)),
  }),
  runs: 1_500,
  ours: ({ set, other }) =>
    untold(
      outcome(() => {
        const [a, b] = [readFields(JSON.parse(set) as JsonValue), readFields(JSON.parse(other) as JsonValue)];
        return {
          ...answers(a),
          union: fieldsText(a.union(b)),
          intersection: fieldsText(a.intersection(b)),
          difference: fieldsText(a.difference(b)),
          recursiveDifference: fieldsText(a.recursiveDifference(b)),
          equal: a.equals(b),
        };
      }),
    ),
  theirs: async (oracle, sets) =>
    untold(
      await answered(oracle.ask("fields.set", sets), (answer) => {
        const { text: _text, size: _size, empty: _empty, leaves: _leaves, ...rest } = answer as JsonObject;
        return Object.fromEntries(
          Object.entries(rest).map(([key, value]) => [
            key,
            key === "paths" || key === "equal" ? value : JSON.stringify(value),
          ]),
        );
      }),
    ),
});

const entry = fc
  .record({
    manager: fc.constantFrom("a", "b"),
    operation: fc.constantFrom("Apply", "Update"),
    apiVersion: fc.constantFrom("apps/v1", "apps/v2", "other/v1"),
    subresource: fc.constantFrom("", "scale"),
    fields: fc.constantFrom<JsonObject>(
      { "f:spec": { "f:replicas": {} } },
      { "f:spec": { "f:replicas": {}, "f:on": {} } },
      { "f:spec": { "f:on": {} } },
    ),
  })
  .map(
    ({ subresource, fields: fieldsV1, ...rest }): ManagedFieldsEntry => ({
      ...rest,
      time: "2001-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1,
      ...(subresource !== "" && { subresource }),
    }),
  );
const entries = fc.array(entry, { maxLength: 4 });
const replicas = { "apps/v1": ["spec", "replicas"], "apps/v2": ["spec", "replicas"] };
const paths = new Map(
  Object.entries(replicas).map(([version, path]) => [version, path.map((one) => `f:${one}`)]),
);
const json = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value ?? null)) as JsonValue;

upstream.compare<{ parent: ManagedFieldsEntry[]; scale: ManagedFieldsEntry[] | undefined }>(
  "managed fields of a Scale",
  {
    cases: [],
    generate: fc.record({
      parent: entries,
      scale: fc.option(
        entries.map((list) => list.map((one) => ({ ...one, apiVersion: "autoscaling/v1" }))),
        { nil: undefined },
      ),
    }),
    runs: 1_000,
    ours: ({ parent, scale }) =>
      outcome(() =>
        json(
          scale === undefined
            ? managedOfScale(parent as never, paths)
            : managedOfScaled(parent as never, scale as never, paths, "apps/v1"),
        ),
      ),
    theirs: (oracle, { parent, scale }) =>
      answered(
        oracle.ask("apply.scale", { parent, ...(scale && { scale }), apiVersion: "apps/v1", replicas }),
        json,
      ),
  },
);

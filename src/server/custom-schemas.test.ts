/**
 * Property: whatever was stored under whatever schemas, reads show it by the present one. A model that knows only "pruned and
 * defaulted when written, and again when read" says what must come, so bytes that are answered unparsed are never wrong ones.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { sampleOf } from "#base/testing/samples.ts";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const fields = ["a", "b", "c"] as const;
/** What a schema knows: a field with a default, one without, or not at all. */
type Known = Partial<Record<(typeof fields)[number], string | null>>;
type Spec = Record<string, string>;

const schemaOf = (known: Known): object =>
  objectSchema(
    Object.fromEntries(
      Object.entries(known).map(([name, value]) => [
        name,
        { type: "string", ...(value !== null && { default: value }) },
      ]),
    ),
  );
const shown = (spec: Spec, known: Known): Spec => {
  const result: Spec = {};
  for (const name of fields) {
    if (!(name in known)) continue;
    const value = spec[name] ?? known[name];
    if (value !== undefined && value !== null) result[name] = value;
  }
  return result;
};

const known = fc.record(
  Object.fromEntries(fields.map((name) => [name, fc.constantFrom(null, `${name}1`, `${name}2`)])),
  { requiredKeys: [] },
) as fc.Arbitrary<Known>;
const spec = fc.record(Object.fromEntries(fields.map((name) => [name, fc.constantFrom("x", "y")])), {
  requiredKeys: [],
}) as fc.Arbitrary<Spec>;
const step = fc.oneof(
  fc.record({ type: fc.constant("schema" as const), known }),
  fc.record({ type: fc.constant("label" as const) }),
  fc.record({ type: fc.constant("write" as const), name: fc.constantFrom("o1", "o2", "o3"), spec }),
);

let workspaces = 0;

test("reads show every object by the present schema", async () => {
  await fc.assert(
    fc.asyncProperty(known, fc.array(step, { minLength: 1, maxLength: 14 }), async (first, steps) => {
      const base = `/clusters/${await server.workspace(`schemas${workspaces++}`)}`;
      const path = `${base}${definitions}/widgets.example.com`;
      const objects = `${base}/apis/example.com/v1/namespaces/default/widgets`;
      const made = await server.call("POST", base + definitions, {
        body: definitionOf({ schema: schemaOf(first) }),
      });
      assert.equal(made.status, 201, made.text);
      let present = first;
      const stored = new Map<string, Spec>();
      for (const one of steps) {
        if (one.type === "write") {
          const body = {
            apiVersion: "example.com/v1",
            kind: "Widget",
            metadata: { name: one.name },
            spec: one.spec,
          };
          const current = stored.has(one.name)
            ? await server.call("GET", `${objects}/${one.name}`)
            : undefined;
          const answer =
            current === undefined
              ? await server.call("POST", objects, { body })
              : await server.call("PUT", `${objects}/${one.name}`, {
                  body: { ...body, metadata: current.json.metadata },
                });
          assert.ok(answer.status < 300, answer.text);
          stored.set(one.name, shown(one.spec, present));
          assert.deepEqual(answer.json.spec, stored.get(one.name));
        } else {
          const body =
            one.type === "label"
              ? [{ op: "add", path: "/metadata/labels", value: { step: String(stored.size) } }]
              : [
                  {
                    op: "replace",
                    path: "/spec/versions/0/schema/openAPIV3Schema",
                    value: schemaOf(one.known),
                  },
                ];
          const changed = await server.call("PATCH", path, { body, type: "application/json-patch+json" });
          assert.equal(changed.status, 200, changed.text);
          if (one.type === "schema") present = one.known;
        }
        const list = (await server.call("GET", objects)).json.items;
        assert.equal(list.length, stored.size);
        for (const { metadata, spec: seen } of list) {
          const wanted = shown(stored.get(metadata.name)!, present);
          assert.deepEqual(seen, wanted);
          const got = await server.call("GET", `${objects}/${metadata.name}`);
          assert.deepEqual(got.json.spec, wanted);
        }
      }
    }),
    { numRuns: sampleOf(25, 3) },
  );
});

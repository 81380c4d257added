/** What holds for all schemas and objects, however odd. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadCatalogue } from "#api/catalogue.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import { parseSchema } from "#machinery/structural/parse.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import { isClean } from "#machinery/structural/prune.ts";
import { customResourceDefinitionErrors, unrecognizedFormatWarnings } from "./definition.ts";
import { brokenSchema } from "./testing/broken.ts";
import { anyObject, withMetadata } from "./testing/objects.ts";
import { anySchema } from "./testing/schemas.ts";

const context = {
  objectMeta: new TypeCompiler(loadCatalogue()).compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
  patterns: new PatternCache(),
};
const numRuns = 400;

const pairs = anySchema.chain((schema) => anyObject(schema).map((object) => ({ schema, object })));
const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<JsonValue>;
const objects = fc.dictionary(fc.string(), json) as fc.Arbitrary<JsonObject>;

/** The object as it is read; undefined when it is refused. */
function read(schema: JsonObject, object: JsonObject): JsonObject | undefined {
  const copy = cloneJson(object);
  try {
    compileCustomSchema(schema, context).prune(copy);
    return copy;
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return undefined;
  }
}

test("a pruned object has known fields only, and pruning it again changes nothing", () => {
  fc.assert(
    fc.property(pairs, ({ schema, object }) => {
      const once = read(schema, object);
      if (once === undefined) return;
      assert.ok(isClean(once, parseSchema(schema)));
      assert.deepEqual(read(schema, once), once);
    }),
    { numRuns },
  );
});

test("defaults applied twice are defaults applied once", () => {
  fc.assert(
    fc.property(pairs, ({ schema, object }) => {
      const compiled = compileCustomSchema(schema, context);
      const once = cloneJson(object);
      compiled.applyDefaults(once);
      const twice = cloneJson(once);
      compiled.applyDefaults(twice);
      assert.deepEqual(twice, once);
    }),
    { numRuns },
  );
});

test("decoding never changes what it is given, and answers what pruning leaves", () => {
  fc.assert(
    fc.property(
      pairs.chain(({ schema, object }) => withMetadata(object).map((odd) => ({ schema, object: odd }))),
      ({ schema, object }) => {
        const before = cloneJson(object);
        let decoded: JsonObject | undefined;
        try {
          decoded = compileCustomSchema(schema, context).decode(object).value;
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
        assert.deepEqual(object, before);
        assert.deepEqual(decoded, read(schema, object));
      },
    ),
    { numRuns },
  );
});

test("any JSON can stand for a schema, and any for an object: nothing is thrown but refusals", () => {
  fc.assert(
    fc.property(fc.oneof(objects, brokenSchema), objects, (schema, object) => {
      const compiled = compileCustomSchema(schema, context);
      const pruned = read(schema, object);
      if (pruned === undefined) return;
      compiled.applyDefaults(pruned);
      const errors = compiled.validate(pruned, object);
      compiled.validateStatus(pruned, object);
      compiled.validateRules(pruned, object, errors);
      assert.equal(compiled.schema.kind === "object" || compiled.schema.kind === "map", true);
    }),
    { numRuns },
  );
});

test("any JSON can stand for a definition", () => {
  const definition = (spec: JsonValue): KubeObject =>
    ({ apiVersion: "a/v1", kind: "C", metadata: { name: "x" }, spec, status: {} }) as unknown as KubeObject;
  const version = fc.record({
    name: json,
    schema: fc.record({ openAPIV3Schema: fc.oneof(json, brokenSchema) }),
  });
  const spec = fc.oneof(json, fc.record({ versions: fc.array(fc.oneof(json, version)), names: json }));
  fc.assert(
    fc.property(spec as fc.Arbitrary<JsonValue>, spec as fc.Arbitrary<JsonValue>, (one, other) => {
      assert.ok(customResourceDefinitionErrors(definition(one), undefined, context).length > 0);
      customResourceDefinitionErrors(definition(one), definition(other), context);
      unrecognizedFormatWarnings(definition(one), definition(other));
    }),
    { numRuns },
  );
});

test("deep schemas and deep objects are no deeper a problem than their nesting", () => {
  const levels = 400;
  let schema: JsonObject = { type: "string" };
  let value: JsonValue = "x";
  for (let i = 0; i < levels; i++) {
    schema = { type: "object", properties: { a: schema } };
    value = { a: value };
  }
  const root = { type: "object", properties: { spec: schema } };
  const object: JsonObject = { apiVersion: "e.com/v1", kind: "Foo", metadata: {}, spec: value };
  const compiled = compileCustomSchema(root, context);
  assert.deepEqual(compiled.prune(object), []);
  assert.deepEqual(compiled.validate(object, cloneJson(object)), []);
  let free: JsonValue = 1;
  for (let i = 0; i < 990; i++) free = i % 2 === 0 ? [free] : { a: free };
  const keeps = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const open = compileCustomSchema({ type: "object", properties: { spec: keeps } }, context);
  assert.deepEqual(open.prune({ ...object, spec: free }), []);
  const closed: JsonObject = { ...object, spec: cloneJson(free) };
  assert.deepEqual(compiled.prune(closed), ["spec.a[0].a"]);
});

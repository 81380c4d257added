/** Custom schemas and definitions compared with upstream's: `cr.*` and `crd.validate` of the oracle. */
import fc from "fast-check";
import { loadCatalogue } from "#api/catalogue.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import { formatCheck } from "#machinery/structural/formats/formats.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import {
  definitionOf,
  errorTexts,
  reading,
  type SchemaCase,
  validation,
} from "#machinery/structural/testing/upstream.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { brokenSchema } from "./testing/broken.ts";
import { formats, formatTexts } from "./testing/format-samples.ts";
import { anyObject, withinObject, withMetadata } from "./testing/objects.ts";
import { anySchema } from "./testing/schemas.ts";
import { type DefinitionCase, definitions } from "./testing/upstream.ts";

const upstream = likeUpstream();
/** Everyday; MYRIAD_ORACLE_CASES=10000 takes a minute for each. */
const runs = 1_500;
const context = {
  objectMeta: new TypeCompiler(loadCatalogue()).compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
  patterns: new PatternCache(),
};

const compile = (schema: JsonObject): ReturnType<typeof compileCustomSchema> =>
  compileCustomSchema(schema, context);

const pairs: fc.Arbitrary<SchemaCase> = anySchema.chain((schema) =>
  anyObject(schema).map((object) => ({ schema, object })),
);

upstream.compare<SchemaCase>("reading: pruning, nulls, metadata, defaults", {
  cases: [],
  runs,
  generate: pairs.chain(({ schema, object }) => withMetadata(object).map((odd) => ({ schema, object: odd }))),
  ...reading(compile),
  // Of several faults of an embedded resource upstream tells one, by the chance order of its maps.
  known: (_input, ours, theirs) =>
    [ours, theirs].every((one) => /: Invalid value: /.test(String((one as JsonObject).fault))),
});

upstream.compare<SchemaCase>("validation at creation", {
  cases: [],
  runs,
  generate: pairs,
  ...validation(compile),
});

/** Upstream takes fields whose names hold `__` for equal (unstructuredMap.Equal looks for them by the wrong name). */
const comparesUnderscores = (input: SchemaCase): boolean => {
  const text = JSON.stringify(input);
  return text.includes("__proto__") && text.includes("== oldSelf");
};

upstream.compare<SchemaCase>("validation of updates, with what is ratcheted", {
  // Values that do not have the type of their schema, and stay because they did not change, are seen at other moments.
  known: (input, ours, theirs) =>
    comparesUnderscores(input) || /invalid data|Invalid date|unhashable/.test(JSON.stringify([ours, theirs])),
  cases: [],
  runs,
  generate: anySchema.chain((schema) =>
    fc
      .tuple(anyObject(schema), anyObject(schema), fc.boolean())
      .chain(([object, other, status]) =>
        withinObject(object, other).map((next) => ({ schema, object: next, old: object, status })),
      ),
  ),
  ...validation(compile),
});

upstream.compare<{ format: string; text: string }>("formats", {
  cases: formatTexts,
  generate: fc.record({
    format: fc.constantFrom(...formats),
    text: fc.oneof(
      fc.constantFrom(...formatTexts.map(({ text }) => text)),
      fc.string({ maxLength: 20 }),
      fc
        .tuple(
          fc.constantFrom(...formatTexts.map(({ text }) => text)),
          fc.nat(30),
          fc.string({ maxLength: 2 }),
        )
        .map(([text, at, more]) => text.slice(0, at) + more + text.slice(at + 1)),
    ),
  }),
  ours: ({ format, text }) => formatCheck(format)?.(text) ?? true,
  async theirs(oracle, { format, text }) {
    const crd = definitionOf({ type: "object", properties: { spec: { type: "string", format } } });
    const object = { apiVersion: "example.com/v1", kind: "Foo", metadata: { name: "x" }, spec: text };
    const answer = await oracle.ask("cr.validate", { crd, object });
    return errorTexts((answer as JsonObject).errors!).length === 0;
  },
});

upstream.compare<DefinitionCase>("definitions", {
  cases: [],
  runs,
  generate: fc
    .tuple(brokenSchema, fc.option(brokenSchema, { nil: undefined }), fc.boolean())
    .map(([schema, old, status]) => ({
      definition: definitionOf(schema, status ? { subresources: { status: {} } } : {}),
      ...(old === undefined ? {} : { old: definitionOf(old) }),
    })),
  ...definitions(context),
});

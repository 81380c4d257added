/** Custom schemas and definitions compared with upstream's: `cr.*` and `crd.validate` of the oracle. */
import fc from "fast-check";
import { loadCatalogue } from "#api/catalogue.ts";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import { formatCheck } from "#machinery/structural/formats/formats.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { OracleError } from "#machinery/testing/oracle.ts";
import { customResourceDefinitionErrors } from "./definition.ts";
import { brokenSchema } from "./testing/broken.ts";
import { formats, formatTexts } from "./testing/format-samples.ts";
import { anyObject, withinObject, withMetadata } from "./testing/objects.ts";
import { anySchema } from "./testing/schemas.ts";

const upstream = likeUpstream();
/** Everyday; MYRIAD_ORACLE_CASES=10000 takes a minute for each. */
const runs = 1_500;
const context = {
  objectMeta: new TypeCompiler(loadCatalogue()).compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
  patterns: new PatternCache(),
};

const definitionOf = (schema: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "foos.example.com", resourceVersion: "1" },
  spec: {
    group: "example.com",
    scope: "Cluster",
    names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
    conversion: { strategy: "None" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
  },
  status: { storedVersions: ["v1"] },
});

interface Case {
  readonly schema: JsonObject;
  readonly object: JsonObject;
  readonly old?: JsonObject | undefined;
  readonly status?: boolean;
}

const compile = (schema: JsonObject): ReturnType<typeof compileCustomSchema> =>
  compileCustomSchema(schema, context);

const pairs: fc.Arbitrary<Case> = anySchema.chain((schema) =>
  anyObject(schema).map((object) => ({ schema, object })),
);

upstream.compare<Case>("reading: pruning, nulls, metadata, defaults", {
  cases: [],
  runs,
  generate: pairs.chain(({ schema, object }) => withMetadata(object).map((odd) => ({ schema, object: odd }))),
  ours({ schema, object }) {
    const compiled = compile(schema);
    try {
      const copy = cloneJson(object);
      const unknown = compiled.prune(copy);
      compiled.applyDefaults(copy);
      return { object: copy, unknown: [...unknown].sort() };
    } catch (error) {
      if (error instanceof DecodeError) return { fault: error.message };
      throw error;
    }
  },
  async theirs(oracle, { schema, object }) {
    try {
      const told = (await oracle.ask("cr.decode", { crd: definitionOf(schema), object })) as JsonObject;
      return { object: told.object, unknown: ((told.unknown ?? []) as string[]).sort() };
    } catch (error) {
      if (error instanceof OracleError) return { fault: error.message };
      throw error;
    }
  },
  // Of several faults of an embedded resource upstream tells one, by the chance order of its maps.
  known: (_input, ours, theirs) =>
    [ours, theirs].every((one) => /: Invalid value: /.test(String((one as JsonObject).fault))),
});

const texts = (value: JsonValue): string[] =>
  (value as JsonObject[]).map((error) => String(error.text)).sort();

const validation = {
  ours({ schema, object, old, status = false }: Case): string[] {
    const compiled = compile(schema);
    const errors =
      status && old !== undefined ? compiled.validateStatus(object, old) : compiled.validate(object, old);
    return [...errors, ...compiled.validateRules(object, old, errors)].map(fieldErrorText).sort();
  },
  async theirs(
    oracle: { ask(op: string, args: unknown): Promise<JsonValue> },
    { schema, object, old, status = false }: Case,
  ): Promise<string[]> {
    const crd = definitionOf(schema, { subresources: { status: {} } });
    const answer = await oracle.ask("cr.validate", {
      crd,
      object,
      status,
      ...(old === undefined ? {} : { old }),
    });
    return texts((answer as JsonObject).errors!);
  },
};

upstream.compare<Case>("validation at creation", { cases: [], runs, generate: pairs, ...validation });

/** Upstream takes fields whose names hold `__` for equal (unstructuredMap.Equal looks for them by the wrong name). */
const comparesUnderscores = (input: Case): boolean => {
  const text = JSON.stringify(input);
  return text.includes("__proto__") && text.includes("== oldSelf");
};

upstream.compare<Case>("validation of updates, with what is ratcheted", {
  // Values that do not have the type of their schema, and stay because they did not change, are seen at other moments.
  known: (input, ours, theirs) =>
    comparesUnderscores(input) ||
    /invalid data|Invalid date-time|unhashable/.test(JSON.stringify([ours, theirs])),
  cases: [],
  runs,
  generate: anySchema.chain((schema) =>
    fc
      .tuple(anyObject(schema), anyObject(schema), fc.boolean())
      .chain(([object, other, status]) =>
        withinObject(object, other).map((next) => ({ schema, object: next, old: object, status })),
      ),
  ),
  ...validation,
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
    return texts((answer as JsonObject).errors!).length === 0;
  },
});

const decode = new TypeCompiler(loadCatalogue()).compile(
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
);

interface DefinitionCase {
  readonly definition: JsonObject;
  readonly old?: JsonObject | undefined;
}

upstream.compare<DefinitionCase>("definitions", {
  cases: [],
  runs,
  generate: fc
    .tuple(brokenSchema, fc.option(brokenSchema, { nil: undefined }), fc.boolean())
    .map(([schema, old, status]) => ({
      definition: definitionOf(schema, status ? { subresources: { status: {} } } : {}),
      ...(old === undefined ? {} : { old: definitionOf(old) }),
    })),
  ours({ definition, old }) {
    const read = (json: JsonObject): KubeObject => decode.decode(json).value as unknown as KubeObject;
    const before = old === undefined ? undefined : read(old);
    return customResourceDefinitionErrors(read(definition), before, context).map(fieldErrorText).sort();
  },
  async theirs(oracle, { definition, old }) {
    const asked = { crd: definition, ...(old === undefined ? {} : { old }) };
    const answer = await oracle.ask("crd.validate", asked).catch((error: unknown) => {
      if (error instanceof OracleError && error.message.startsWith("oracle: panic")) return undefined;
      throw error;
    });
    if (answer === undefined) return "panic";
    const told = texts((answer as JsonObject).errors!);
    // Upstream names the type of the value after the clock.
    return told.map((text) => text.replaceAll(/selfType[0-9]+/g, "selfType")).sort();
  },
  // A type that does not exist keeps rules further inside from being looked at, or upstream panics over them; of several faults of an
  // embedded resource it tells one.
  known: (input, ours, theirs) =>
    theirs === "panic" ||
    /"type":"(text|null)"/.test(JSON.stringify(input)) ||
    [ours, theirs].every((all) => /must be a string|cannot unmarshal|parsing time/.test(JSON.stringify(all))),
});

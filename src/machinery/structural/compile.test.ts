import assert from "node:assert/strict";
import { test } from "node:test";
import { type FieldError, fieldErrorText } from "#machinery/errors/field-error.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { compileCustomSchema } from "./compile.ts";
import type { CompiledCustomSchema } from "./custom-schema.ts";
import { Recorder, reading, type SchemaCase, validation } from "./testing/upstream.ts";
import { objectMeta } from "./testing.ts";

const recorder = new Recorder();
const compile = (schema: JsonObject): CompiledCustomSchema => compileCustomSchema(schema, { objectMeta });

/** A compiled schema whose `spec` is the given one. */
const ofSpec = (spec: JsonValue, more: JsonObject = {}): CompiledCustomSchema => {
  const schema: JsonObject = { type: "object", properties: { spec, ...more } };
  return recorder.recording(schema, compile(schema));
};

const custom = (spec: JsonValue, more: JsonObject = {}): JsonObject => ({
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: { name: "x" },
  spec,
  ...more,
});

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorText);

test("unknown fields are removed and told by their paths", () => {
  const schema = ofSpec({
    type: "object",
    properties: {
      a: { type: "string" },
      list: { type: "array", items: { type: "object", properties: { b: { type: "string" } } } },
      map: { type: "object", additionalProperties: { type: "object" } },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      nested: {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        properties: { known: { type: "object", properties: { a: { type: "string" } } } },
      },
    },
  });
  const object = custom(
    {
      a: "x",
      zzz: 1,
      list: [{ b: "x", c: 1 }],
      map: { k: { gone: 1 } },
      free: { any: { thing: 1 } },
      nested: { other: 1, known: { a: "x", b: 2 } },
    },
    { status: 3, metadata: { name: "x", foo: 1, labels: { a: "b" } } },
  );
  assert.deepEqual(schema.prune(object), [
    "metadata.foo",
    "spec.list[0].c",
    "spec.map.k.gone",
    "spec.nested.known.b",
    "spec.zzz",
    "status",
  ]);
  assert.deepEqual(object, {
    apiVersion: "example.com/v1",
    kind: "Foo",
    metadata: { name: "x", labels: { a: "b" } },
    spec: {
      a: "x",
      list: [{ b: "x" }],
      map: { k: {} },
      free: { any: { thing: 1 } },
      nested: { other: 1, known: { a: "x" } },
    },
  });
  assert.deepEqual(schema.prune(object), []);
});

test("decoding leaves its input alone and puts the metadata first", () => {
  const schema = ofSpec({ type: "object", properties: { a: { type: "string" } } });
  const input: JsonObject = {
    spec: { a: "x", b: 1 },
    metadata: { name: "x", annotations: {} },
    kind: "Foo",
    apiVersion: "e/v1",
  };
  const before = structuredClone(input);
  const { value, unknownFields } = schema.decode(input);
  assert.deepEqual(input, before);
  assert.deepEqual(unknownFields, ['unknown field "spec.b"']);
  assert.equal(
    JSON.stringify(value),
    '{"apiVersion":"e/v1","kind":"Foo","metadata":{"name":"x"},"spec":{"a":"x"}}',
  );
});

test("nulls: kept where nullable, replaced where defaulted, removed elsewhere", () => {
  const schema = ofSpec({
    type: "object",
    properties: {
      nullable: { type: "string", nullable: true, default: "d" },
      defaulted: { type: "string", default: "d" },
      plain: { type: "string" },
      missing: { type: "object", default: {}, properties: { inner: { type: "integer", default: 3 } } },
    },
  });
  const object = custom({ nullable: null, defaulted: null, plain: null });
  assert.deepEqual(schema.prune(object), []);
  assert.deepEqual(object.spec, { nullable: null, defaulted: null });
  schema.applyDefaults(object);
  assert.deepEqual(object.spec, { nullable: null, defaulted: "d", missing: { inner: 3 } });
  assert.deepEqual(texts(schema.validate(object)), []);
});

test("validation speaks as upstream does", () => {
  const schema = ofSpec({
    type: "object",
    required: ["replicas"],
    properties: {
      replicas: { type: "integer", maximum: 10, minimum: 1 },
      phase: { type: "string", enum: ["a", "b"] },
      name: { type: "string", maxLength: 3, pattern: "^[a-z]+$" },
      short: { type: "string", minLength: 2 },
      items: { type: "array", maxItems: 1, items: { type: "string" } },
      port: { "x-kubernetes-int-or-string": true },
      id: { type: "string", format: "uuid" },
      ratio: { type: "number", multipleOf: 0.5, exclusiveMaximum: true, maximum: 3 },
      small: { type: "integer", format: "int32" },
      map: { type: "object", maxProperties: 1, additionalProperties: { type: "boolean" } },
    },
  });
  assert.deepEqual(
    texts(
      schema.validate(
        custom({
          replicas: 11,
          phase: "x",
          name: "abcd",
          short: "é",
          items: ["a", 1],
          port: true,
          id: "no",
          ratio: 3.25,
          small: 2147483648,
          map: { a: true, b: "x" },
        }),
      ),
    ),
    [
      "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10",
      'spec.phase: Unsupported value: "x": supported values: "a", "b"',
      "spec.name: Too long: may not be more than 3 bytes",
      'spec.short: Invalid value: "é": spec.short in body should be at least 2 chars long',
      'spec.items[1]: Invalid value: "integer": spec.items[1] in body must be of type string: "integer"',
      "spec.items: Too many: 2: must have at most 1 item",
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
      'spec.id: Invalid value: "no": spec.id in body must be of type uuid: "no"',
      "spec.ratio: Invalid value: 3.25: spec.ratio in body should be a multiple of 0.5",
      "spec.ratio: Invalid value: 3.25: spec.ratio in body should be less than 3",
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.small',
      "spec.map: Too many: 2: must have at most 1 item",
      'spec.map.b: Invalid value: "string": spec.map.b in body must be of type boolean: "string"',
    ],
  );
  assert.deepEqual(texts(schema.validate(custom({}))), ["spec.replicas: Required value"]);
});

test("combinations tell the errors of the best branch", () => {
  const schema = ofSpec({
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    oneOf: [{ required: ["a"] }, { required: ["b"] }],
  });
  assert.deepEqual(texts(schema.validate(custom({}))), [
    '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid',
    "spec.a: Required value",
  ]);
  assert.deepEqual(texts(schema.validate(custom({ a: "", b: "" }))), [
    '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ]);
  assert.deepEqual(texts(schema.validate(custom({ a: "" }))), []);
});

test("what has not changed is not held against the schema again", () => {
  const schema = ofSpec({
    type: "object",
    properties: {
      a: { type: "string", maxLength: 1 },
      b: { type: "string" },
      list: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: {
          type: "object",
          properties: { name: { type: "string" }, value: { type: "string", maxLength: 1 } },
        },
      },
    },
  });
  const old = custom({ a: "long", b: "x", list: [{ name: "n", value: "long" }] });
  const moved = custom({
    a: "long",
    b: "y",
    list: [
      { name: "m", value: "also long" },
      { name: "n", value: "long" },
    ],
  });
  assert.deepEqual(texts(schema.validate(moved, old)), [
    "spec.list[0].value: Too long: may not be more than 1 byte",
  ]);
  assert.deepEqual(texts(schema.validate(custom({ a: "longer" }), old)), [
    "spec.a: Too long: may not be more than 1 byte",
  ]);
});

test("lists of type set and map have no duplicates, unless they had before", () => {
  const schema = ofSpec({
    type: "object",
    properties: {
      set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
      map: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["a", "b"],
        items: { type: "object", properties: { a: { type: "string" }, b: { type: "integer" } } },
      },
    },
  });
  const bad = custom({
    set: ["x", "y", "x", "x"],
    map: [{ a: "x", b: 1 }, { a: "x" }, { a: "x", b: 1 }, {}, {}],
  });
  assert.deepEqual(texts(schema.validate(bad)), [
    'spec.set[2]: Duplicate value: "x"',
    'spec.map[2]: Duplicate value: {"a":"x","b":1}',
    "spec.map[4]: Duplicate value: {}",
  ]);
  assert.deepEqual(texts(schema.validate(bad, bad)), []);
});

test("embedded resources have metadata of their own", () => {
  const schema = ofSpec({
    type: "object",
    properties: {
      template: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
  });
  const object = custom({
    template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", foo: 1 }, spec: {} },
  });
  assert.deepEqual(schema.prune(object), ["spec.template.metadata.foo"]);
  assert.deepEqual(object.spec, {
    template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: {} },
  });
  assert.throws(() => schema.prune(custom({ template: { apiVersion: 1 } })), {
    message: "spec.template.apiVersion: Invalid value: 1: must be a string",
  });
  assert.deepEqual(texts(schema.validate(custom({ template: { kind: "a b", metadata: { name: "a/b" } } }))), [
    "spec.template.apiVersion: Required value",
    "spec.template.kind: Invalid value: \"a b\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    "spec.template.metadata.name: Invalid value: \"a/b\": may not contain '/'",
  ]);
});

test("metadata of the wrong type is refused, and dropped from what was stored", () => {
  const schema = ofSpec({ type: "object" });
  const broken = (): JsonObject => custom({}, { metadata: { name: "x", labels: { a: 1 } } });
  assert.throws(() => schema.prune(broken()), {
    message: "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
  });
  const object = broken();
  schema.prune(object, { dropInvalidMetadata: true });
  assert.deepEqual(object.metadata, { name: "x" });
});

test("a write to the status looks at nothing else", () => {
  const schema = ofSpec(
    { type: "object", required: ["a"] },
    {
      status: { type: "object", properties: { phase: { type: "string", enum: ["up"] } } },
    },
  );
  const old = custom({}, { status: { phase: "odd" } });
  assert.deepEqual(texts(schema.validateStatus(custom({}, { status: { phase: "up" } }), old)), []);
  assert.deepEqual(texts(schema.validateStatus(old, old)), []);
  assert.deepEqual(texts(schema.validateStatus(custom({}, { status: { phase: "down" } }), old)), [
    'status.phase: Unsupported value: "down": supported values: "up"',
  ]);
});

// What the tests above have asked, upstream is asked too.
const upstream = likeUpstream();
upstream.compare<SchemaCase>("reading, by hand", { cases: recorder.read, ...reading(compile) });
upstream.compare<SchemaCase>("validation, by hand", { cases: recorder.validated, ...validation(compile) });

/** Schemas in CustomResourceDefinitions, where a boolean, a list or texts may stand instead of a schema. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { loadCatalogue } from "./catalogue.ts";

const name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
const catalogue = loadCatalogue();
const type = new TypeCompiler(catalogue).compile(name);
const codec = new ProtobufCodec(catalogue);

const decoded = (value: JsonObject): JsonValue => type.decode(value).value;

describe("schemas in definitions", () => {
  it("are read at any depth: unknown and empty keywords are dropped, and nothing is said of them", () => {
    const inner = { type: "string", unknown: 1, nullable: false, required: [] };
    const { value, unknownFields } = type.decode({
      items: { additionalProperties: inner },
      dependencies: { a: ["b"], c: inner },
      additionalItems: false,
      unknown: 1,
    });
    assert.deepEqual(value, {
      items: { additionalProperties: { type: "string" } },
      dependencies: { a: ["b"], c: { type: "string" } },
      additionalItems: false,
    });
    assert.deepEqual(unknownFields, ['unknown field "unknown"']);
  });

  it("refuse what is neither a boolean nor a schema, and keywords of the wrong type below", () => {
    assert.throws(() => decoded({ additionalProperties: [] }), {
      message: "boolean or JSON schema expected",
    });
    assert.throws(() => decoded({ items: { not: { maxLength: "x" } } }), {
      message:
        "json: cannot unmarshal string into Go struct field JSONSchemaProps.items.not.maxLength of type int64",
    });
  });

  it("take what is neither a schema nor a list for nothing", () => {
    assert.deepEqual(decoded({ items: 5, additionalProperties: null }), {});
  });

  it("come back from protobuf", () => {
    const schema = {
      items: [{ type: "string" }, { additionalProperties: true }],
      additionalItems: { items: { type: "integer" } },
      additionalProperties: false,
      dependencies: { a: ["b", "c"], d: { type: "object" } },
      enum: [null, "x", { a: 1 }],
    };
    const bytes = codec.encode(name, decoded(schema) as JsonObject);
    assert.deepEqual(decoded(codec.decode(name, bytes)), schema);
  });
});

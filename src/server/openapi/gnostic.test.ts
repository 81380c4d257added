import assert from "node:assert/strict";
import { test } from "node:test";
import { WireWriter } from "#machinery/codecs/wire-writer.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { type MessageWriter, withProperties } from "./gnostic.ts";
import { documentV2, propertiesV2 } from "./gnostic-v2.ts";
import { documentV3, propertiesV3 } from "./gnostic-v3.ts";

const text = { type: "string" };
const wide = (count: number, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties: {
    ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, text])),
    ...more,
  },
  required: ["f1"],
});

test("schemas written in slices are the bytes of those written at once", () => {
  const schemas: JsonObject[] = [
    text,
    wide(3),
    wide(500),
    wide(1_001),
    wide(2, {
      a: wide(700, { b: { type: "array", items: wide(600, { 7: text, ["__proto__"]: text }) } }),
      z: text,
    }),
    { type: "object", additionalProperties: wide(501), description: "a map" },
    wide(900, { properties: wide(501), items: { type: "array", items: text } }),
  ];
  const bytes = (writer: MessageWriter, document: JsonObject): Buffer => {
    const out = new WireWriter();
    writer(out, document);
    return out.take();
  };
  const sliced = (schema: JsonObject, writer: MessageWriter): JsonObject => {
    const slices = withProperties(schema, writer);
    let step = slices.next();
    while (step.done !== true) step = slices.next();
    return step.value;
  };
  for (const schema of schemas) {
    const before = JSON.stringify(schema);
    const v2 = (a: JsonObject): Buffer => bytes(documentV2, { definitions: { a } });
    const v3 = (a: JsonObject): Buffer => bytes(documentV3, { components: { schemas: { a } } });
    assert.deepEqual(v2(sliced(schema, propertiesV2)), v2(schema));
    assert.deepEqual(v3(sliced(schema, propertiesV3)), v3(schema));
    assert.equal(JSON.stringify(schema), before);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { isCostly as isCostlyText } from "./schema-cost.ts";

const isCostly = (schema: JsonObject): boolean => isCostlyText(Buffer.from(writeJson(schema)));

const fields = (count: number, make: (index: number) => JsonObject): JsonObject => ({
  type: "object",
  properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, make(i)])),
});
const label = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$";

test("schemas as operators have them are not costly", () => {
  assert.equal(isCostlyText(undefined), false);
  assert.equal(isCostly(fields(3_000, () => ({ type: "string", pattern: label, maxLength: 253 }))), false);
  assert.equal(
    isCostly({
      ...fields(100, (i) => ({
        type: "string",
        enum: ["a", "b"],
        default: "a",
        pattern: `^${i}[a-z]{1,63}$`,
      })),
      "x-kubernetes-validations": Array.from({ length: 50 }, (_, i) => ({ rule: `self.f${i} != 'a'` })),
    }),
    false,
  );
});

test("many fields, patterns, repetitions, values or rules are", () => {
  assert.equal(isCostly(fields(11_000, () => ({ type: "string" }))), true);
  const of = (pattern: string): JsonObject => ({ type: "string", pattern });
  assert.equal(isCostly(fields(20, (i) => of(`x{1000}y{${i + 900}}`))), true);
  assert.equal(isCostly(fields(1, () => of("(((ab){10}){10}){100}".repeat(20)))), true);
  assert.equal(
    isCostly({ type: "string", anyOf: Array.from({ length: 5_000 }, (_, i) => of(`pattern-${i}`)) }),
    true,
  );
  assert.equal(isCostly({ type: "string", enum: Array.from({ length: 20_000 }, (_, i) => `e${i}`) }), true);
  assert.equal(
    isCostly({ type: "array", items: { type: "integer" }, default: Array.from({ length: 20_000 }, () => 1) }),
    true,
  );
  assert.equal(
    isCostly({ type: "object", "x-kubernetes-validations": [{ rule: "x".repeat(70_000) }] }),
    true,
  );
});

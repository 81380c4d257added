import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareQuantities, quantityMillis, quantityNanos } from "./quantities.ts";

test("quantities compare by value, whatever their form", () => {
  const rising = [
    "-1",
    "0",
    "1n",
    "1u",
    "1m",
    "0.5",
    "1",
    "1e0k",
    "1e3",
    "1023",
    "1Ki",
    "1M",
    "1Mi",
    "1E",
    "1Ei",
  ];
  const values = rising.filter((text) => quantityNanos(text) !== undefined);
  assert.deepEqual(
    rising.filter((text) => quantityNanos(text) === undefined),
    ["1e0k"],
  );
  for (let i = 1; i < values.length; i++)
    assert.equal(compareQuantities(values[i - 1]!, values[i]!), -1, `${values[i - 1]} < ${values[i]}`);
  for (const [a, b] of [
    ["1000m", "1"],
    ["1k", "1e3"],
    ["0.5Gi", "512Mi"],
    [".5", "500m"],
    ["1.", "1"],
    ["+1", "1"],
  ] as const)
    assert.equal(compareQuantities(a, b), 0, `${a} = ${b}`);
  assert.equal(quantityMillis("1u"), 1n);
  assert.equal(quantityNanos("1e99999999"), undefined);
});

test("comparing agrees with the numbers", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (a, b) => {
      assert.equal(compareQuantities(`${a}m`, `${b}m`), Math.sign(a - b));
      assert.equal(compareQuantities(`${a}`, `${a}000m`), 0);
    }),
  );
});

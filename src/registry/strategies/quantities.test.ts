import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareQuantities, quantityMillis } from "./quantities.ts";

test("quantities compare by value, whatever their form", () => {
  assert.equal(compareQuantities("1000m", "1"), 0);
  assert.equal(compareQuantities("0.5Gi", "512Mi"), 0);
  assert.equal(compareQuantities("1Ki", "1k"), 1);
  assert.equal(compareQuantities("nothing", "0"), 0);
  assert.equal(quantityMillis("1u"), 1n);
  assert.equal(quantityMillis("-1u"), -1n);
  assert.equal(quantityMillis("1.5"), 1_500n);
  assert.equal(quantityMillis("2k"), 2_000_000n);
});

test("comparing agrees with the numbers", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (a, b) => {
      assert.equal(compareQuantities(`${a}m`, `${b}m`), Math.sign(a - b));
      assert.equal(compareQuantities(`${a}`, `${a}000m`), 0);
    }),
  );
});

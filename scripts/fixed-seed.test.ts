import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

test("fast-check knows the seed that every test file is started with", () => {
  const { MYRIAD_SEED: given = "20261126" } = process.env;
  assert.equal(fc.readConfigureGlobal().seed, given === "random" ? undefined : Number(given));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { pooledRandom } from "./random-pool.ts";

test("every portion is its own, and none is handed out twice", () => {
  let counter = 0;
  const random = pooledRandom((target) => {
    for (let i = 0; i + 4 <= target.length; i += 4) target.writeUInt32BE(counter++, i);
  });
  const seen = new Set<string>();
  for (let i = 0; i < 10_000; i++) seen.add(Buffer.from(random(4)).toString("hex"));
  assert.equal(seen.size, 10_000);
  const first = random(16);
  const copy = Buffer.from(first).toString("hex");
  random(16);
  assert.equal(Buffer.from(first).toString("hex"), copy, "later portions do not touch it");
  assert.equal(random(20_000).length, 20_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { find, indexOf } from "./name-index.ts";

const name = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.integer({ min: 0, max: 300 }).map((n) => `field${n}`),
  fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 6 }),
);

test("every name is found at its position, and no other", () => {
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.array(name), (names, others) => {
      const index = indexOf(names);
      for (const one of [...names, ...others]) {
        const at = names.indexOf(one);
        assert.equal(find(index, names, one), at < 0 ? undefined : at);
      }
    }),
    { numRuns: 300 },
  );
});

test("a table is small; names that are too much alike or too many get a Map", () => {
  assert.equal(typeof indexOf(Array.from({ length: 40 }, (_, i) => `field${i}`)), "string");
  // Of 80 characters every tenth is looked at, from the end; only the first ones differ here.
  const alike = Array.from({ length: 20 }, (_, i) => String(i).padStart(9, "0").slice(0, 9).padEnd(80, "y"));
  assert.ok(indexOf(alike) instanceof Map);
  for (const one of alike) assert.equal(alike[find(indexOf(alike), alike, one)!], one);
  assert.ok(indexOf(Array.from({ length: 500 }, (_, i) => `field${i}`)) instanceof Map);
});

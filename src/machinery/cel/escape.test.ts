import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeName, unescapeName } from "./escape.ts";

const part = fc.constantFrom(
  "a",
  "_",
  "__",
  ".",
  "-",
  "/",
  "in",
  "namespace",
  "dot",
  "underscores",
  "0",
  "é",
);
const names = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));

test("identifiers lead back to their properties, and to nothing when no property has them", () => {
  fc.assert(
    fc.property(names, (name) => {
      const identifier = escapeName(name);
      if (identifier !== undefined) assert.equal(unescapeName(identifier), name);
      const property = unescapeName(name);
      if (property !== undefined) assert.equal(escapeName(property), name);
    }),
  );
  assert.equal(unescapeName("__namespace__"), "namespace");
  assert.equal(unescapeName("namespace"), undefined);
  assert.equal(unescapeName("a__dot__b"), "a.b");
  assert.equal(unescapeName("a__b"), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { maxVisited, parseJsonPath } from "./json-path.ts";
import { Made } from "./json-path-values.ts";
import { brokenPaths, pathCases, pathObject } from "./testing/json-paths.ts";

for (const [path, expected] of pathCases) {
  test(`${path} finds ${expected === undefined ? "that it does not fit" : JSON.stringify(expected).slice(0, 60)}`, () => {
    const read = parseJsonPath(path);
    assert.ok(read !== undefined);
    assert.deepEqual(read.find(pathObject), expected);
  });
}

for (const broken of brokenPaths) {
  test(`${broken} is no path`, () => assert.equal(parseJsonPath(broken), undefined));
}

test("the parts of a text are its bytes, and numbers of the path are its own", () => {
  assert.deepEqual(parseJsonPath(".spec.word.*")?.find(pathObject), [
    new Made("uint8", 110),
    new Made("uint8", 195),
    new Made("uint8", 169),
  ]);
  assert.deepEqual(parseJsonPath(".spec 5")?.find(pathObject), [new Made("int", 5)]);
});

test("a path that visits too much finds nothing, and soon", () => {
  const wide = { a: Array.from({ length: 1_000 }, () => "x".repeat(1_000)) };
  assert.equal(parseJsonPath(".a[*].*")?.find(wide), undefined);
  const list = Array.from({ length: maxVisited / 20 }, (_, index) => index);
  assert.equal(parseJsonPath(".a[*]")?.find({ a: list })?.length, list.length);
  assert.equal(parseJsonPath(`.a${"[?(@>0)]".repeat(30)}`)?.find({ a: [list] }), undefined);
});

test("no text makes it throw, and what it finds is there", () => {
  const part = fc.constantFrom(
    ".",
    "..",
    "a",
    "b",
    "[0]",
    "[*]",
    "[?(@.a==1)]",
    "['a']",
    "[",
    "]",
    "*",
    "$",
    "@",
    "\\",
    '"',
    "x:1",
  );
  const path = fc.oneof(
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    fc.string(),
  );
  fc.assert(
    fc.property(path, fc.jsonValue(), (text, value) => {
      const found = parseJsonPath(text)?.find(value as never) ?? [];
      const all = JSON.stringify(value) + text;
      for (const one of found)
        assert.ok(one instanceof Made || typeof one !== "object" || all.includes(JSON.stringify(one)));
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  baseName,
  clusterUrl,
  isValidPath,
  parentPath,
  parseClusterUrl,
  resolvePath,
  rootOf,
} from "./path.ts";

/** From, what is typed, where it leads; a regular expression is an error's text. */
const cases: readonly (readonly [string, string, string | RegExp])[] = [
  ["root:foo", "bar", "root:foo:bar"],
  ["root:foo", "bar:baz", "root:foo:bar:baz"],
  ["root:foo", "bar/baz", "root:foo:bar:baz"],
  ["root:foo", ":root:x", "root:x"],
  ["root:foo", ":system:admin", "system:admin"],
  ["root:foo:bar", "..", "root:foo"],
  ["root:foo:bar:baz", "../..", "root:foo"],
  ["root:foo:bar:baz", "..:..", "root:foo"],
  ["root:foo", "bar:..:bar:baz:..:baz", "root:foo:bar:baz"],
  ["root:foo", ".:bar:.:.:baz:.", "root:foo:bar:baz"],
  ["root", "..", /^invalid workspace path: \.\.$/],
  ["root", "..:..", /^cannot go up from root$/],
  ["root:foo", "ju:nk§", /^invalid workspace path: ju:nk§$/],
  ["root", "Upper", /invalid/],
  ["root", "a::b", /invalid/],
  ["root", ":*", /invalid/],
  ["root", "a?b", /invalid/],
  ["root", "-a", /invalid/],
];
for (const [current, name, expected] of cases) {
  test(`${current} + ${name}`, () => {
    const resolved = resolvePath(current, name);
    if (typeof expected === "string") assert.deepEqual(resolved, { path: expected });
    else assert.match("error" in resolved ? resolved.error : `no error, but ${resolved.path}`, expected);
  });
}

test("server addresses split at /clusters/", () => {
  assert.deepEqual(parseClusterUrl("https://h:6443/clusters/root:a"), {
    base: "https://h:6443",
    path: "root:a",
  });
  assert.deepEqual(parseClusterUrl("https://h/proxy/clusters/root/"), {
    base: "https://h/proxy",
    path: "root",
  });
  assert.deepEqual(parseClusterUrl("https://h/clusters/*"), { base: "https://h", path: "*" });
  for (const bad of ["https://h", "https://h/clusters/", "https://h/clusters/A", "h/clusters/root", ""]) {
    assert.equal(parseClusterUrl(bad), undefined, bad);
  }
  assert.equal(clusterUrl("https://h/", "root"), "https://h/clusters/root");
});

test("parents, names and roots; system: clusters have none above them", () => {
  assert.deepEqual(
    [parentPath("root:a:b"), parentPath("root"), parentPath("system:admin")],
    ["root:a", "", ""],
  );
  assert.deepEqual(
    [baseName("root:a"), baseName("root"), baseName("system:admin")],
    ["a", "root", "system:admin"],
  );
  assert.deepEqual([rootOf("my-root:a:b"), rootOf("system:admin")], ["my-root", "system:admin"]);
});

test("segments are 1 to 63 characters", () => {
  assert.equal(isValidPath("a".repeat(63)), true);
  assert.equal(isValidPath("a".repeat(64)), false);
});

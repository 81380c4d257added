import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJsonPath } from "./json-path.ts";

const object = {
  kind: "Pod",
  metadata: { name: "a", labels: { "app.kubernetes.io/name": "web", x: "1" } },
  spec: {
    ports: [{ name: "http", port: 80 }, { name: "https", port: 443 }, { port: 8080 }],
    on: true,
    none: null,
  },
  status: {
    conditions: [
      { type: "Other", status: "False" },
      { type: "Ready", status: "True", count: 3 },
    ],
  },
};

// What k8s.io/client-go/util/jsonpath finds with missing keys allowed.
const cases: readonly [string, unknown[]][] = [
  [".kind", ["Pod"]],
  // A field without a name, as upstream reads it.
  [".", []],
  ["$.metadata.name", ["a"]],
  ["@.metadata.name", ["a"]],
  [".metadata['name']", ["a"]],
  ['.metadata.labels["app.kubernetes.io/name"]', ["web"]],
  [".metadata.labels.app\\.kubernetes\\.io/name", ["web"]],
  [".metadata.nothing.at.all", []],
  [".spec.ports[0].name", ["http"]],
  [".spec.ports[-1].port", [8080]],
  [".spec.ports[5].port", []],
  [".spec.ports[*].port", [80, 443, 8080]],
  [".spec.ports[0:2].port", [80, 443]],
  [".spec.ports[1:].port", [443, 8080]],
  [".spec.ports[0,2].port", [80, 8080]],
  [".spec.ports[?(@.port==443)].name", ["https"]],
  [".spec.ports[?(@.port>100)].port", [443, 8080]],
  [".spec.ports[?(@.name)].port", [80, 443]],
  ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
  [".status.conditions[?(@.type=='Ready')].count", [3]],
  ['.status.conditions[?(@.type!="Ready")].type', ["Other"]],
  ["..port", [80, 443, 8080]],
  [".spec.on", [true]],
  [".spec.none", [null]],
  [".spec.none.more", []],
  [".spec.ports.name", []],
  [".constructor", []],
  [".__proto__", []],
];

for (const [path, expected] of cases) {
  test(`${path} finds ${JSON.stringify(expected).slice(0, 60)}`, () => {
    assert.deepEqual(parseJsonPath(path)?.find(object), expected);
  });
}

for (const broken of [".a[", ".a]", ".a[?(@.b=]", ".a[b]", "a b", ".a..", ".[x]", ".a['b]"]) {
  test(`${broken} is no path`, () => assert.equal(parseJsonPath(broken), undefined));
}

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
      const all = JSON.stringify(value);
      for (const one of found) assert.ok(all.includes(JSON.stringify(one)));
    }),
  );
});

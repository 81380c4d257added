import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { brokenYaml, yamlCases } from "./testing/yaml-texts.ts";
import { readYaml, writeYaml } from "./yaml.ts";

const read = (text: string): string => JSON.stringify(readYaml(Buffer.from(text)).value);

describe("readYaml", () => {
  // What sigs.k8s.io/yaml YAMLToJSON answers for the same text.
  for (const [yaml, json] of yamlCases) it(JSON.stringify(yaml), () => assert.equal(read(yaml), json));

  it("names duplicate keys when asked; the last one wins", () => {
    const { value, duplicates } = readYaml(Buffer.from("a: 1\na: 2\nb: [{c: 1, c: 2}]"), {
      duplicates: true,
    });
    assert.deepEqual(value, { a: 2, b: [{ c: 2 }] });
    assert.deepEqual(duplicates, ["a", "b[0].c"]);
  });

  it("keeps `__proto__` as a key", () => {
    assert.equal(read("__proto__: {x: 1}"), '{"__proto__":{"x":1}}');
  });

  it("refuses broken text, bombs of aliases, cycles and endless nesting with 400", () => {
    for (const text of brokenYaml) {
      assert.throws(
        () => readYaml(Buffer.from(text)),
        (error: unknown) => error instanceof StatusError && error.code === 400,
        text.slice(0, 20),
      );
    }
  });
});

describe("writeYaml", () => {
  it("sorts keys, quotes what would be read as something else, and does not indent lists", () => {
    const value = { b: "yes", a: [{ x: "1", y: [] }], t: "2020-01-01T00:00:00Z", s: "x\ny\n", n: null };
    assert.equal(
      writeYaml(value),
      'a:\n- x: "1"\n  "y": []\nb: "yes"\n"n": null\ns: |\n  x\n  y\nt: "2020-01-01T00:00:00Z"\n',
    );
  });

  it("is read back as the same value", () => {
    const words = fc.constantFrom(
      "yes",
      "n",
      "~",
      "0777",
      "1e3",
      "<<",
      "=",
      "- a",
      "a: b",
      "#c",
      "1_0",
      "0x1",
      "*a",
      "null",
    );
    const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => !JSON.stringify(json).includes("-0"));
    fc.assert(
      fc.property(fc.oneof(value, fc.dictionary(words, words)), (json) => {
        const back = readYaml(Buffer.from(writeYaml(json as JsonValue))).value;
        // Through text, since integers beyond 2^53 come back as their digits.
        assert.deepEqual(JSON.parse(JSON.stringify(back)), JSON.parse(JSON.stringify(json)));
      }),
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { readYaml, writeYaml } from "./yaml.ts";

const read = (text: string): string => JSON.stringify(readYaml(Buffer.from(text)).value);

describe("readYaml", () => {
  // What sigs.k8s.io/yaml YAMLToJSON answers for the same text.
  const cases: [yaml: string, json: string][] = [
    ["a: yes\nb: on\nc: n\nd: y\ne: Off", '{"a":true,"b":true,"c":false,"d":true,"e":false}'],
    ["a: 0777\nb: 0o17\nc: 0x1F\nd: 0b11\ne: 1_000\nf: +5\ng: -0x10", '{"a":511,"b":15,"c":31,"d":3,"e":1000,"f":5,"g":-16}'],
    ["a: 1.0\nb: 1e3\nc: .5\nd: 1.\ne: -.5e-3", '{"a":1,"b":1000,"c":0.5,"d":1,"e":-0.0005}'],
    ["a: 2020-01-01\nb: 2020-01-01T00:00:00Z\nc: 12:30:45", '{"a":"2020-01-01","b":"2020-01-01T00:00:00Z","c":"12:30:45"}'],
    ["x: &a {k: v}\nw: *a\nz:\n  <<: *a\n  q: 1", '{"x":{"k":"v"},"w":{"k":"v"},"z":{"q":1,"k":"v"}}'],
    ["true: b\n1.5: c", '{"true":"b","1.5":"c"}'],
    ["a: ~\nb: null\nc:\nd: ''", '{"a":null,"b":null,"c":null,"d":""}'],
    ["a: b\n---\nc: d", '{"a":"b"}'],
    ["", "null"],
    ["a: 9223372036854775807\nb: 18446744073709551615", '{"a":9223372036854775807,"b":18446744073709551615}'],
    ["a: 100m\nb: 1Gi\nc: 'yes'", '{"a":"100m","b":"1Gi","c":"yes"}'],
    ["a: !!str 5\nb: !!int '5'", '{"a":"5","b":5}'],
  ]; // biome-ignore format: a table
  for (const [yaml, json] of cases) it(JSON.stringify(yaml), () => assert.equal(read(yaml), json));

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
    let bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (let i = 1; i < 9; i++)
      bomb += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(",")}]\n`;
    const texts = ["a: [1, 2", "a: *b", "a: &x [*x]", "null: a", bomb, "[".repeat(3_000) + "]".repeat(3_000)];
    for (const text of texts) {
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

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cloneJson } from "./clone.ts";
import { jsonEqual } from "./equal.ts";
import { maxJsonDepth } from "./limits.ts";
import { parseJson, readJson } from "./read.ts";
import { JsonSyntaxError } from "./syntax-error.ts";
import { getOwn, isRawNumber, type JsonObject, type JsonValue, rawNumber, setOwn } from "./value.ts";
import { goJson, writeJson, writePrettyJson } from "./write.ts";

const roundTrip = (text: string): string => writeJson(readJson(text));
const duplicates = (text: string): readonly string[] =>
  parseJson(Buffer.from(text), { duplicates: true }).duplicates;

test("int64 survives, and so does everything around it", () => {
  const text =
    '{"max":9223372036854775807,"min":-9223372036854775808,"uint":18446744073709551615,"list":[9007199254740993]}';
  assert.equal(roundTrip(text), text);
  assert.ok(isRawNumber((readJson(text) as JsonObject).max));
  assert.equal(readJson("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.equal(typeof readJson("1000000000000000"), "number", "16 digits, but safe");
});

test("numbers print as Go prints them", () => {
  assert.equal(
    roundTrip("[1.0,1e3,0.1,1e21,1e-7,-0,100000000000000000000]"),
    "[1,1000,0.1,1e+21,1e-7,0,100000000000000000000]",
  );
  assert.equal(roundTrip("123456789012345678901234"), "1.2345678901234569e+23");
});

test("a number that no double holds is refused, not turned into null", () => {
  for (const text of ["1e400", '{"a":[-1E+999]}', "9".repeat(400)]) {
    assert.throws(
      () => readJson(text),
      (error) =>
        error instanceof JsonSyntaxError &&
        error.code === 400 &&
        /cannot unmarshal number/.test(error.message),
    );
  }
  assert.equal(readJson("1e308"), 1e308);
  assert.deepEqual(readJson('{"a":"1e400"}'), { a: "1e400" });
});

test("a very long integer is not kept digit by digit", () => {
  assert.equal(typeof readJson("1".repeat(300)), "number");
});

test("duplicate keys: the last wins, and they are named when asked for", () => {
  const text = '{"metadata":{"name":"a","name":"b"},"list":[{"k":1},{"k":1,"k":2,"\\u006b":3}],"x":1,"x":2}';
  assert.deepEqual(readJson(text), { metadata: { name: "b" }, list: [{ k: 1 }, { k: 3 }], x: 2 });
  assert.deepEqual(duplicates(text), ["metadata.name", "list[1].k", "x"]);
  assert.deepEqual(parseJson(Buffer.from(text)).duplicates, []);
  assert.deepEqual(duplicates('{"a":"x:y","b":"\\":","c":{},"__proto__":{"p":1}}'), []);
  assert.deepEqual(duplicates('{"__proto__":1,"__proto__":2}'), ["__proto__"]);
  const many = `{${Array.from({ length: 300 }, (_, i) => `"k${i}":1,"k${i}":1`).join(",")}}`;
  assert.equal(duplicates(many).length, 100);
});

test("__proto__ and constructor are ordinary keys", () => {
  const value = readJson('{"__proto__":{"polluted":true},"constructor":1,"toString":2}') as JsonObject;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value.polluted, undefined);
  assert.deepEqual(getOwn(value, "__proto__"), { polluted: true });
  const copy = cloneJson(value);
  assert.equal(writeJson(copy), '{"__proto__":{"polluted":true},"constructor":1,"toString":2}');
  assert.equal(copy.polluted, undefined);
  assert.equal(jsonEqual(value, copy), true);
  assert.equal(getOwn({}, "constructor"), undefined);
  assert.equal(jsonEqual({}, readJson('{"__proto__":{}}')), false);
  assert.equal(jsonEqual(readJson('{"toString":1}'), readJson('{"x":1}')), false);
});

test("broken UTF-8 and lone surrogates become U+FFFD", () => {
  assert.equal(parseJson(Buffer.from([0x22, 0x61, 0xff, 0x62, 0x22])).value, "a\ufffdb");
  assert.equal(readJson('"\\ud800"'), "\ufffd");
  assert.equal(readJson('"\\uDC00\\ud83d\\ude42\\ud83d"'), "\ufffd🙂\ufffd");
  assert.equal(readJson('"\\\\ud800"'), "\\ud800");
  assert.deepEqual(readJson('{"\\ud800":1}'), { "\ufffd": 1 });
  assert.equal(writeJson({ a: "\ud800" }), '{"a":"\ufffd"}');
  assert.equal(writeJson({ a: "\\ud800" }), '{"a":"\\\\ud800"}');
  assert.throws(() => parseJson(Buffer.from("\ufeff{}")), JsonSyntaxError);
});

test("nesting is bounded with a 400, and what is taken can be written and copied", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  const deepest = readJson(nested(maxJsonDepth));
  assert.equal(writeJson(cloneJson(deepest)), nested(maxJsonDepth));
  assert.equal(jsonEqual(deepest, cloneJson(deepest)), true);
  for (const depth of [maxJsonDepth + 1, 1_000_000]) {
    assert.throws(
      () => readJson(nested(depth)),
      (error) => error instanceof JsonSyntaxError && error.code === 400 && /max depth/.test(error.message),
    );
  }
  assert.throws(() => readJson('{"a":'.repeat(1_000_000)), JsonSyntaxError);
  assert.equal(typeof readJson(`"${"[".repeat(5_000)}"`), "string");
});

test("syntax errors are told in Go's words", () => {
  const rows: [string, string][] = [
    ["", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ['{"a":1', "unexpected end of JSON input"],
    ['"a', "unexpected end of JSON input"],
    ["[1", "unexpected end of JSON input"],
    ["tru", "invalid character ' ' in literal true (expecting 'e')"],
    ["-", "invalid character ' ' in numeric literal"],
    ["1.", "invalid character ' ' after decimal point in numeric literal"],
    ["1e", "invalid character ' ' in exponent of numeric literal"],
    ['"a\\', "invalid character ' ' in string escape code"],
    ['"\\u00', "invalid character ' ' in \\u hexadecimal character escape"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["é", "invalid character 'Ã' looking for beginning of value"],
    ["{a}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["01", "invalid character '1' after top-level value"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1ex", "invalid character 'x' in exponent of numeric literal"],
    ["nul!", "invalid character '!' in literal null (expecting 'l')"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
  ];
  for (const [text, message] of rows) {
    assert.throws(
      () => readJson(text),
      (error) => error instanceof JsonSyntaxError && error.message === message,
      text,
    );
  }
});

const arbitraryJson = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }) as fc.Arbitrary<JsonValue>;

test("property: what was written reads back equal, without duplicates", () => {
  fc.assert(
    fc.property(arbitraryJson, (value) => {
      const text = writeJson(value);
      const result = parseJson(Buffer.from(text), { duplicates: true });
      assert.deepEqual(result.duplicates, []);
      assert.ok(jsonEqual(result.value, value));
      assert.ok(jsonEqual(cloneJson(value), value));
      assert.deepEqual(readJson(writePrettyJson(value)), result.value);
    }),
  );
});

test("property: the reader takes exactly what JSON.parse takes", () => {
  const noise = fc
    .array(fc.constantFrom(...'{}[]:,"\\ tfn1e-+.0u', '"a"', "true", "null", "12"), { maxLength: 12 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(noise, (text) => {
      let expected: unknown;
      let failed = false;
      try {
        expected = JSON.parse(text);
      } catch {
        failed = true;
      }
      if (failed) {
        assert.throws(
          () => readJson(text),
          (error) => error instanceof JsonSyntaxError && error.message !== "invalid JSON",
        );
      } else assert.deepEqual(readJson(text), expected);
    }),
    { numRuns: 2_000 },
  );
});

test("equality is by content", () => {
  assert.equal(jsonEqual({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }), true);
  assert.equal(jsonEqual({ a: 1 }, { a: 1, b: null }), false);
  assert.equal(jsonEqual([1, 2], [2, 1]), false);
  assert.equal(jsonEqual(null, {}), false);
  assert.equal(jsonEqual([], {}), false);
  assert.equal(
    jsonEqual({ a: undefined as unknown as JsonValue }, { b: undefined as unknown as JsonValue }),
    false,
  );
  assert.equal(jsonEqual(rawNumber("9223372036854775807"), rawNumber("9223372036854775807")), true);
  assert.equal(jsonEqual(rawNumber("9223372036854775807"), rawNumber("9223372036854775806")), false);
  assert.equal(jsonEqual(rawNumber("9223372036854775807"), {}), false);
  assert.equal(jsonEqual(5, rawNumber("5")), true);
  assert.equal(jsonEqual({ "1": "a", b: 1 }, readJson('{"b":1,"1":"a"}')), true);
});

test("setOwn, goJson and pretty printing", () => {
  const target: JsonObject = {};
  setOwn(target, "__proto__", 1);
  assert.deepEqual(Object.keys(target), ["__proto__"]);
  assert.equal(goJson({ a: "<&>\u2028" }), '{"a":"\\u003c\\u0026\\u003e\\u2028"}');
  assert.equal(goJson(undefined), "null");
  assert.equal(writePrettyJson({ a: [1], b: {} }), '{\n  "a": [\n    1\n  ],\n  "b": {}\n}');
});

test("keys with escapes stay themselves, whatever was read before", () => {
  readJson('{"x":0,"a\\\\":{},"z":1}');
  for (const key of ['"', "\n", "\u0001", "\\", "\\n"]) {
    const name = JSON.stringify(`a${key}`);
    const text = `{"x":0, ${name} : {"y":[1,{},"}",[],null,true,-1.5e3,12345678901234567890,"\\""]},"z":1}`;
    assert.deepEqual(Object.keys(readJson(text) as object), ["x", `a${key}`, "z"], text);
    assert.equal(writeJson(readJson(text)), text.replaceAll(" ", "").replace("-1.5e3", "-1500"));
  }
});

test("large text that is no JSON is refused without a second look at it", () => {
  const large = Buffer.from(`{"a":"${"x".repeat(300_000)}"`);
  assert.throws(() => parseJson(large), { message: "invalid JSON" });
});

/** Whatever the text: compiling gives a program or a CelCompileError, evaluating a value or one of the two other errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createCelEnvironment } from "./cel.ts";
import { CelBudgetError, CelCompileError, CelRuntimeError } from "./errors.ts";
import { toCel } from "./schema-typed.ts";
import { dynType } from "./types.ts";
import type { CelValue } from "./values.ts";

const environment = createCelEnvironment({ variables: new Map([["x", dynType]]) });
const x = toCel({ a: [1, "b", null, { c: 1.5 }] }, dynType) as CelValue;

function run(source: string): void {
  try {
    const program = environment.compile(source);
    program.estimateCost();
    program.evaluate(new Map([["x", x]]), { remaining: 10_000, perCall: 10_000 });
  } catch (error) {
    const expected =
      error instanceof CelCompileError || error instanceof CelRuntimeError || error instanceof CelBudgetError;
    if (!expected) throw error;
  }
}

const pieces = fc.constantFrom(
  ..."x . a b ( ) [ ] { } , : ? ! - + * / % < <= == != in && || 1 0x1 2u 1.5 1e9 'a' \"b\" b'c' r'd' true null has all map filter size optional of . type dyn _ ` $ é 😀".split(
    " ",
  ),
  "x.a",
  "'''",
  "\\",
  "\n",
  "x.a.map(y, y)",
  "x.?a",
  "[?x]",
  "self",
  "string(x)",
  ".matches('(')",
);

test("pieces of the language in any order", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 25 }), fc.constantFrom("", " "), (parts, separator) =>
      run(parts.join(separator)),
    ),
    { numRuns: 1_500 },
  );
});

test("any text", () => {
  // Also halves of surrogate pairs, and control characters.
  const unit = fc.oneof(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 0xffff }));
  const text = fc.array(unit, { maxLength: 200 }).map((units) => String.fromCharCode(...units));
  fc.assert(fc.property(text, run), { numRuns: 500 });
});

test("nesting of every kind ends with upstream's limit, not with the stack", () => {
  const deep = 20_000;
  const nested: Readonly<Record<string, string>> = {
    parentheses: `${"(".repeat(deep)}1${")".repeat(deep)}`,
    lists: `${"[".repeat(deep)}1${"]".repeat(deep)}`,
    maps: `${"{1:".repeat(deep)}1${"}".repeat(deep)}`,
    sums: "1+".repeat(deep).concat("1"),
    selections: `x${".a".repeat(deep)}`,
    indexes: `x${"[0]".repeat(deep)}`,
    calls: `${"dyn(".repeat(20_000)}1`,
    conditionals: `${"true?1:".repeat(10_000)}1`,
    comparisons: "1<".repeat(deep).concat("1"),
    macros: `${"x.all(y,".repeat(10_000)}true`,
  };
  for (const [name, source] of Object.entries(nested)) {
    assert.throws(
      () => environment.compile(source),
      (error) => error instanceof CelCompileError && /recursion|depth/.test(error.message),
      name,
    );
  }
});

test("long chains that do not nest are fine", () => {
  run("!".repeat(50_000).concat("true"));
  run("-".repeat(50_000).concat("1"));
  run("true && ".repeat(10_000).concat("true"));
  run(`[${"1,".repeat(40_000)}]`);
  run(`x.a == '${"a".repeat(90_000)}'`);
});

test("an expression has at most 100,000 code points", () => {
  assert.throws(
    () => environment.compile(" ".repeat(100_001)),
    (error) => error instanceof CelCompileError && error.message.includes("code point size exceeds limit"),
  );
});

test("nested macros up to the limit compile and evaluate", () => {
  let source = "true";
  for (let depth = 0; depth < 60; depth++) source = `[1].all(v${depth}, ${source})`;
  run(source);
});

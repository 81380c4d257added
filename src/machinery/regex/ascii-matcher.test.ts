import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { asciiMatcher } from "./ascii-matcher.ts";

const real = [
  "^[a-z0-9-]*$",
  "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
  "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
  "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
  "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  "^(0|(([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?))$",
  "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
  "^$|^[a-z]+$",
  "^(?:[-A-Za-z0-9+/]{0,63})$",
  "a|b",
  "[^/]+",
  "^/",
  "\\d+\\.\\w*",
  "",
  "^.*$",
];

test("real patterns are tables, and answer as RE2 does", () => {
  const texts = [
    "",
    "a",
    "a-1",
    "-",
    "abc.def",
    "10s",
    "1h30m",
    "100Mi",
    "1.5e3",
    "/x",
    "A_b",
    "x\ny",
    "0",
    "5.a",
  ];
  for (const pattern of real) {
    const matches = asciiMatcher(pattern);
    assert.ok(matches, pattern);
    const expected = RE2JS.compile(pattern);
    for (const text of texts) assert.equal(matches(text), expected.test(text), `${pattern} on ${text}`);
  }
});

test("what is not understood, wrong or too large is left to the general engine", () => {
  for (const pattern of [
    ..."(?i)a,\\ba,\\pL,[[:alpha:]],a**,a{2}{3},a{3,2},a{1001},(a{32}){32},(,),[,[],[]a],[b-a],a^b,a$b,é,\\1,\\,a{,2},(?P<n>a),\\Qa".split(
      ",",
    ),
    "(a|b)*a(a|b){12}c",
    "a".repeat(2_000),
  ])
    assert.equal(asciiMatcher(pattern), undefined, pattern);
});

test("texts beyond ASCII are left to the general engine, whatever they begin with", () => {
  assert.equal(asciiMatcher("^a")?.("aé"), undefined);
  assert.equal(asciiMatcher("^a")?.("bé"), undefined);
  assert.equal(asciiMatcher("a")?.("\u{1f600}"), undefined);
});

test("long texts take time in proportion", () => {
  const matches = asciiMatcher("^(a*)*b(a|aa)+$")!;
  assert.equal(matches("a".repeat(1_000_000)), false);
  assert.equal(matches(`b${"a".repeat(1_000_000)}`), true);
});

/** Pieces of patterns, right and wrong, put together at random. */
const piece = fc.constantFrom(
  ..."a b c - . \\. \\- \\d \\w \\s \\S \\D \\W [a-c] [^a-c] [a-] [-a] [a-c-] [\\w-] [\\d.] [^\\s] [a\\]] [\\n\\t] [+--] ( ) (?: | ^ $ * + ? *? +? ?? {2} {1,3} {0,} {2,1} {0} ] } { [ \\/ \\_ \\a \\x41 , _ ! A Z 0 9".split(
    " ",
  ),
);
const patterns = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
  fc.array(piece, { maxLength: 10 }).map((parts) => `^${parts.join("")}$`),
  fc
    .tuple(fc.array(piece, { maxLength: 5 }), fc.array(piece, { maxLength: 5 }))
    .map(([inner, outer]) => `^(${inner.join("")})*${outer.join("")}`),
);
const texts = fc.string({ unit: fc.constantFrom(...Array.from("aabbccAZ09-_.,/! \n\t]{")), maxLength: 12 });

test("random patterns answer as RE2 does, and none is taken that RE2 refuses", () => {
  let tables = 0;
  fc.assert(
    fc.property(patterns, fc.array(texts, { minLength: 5, maxLength: 10 }), (pattern, all) => {
      const matches = asciiMatcher(pattern);
      if (matches === undefined) return;
      tables++;
      const expected = RE2JS.compile(pattern);
      for (const text of all) assert.equal(matches(text), expected.test(text), JSON.stringify(text));
    }),
    { numRuns: Number(process.env.MYRIAD_PATTERN_CASES ?? 3_000) },
  );
  assert.ok(tables > 300, `${tables} tables`);
});

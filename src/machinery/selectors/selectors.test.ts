import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { FieldSelector } from "./fields.ts";
import { type LabelOperator, requirementErrorText } from "./label-requirement.ts";
import { LabelSelector } from "./labels.ts";

const matches = (selector: string, labels: Record<string, string>): boolean =>
  LabelSelector.parse(selector).matches(labels);
const messageOf = (parse: () => unknown): string => {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof StatusError && error.code === 400);
    return error.message;
  }
  return "";
};

test("labels match as upstream says", () => {
  const labels = { app: "web", tier: "a", n: "5", "example.com/x": "" };
  for (const selector of [
    "",
    "app=web",
    "app==web",
    "app!=db",
    "missing!=x",
    "app in (web,db)",
    "tier notin (b)",
    "missing notin (a)",
    "app",
    "!missing",
    "n>4",
    "n<6",
    "app=web,tier=a",
    " app = web , tier in ( a , b ) ",
    "example.com/x",
    "example.com/x=",
    "example.com/x in ()",
    "in!=x",
  ]) {
    assert.equal(matches(selector, labels), true, selector);
  }
  for (const selector of [
    "app=db",
    "app!=web",
    "missing=x",
    "missing in (x)",
    "app notin (web)",
    "missing",
    "!app",
    "n>5",
    "n<5",
    "app>1",
    "missing>1",
    "app=web,tier=b",
  ]) {
    assert.equal(matches(selector, labels), false, selector);
  }
});

test("inherited properties are no labels", () => {
  assert.equal(matches("constructor", {}), false);
  assert.equal(matches("!toString", {}), true);
  assert.equal(matches("constructor=x", JSON.parse('{"constructor":"x"}') as Record<string, string>), true);
  assert.equal(new LabelSelector([]).matches(undefined), true);
});

test("selectors print canonically, and printing is stable", () => {
  const rows: [string, string][] = [
    ["b=1, a in (z,y,z), !c, d", "a in (y,z),b=1,!c,d"],
    ["x==1", "x==1"],
    ["x notin (b,a),y>3,z<2", "x notin (a,b),y>3,z<2"],
    ["x in ()", "x in ()"],
    ["x in (a,)", "x in (,a)"],
    ["x in (,)", "x in ()"],
    ["x=", "x="],
    ["in in (in,notin)", "in in (in,notin)"],
  ];
  for (const [text, expected] of rows) {
    assert.equal(String(LabelSelector.parse(text)), expected);
    assert.equal(String(LabelSelector.parse(expected)), expected);
  }
});

test("syntax errors have upstream's texts", () => {
  const rows: [string, string][] = [
    ["=x", "found '=', expected: !, identifier, or 'end of string'"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["a=b,", "found '', expected: identifier after ','"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ["a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"],
    ["a=!", "unable to parse requirement: found '!', expected: identifier"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    [
      "a>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
  ];
  for (const [text, message] of rows)
    assert.equal(
      messageOf(() => LabelSelector.parse(text)),
      message,
      text,
    );
  assert.match(
    messageOf(() => LabelSelector.parse("a$=b")),
    /^unable to parse requirement: <nil>: Invalid value: "a\$": name part must consist of/,
  );
  assert.match(
    messageOf(() => LabelSelector.parse("a=b$")),
    /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "b\$": a valid label must be/,
  );
});

test("requirements made in code are checked too", () => {
  const text = (operator: LabelOperator, ...values: string[]): string | undefined =>
    requirementErrorText({ key: "k", operator, values });
  assert.equal(
    text("in"),
    "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
  );
  assert.equal(
    text("=", "a", "b"),
    'values: Invalid value: ["a","b"]: exact-match compatibility requires one single value',
  );
  assert.equal(
    text("exists", "a"),
    'values: Invalid value: ["a"]: values set must be empty for exists and does not exist',
  );
  assert.equal(
    text("gt", "9223372036854775808"),
    "values[0]: Invalid value: \"9223372036854775808\": for 'Gt', 'Lt' operators, the value must be an integer",
  );
  assert.equal(text("gt", "1"), undefined);
});

test("exact matches are found", () => {
  assert.equal(LabelSelector.parse("a=1,b in (2),c in (1,2)").requiresExactMatch("b"), "2");
  assert.equal(LabelSelector.parse("a!=1").requiresExactMatch("a"), undefined);
  assert.equal(LabelSelector.parse("").isEmpty, true);
});

test("property: the look at the bytes never refuses what matches", () => {
  const key = fc.constantFrom("a", "b", "example.com/c", "constructor");
  const value = fc.constantFrom("", "1", "2", "x-y.z");
  const labels = fc.dictionary(key, value);
  const operator = fc.constantFrom<LabelOperator>("=", "==", "!=", "in", "notin", "exists", "!", "gt", "lt");
  const requirement = fc
    .tuple(key, operator, fc.uniqueArray(value, { maxLength: 3 }))
    .map(([k, op, values]) => ({ key: k, operator: op, values }));
  let refused = 0;
  fc.assert(
    fc.property(
      labels,
      fc.array(requirement, { maxLength: 3 }),
      fc.string(),
      (owned, requirements, noise) => {
        const selector = new LabelSelector(requirements);
        const bytes = Buffer.from(JSON.stringify({ metadata: { annotations: { noise }, labels: owned } }));
        if (!selector.mayMatchBytes(bytes)) {
          refused++;
          assert.equal(selector.matches(owned), false);
        }
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(refused > 0);
});

test("fields match, unset ones being empty", () => {
  const fields: Record<string, string> = { "metadata.name": "x", "spec.v": "a,b=c\\d" };
  const get = (field: string): string => fields[field] ?? "";
  const run = (text: string): boolean => FieldSelector.parse(text).matches(get);
  for (const text of [
    "",
    "metadata.name=x",
    "metadata.name==x",
    "metadata.name!=y",
    "spec.v=a\\,b\\=c\\\\d",
    "other=",
    "metadata.name=x,other!=z",
    ",,",
  ]) {
    assert.equal(run(text), true, text);
  }
  for (const text of ["metadata.name=y", "metadata.name!=x", "other!="]) assert.equal(run(text), false, text);
});

test("field selectors print, name their fields and refuse bad syntax", () => {
  const selector = FieldSelector.parse("b!=2,a=x\\,y,a!=3");
  assert.equal(String(selector), "a!=3,a=x\\,y,b!=2");
  assert.equal(String(FieldSelector.parse(String(selector))), String(selector));
  assert.deepEqual(selector.fields(), ["a", "b"]);
  assert.equal(selector.requiresExactMatch("a"), "x,y");
  assert.equal(selector.requiresExactMatch("b"), undefined);
  assert.equal(FieldSelector.parse("").isEmpty, true);
  assert.equal(
    messageOf(() => FieldSelector.parse("abc")),
    "invalid selector: 'abc'; can't understand 'abc'",
  );
  assert.equal(
    messageOf(() => FieldSelector.parse("a=b=c")),
    "invalid field selector: unescaped character in value: 61",
  );
  assert.equal(
    messageOf(() => FieldSelector.parse("a=\\x")),
    "invalid field selector: invalid escape sequence: \\x",
  );
  assert.equal(
    messageOf(() => FieldSelector.parse("a=b\\")),
    "invalid field selector: invalid escape sequence: \\",
  );
});

import fc from "fast-check";
import { answered, likeUpstream, outcome } from "#machinery/testing/like-upstream.ts";
import { escapeValue, FieldSelector } from "./fields.ts";
import { LabelSelector } from "./labels.ts";

const upstream = likeUpstream();

type Sets = readonly Readonly<Record<string, string>>[];

// Few names, so that selectors and objects meet.
const keys = ["a", "b", "x/y", "a.b/c", "constructor", "__proto__", "in", "notin", "7", "A_b-c.d"];
const values = [
  "",
  "a",
  "b",
  "1",
  "-1",
  "+1",
  "10",
  "9223372036854775807",
  "9223372036854775808",
  "in",
  "x-",
];
const key = fc.constantFrom(...keys);
const value = fc.constantFrom(...values);
const space = fc.constantFrom("", "", "", " ", "\t", "\n ");
const sets: fc.Arbitrary<Sets> = fc.array(
  fc.array(fc.tuple(key, value), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
  { minLength: 1, maxLength: 3 },
);

const valueList = fc.array(value, { maxLength: 4 }).map((list) => `(${list.join(",")})`);
const goodRequirement = fc.oneof(
  key,
  key.map((name) => `!${name}`),
  fc
    .tuple(key, space, fc.constantFrom("=", "==", "!=", ">", "<"), space, value)
    .map((parts) => parts.join("")),
  fc
    .tuple(key, fc.constantFrom(" in ", " notin ", " in", " notin"), valueList)
    .map((parts) => parts.join("")),
);
const pieces = [...keys, ...values, "=", "==", "!=", "!", ">", "<", "(", ")", ",", " ", "in", "notin", "=!"];
const oddities = [
  "\u0000",
  "é",
  "\u00a0",
  "\ud83d\ude00",
  "'",
  '"',
  "\\",
  "/",
  "//",
  "x".repeat(64),
  "A.B/c",
  "%",
];
const piece = fc.constantFrom(...pieces, ...pieces, ...oddities);
const labelText = fc.oneof(
  fc
    .tuple(fc.array(goodRequirement, { maxLength: 4 }), fc.constantFrom(",", ", ", ",,", " "))
    .map(([list, separator]) => list.join(separator)),
  fc.array(piece, { maxLength: 10 }).map((list) => list.join("")),
  // A good one with something put in somewhere.
  fc
    .tuple(fc.array(goodRequirement, { minLength: 1, maxLength: 3 }), piece, fc.nat(40))
    .map(([list, extra, at]) => {
      const text = list.join(",");
      const place = at % (text.length + 1);
      return text.slice(0, place) + extra + text.slice(place);
    }),
);

interface Case {
  readonly text: string;
  readonly sets: Sets;
}
const plainSets: Sets = [{}, { a: "b" }, { a: "" }, { "x/y": "1", b: "a" }];
const hand = (texts: readonly string[]): Case[] => texts.map((text) => ({ text, sets: plainSets }));

interface Told {
  readonly requirements: readonly { key: string; operator: string; values: readonly string[] }[];
  readonly text: string;
  readonly empty: boolean;
  readonly matches: readonly boolean[];
}

upstream.compare<Case>("label selectors: requirements, texts, matches, errors", {
  cases: hand([
    "",
    ",",
    "a",
    "!a",
    "a=",
    "a==b,",
    "a,,b",
    "a in (b",
    "a in ()",
    "a in (,)",
    "a in (b,,c)",
    "a in (,b",
    "a notin (b, c ,d)",
    "in in (in,notin)",
    "notin",
    "a>1,a<3",
    "a>x",
    "a gt 1",
    "a=b=c",
    "!a=b",
    "!!a",
    "! a",
    "a!b",
    "=a",
    "a in b",
    "a (b)",
    "a=(b)",
    "A/b/c=d",
    "/a",
    "a/",
    "é=1",
    "a=é",
    "a\u0000b",
    `${"a".repeat(64)}=b`,
    `a=${"b".repeat(64)}`,
    `${"a.".repeat(127)}a/b`,
    "a in (b))",
    "a=!b",
    "a=>b",
    "a<>b",
    "a = b , c != d",
  ]),
  generate: fc.record({ text: labelText, sets }),
  ours: ({ text, sets: objects }) =>
    outcome(() => {
      const selector = LabelSelector.parse(text);
      return {
        requirements: selector.requirements.map(({ key: name, operator, values: list }) => ({
          name,
          operator,
          list,
        })),
        text: selector.toString(),
        empty: selector.isEmpty,
        matches: objects.map((labels) => selector.matches(labels)),
      };
    }),
  theirs: (oracle, input) =>
    answered(oracle.ask("labels.parse", input), (told) => {
      const { requirements, text, empty, matches } = told as unknown as Told;
      return {
        requirements: requirements.map(({ key: name, operator, values: list }) => ({ name, operator, list })),
        text,
        empty,
        matches,
      };
    }),
});

const fieldNames = ["metadata.name", "metadata.namespace", "spec.x", "", "a"];
const fieldValues = ["", "a", "b", "a,b", "a=b", "\\", "é", "a b"];
const fieldTerm = fc
  .tuple(fc.constantFrom(...fieldNames), fc.constantFrom("=", "==", "!="), fc.constantFrom(...fieldValues))
  .map(([name, operator, text]) => name + operator + escapeValue(text));
const fieldPieces = fc.constantFrom(
  ...fieldNames,
  ...fieldValues,
  "=",
  "==",
  "!=",
  ",",
  "\\,",
  "\\=",
  "\\\\",
  "\\x",
  "!",
);
const fieldText = fc.oneof(
  fc.array(fieldTerm, { maxLength: 4 }).map((list) => list.join(",")),
  fc.array(fieldPieces, { maxLength: 9 }).map((list) => list.join("")),
);
const fieldSets: fc.Arbitrary<Sets> = fc.array(
  fc
    .array(fc.tuple(fc.constantFrom(...fieldNames), fc.constantFrom(...fieldValues)), { maxLength: 4 })
    .map((pairs) => Object.fromEntries(pairs)),
  { minLength: 1, maxLength: 3 },
);
upstream.compare<Case>("field selectors: terms, texts, matches, errors", {
  cases: hand([
    "",
    "=",
    "a",
    "a=b",
    "a==b",
    "a!=b",
    "a=b,",
    ",a=b",
    "a=\\",
    "a=\\x",
    "a=b=c",
    "a!b",
    "!=",
    "a=b,a=c",
    "b=1,a=2",
  ]),
  generate: fc.record({ text: fieldText, sets: fieldSets }),
  ours: ({ text, sets: objects }) =>
    outcome(() => {
      const selector = FieldSelector.parse(text);
      return {
        requirements: selector.requirements.map(({ field, operator, value: wanted }) => ({
          field,
          operator,
          wanted,
        })),
        text: selector.toString(),
        empty: selector.isEmpty,
        matches: objects.map((fields) => selector.matches((field) => fields[field] ?? "")),
      };
    }),
  theirs: (oracle, input) =>
    answered(oracle.ask("fields.parse", input), (told) => {
      const { requirements, text, empty, matches } = told as unknown as Told;
      return {
        requirements: requirements.map(({ key: field, operator, values: [wanted] }) => ({
          field,
          operator,
          wanted,
        })),
        text,
        empty,
        matches,
      };
    }),
});

import fc from "fast-check";
import { answered, likeUpstream, outcome } from "#machinery/testing/like-upstream.ts";
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  type NameCheck,
  pathSegmentErrors,
} from "./dns.ts";
import { labelValueErrors, qualifiedNameErrors } from "./labels.ts";

const upstream = likeUpstream();

/** Rules that know prefixes, by the oracle's names. */
const rules: Readonly<Record<string, NameCheck>> = {
  subdomain: dns1123SubdomainErrors,
  label: dns1123LabelErrors,
  label1035: dns1035LabelErrors,
  pathSegment: pathSegmentErrors,
  qualifiedName: (name) => qualifiedNameErrors(name),
  labelValue: (name) => labelValueErrors(name),
};

const parts = [
  "a",
  "b7",
  "7",
  "-",
  ".",
  "/",
  "_",
  "A",
  "x-y",
  "é",
  " ",
  "%",
  "..",
  "\n",
  "\ud83d\ude00",
  "a.b",
  "--",
];
const long = fc
  .tuple(
    fc.constantFrom("a", "a.", "-", "é", "A"),
    fc.integer({ min: 55, max: 260 }),
    fc.constantFrom("", "a", "-", "/b"),
  )
  .map(([unit, count, end]) => unit.repeat(count) + end);
const name = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom(...parts), { maxLength: 6 }).map((list) => list.join("")),
  },
  { weight: 1, arbitrary: long },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
);

interface Case {
  readonly rule: string;
  readonly name: string;
  readonly prefix: boolean;
}

const borders = [
  "",
  ".",
  "..",
  "-",
  "a-",
  "--",
  "a--",
  "a.-",
  "a-.",
  "a.b-",
  "A",
  "a/b",
  "a/b/c",
  "/",
  "a/",
  "/a",
  "a%b",
];
const lengths = [62, 63, 64, 252, 253, 254, 1_012, 1_013].map((length) => "a".repeat(length));

upstream.compare<Case>("names, by rule", {
  cases: Object.keys(rules).flatMap((rule) =>
    [...borders, ...lengths].flatMap((text) => [true, false].map((prefix) => ({ rule, name: text, prefix }))),
  ),
  generate: fc.record({ rule: fc.constantFrom(...Object.keys(rules)), name, prefix: fc.boolean() }),
  ours: (input) => outcome(() => [...rules[input.rule]!(input.name, input.prefix)]),
  theirs: (oracle, input) => answered(oracle.ask("names.check", input)),
});

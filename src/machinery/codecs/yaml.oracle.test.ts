/** YAML compared with what sigs.k8s.io/yaml makes of it: `yaml.read` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { brokenYaml, yamlCases } from "./testing/yaml-texts.ts";
import { readYaml } from "./yaml.ts";

const upstream = likeUpstream();

interface Case {
  readonly text: string;
  readonly strict: boolean;
  /** Something was put in somewhere: then two parsers need not agree what is still YAML. */
  readonly spoiled: boolean;
}

/** The value, or that there is none: the words of two parsers for one mistake are not the same (docs/differences.md). */
type Told = { readonly value: unknown } | { readonly refused: true };

const plain = fc.constantFrom(
  ..."a b name 1 -1 0 01 0x1F 0o17 017 089 1.5 1. .5 -.5 1e3 1E+3 +1 1_000 0b11 ~ null Null true True yes no on off y n Y .inf -.Inf .nan".split(
    " ",
  ),
  ..."2001-01-01 2001-01-01T00:00:00Z 1:30 190:20:30 = << 9223372036854775807 9223372036854775808 18446744073709551616 1e400".split(
    " ",
  ),
  ..."é 日本 😀 a:b a#b http://x/y -a".split(" "),
  "a b",
  "a  b",
  "",
);
/** As keys: on one line (two parsers differ otherwise), and none that is a number in quotes (upstream takes one of 1 and '1' by chance). */
const quotedKey = fc.constantFrom(
  "''",
  '""',
  "'it''s'",
  '"a\\nb"',
  "'a: b'",
  '"a # b"',
  '"yes"',
  '"\\x41\\u00e9"',
);
const quoted = fc.constantFrom(
  "''",
  '""',
  "'it''s'",
  '"a\\nb"',
  '"\\x41\\u00e9\\U0001F600"',
  '"\\"\\\\\\/"',
  '"\\_\\N\\0\\e"',
  "'a: b'",
  '"a # b"',
  '"yes"',
  "'1'",
  '"a\n  b"',
  "'a\n\n  b'",
  '"a\\\n  b"',
  '"\\ud83d"',
);
const tagged = fc.constantFrom(
  "!!str 5",
  '!!int "5"',
  "!!float 5",
  "!!bool yes",
  "!!null ''",
  "!!binary YQ==",
  "!!binary é",
  "!foo 5",
  "! 5",
  "!!int x",
  "!!timestamp 2001-01-01",
);
const block = fc.constantFrom(
  "|\n  a\n  b\n",
  ">\n  a\n  b\n\n  c\n",
  "|-\n  a\n",
  "|+\n  a\n\n",
  ">-\n  a\n   b\n  c\n",
  "|2\n   a\n",
  "|\n",
);

const indented = (text: string): string => text.replace(/\n(?=.)/g, "\n  ");

const { node, flow } = fc.letrec<{ node: string; flow: string }>((tie) => ({
  flow: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    plain,
    quoted,
    tagged,
    fc.array(tie("flow"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(fc.oneof(plain, quotedKey), tie("flow")), { maxLength: 3 })
      .map((pairs) => `{${pairs.map(([key, value]) => `${key}: ${value}`).join(", ")}}`),
  ),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    plain.map((text) => ` ${text}\n`),
    quoted.map((text) => ` ${text}\n`),
    tagged.map((text) => ` ${text}\n`),
    block.map((text) => ` ${text}`),
    tie("flow").map((text) => ` ${text}\n`),
    fc.constantFrom(" &a 1\n", " *a\n", " *b\n", " # nothing\n", "\n"),
    fc
      .array(
        fc.tuple(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: quotedKey }), tie("node")),
        { minLength: 1, maxLength: 3 },
      )
      .map((pairs) => `\n${pairs.map(([key, value]) => `  ${key}:${indented(value)}`).join("")}`),
    fc
      .tuple(
        fc.constantFrom("&a", "&b", "!!map"),
        fc.array(fc.tuple(plain, tie("flow")), { minLength: 1, maxLength: 2 }),
      )
      .map(
        ([anchor, pairs]) =>
          ` ${anchor}\n${pairs.map(([key, value]) => `  ${key}: ${indented(value)}\n`).join("")}`,
      ),
    fc
      .array(tie("node"), { minLength: 1, maxLength: 3 })
      .map((items) => `\n${items.map((item) => `  -${indented(item)}`).join("")}`),
    fc.constantFrom("\n  <<: *a\n  x: 1\n", "\n  <<: [*a, *b]\n", "\n  <<: {a: 1, b: 2}\n  a: 3\n"),
  ),
}));

const document = fc.oneof(
  fc
    .array(fc.tuple(fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: quotedKey }), node), {
      minLength: 1,
      maxLength: 4,
    })
    .map((pairs) => pairs.map(([key, value]) => `${key}:${value}`).join("")),
  fc.array(node, { minLength: 1, maxLength: 3 }).map((items) => items.map((item) => `-${item}`).join("")),
  flow.map((text) => `${text}\n`),
);
const framed = fc
  .tuple(
    fc.constantFrom("", "", "", "---\n", "%YAML 1.1\n---\n", "# x\n", "\ufeff", "\n"),
    document,
    fc.constantFrom("", "", "", "...\n", "---\na: 1\n", "# x"),
  )
  .map((parts) => parts.join(""));
const pieces = [
  "\t",
  " ",
  "\n",
  ":",
  ": ",
  "- ",
  "[",
  "]",
  "{",
  "}",
  ",",
  "#",
  "&a ",
  "*a",
  "!",
  "|",
  ">",
  "'",
  '"',
  "%",
  "@",
  "`",
  "?",
  "? ",
  "\u0000",
  "\u0085",
  "\u2028",
  "\r",
  "\r\n",
  "x",
  "---",
  "...",
];
const spoiled = fc
  .tuple(framed, fc.nat(), fc.constantFrom(...pieces), fc.nat(3))
  .map(([text, at, piece, cut]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + piece + text.slice(place + Math.max(0, cut - 1));
  });

function ours({ text, strict }: Case): Told {
  try {
    const { value, duplicates } = readYaml(Buffer.from(text), { duplicates: strict });
    return strict && duplicates.length > 0 ? { refused: true } : { value: JSON.parse(JSON.stringify(value)) };
  } catch (error) {
    if (error instanceof StatusError) return { refused: true };
    throw error;
  }
}

/** Keys such as 1 and 1.0 are one here, and two upstream until one of them is taken, by chance. */
const hasNumericKeys = (text: string): boolean => /(?:^|[\s{,])[-+.]?[0-9][^:]*:/.test(text);

/** What our reader says of keys that are one, side by side: which of them upstream takes is chance. */
function sameKeysIn(text: string): readonly string[] {
  try {
    // Where the one that is not taken is no number in JSON, upstream takes the document.
    const finite = text.replace(/[-+]?\.(?:nan|inf)/gi, "0");
    return readYaml(Buffer.from(finite), { duplicates: true }).duplicates;
  } catch (error) {
    if (error instanceof StatusError) return [];
    throw error;
  }
}

/** Whether only one is refused, or the values of such a key are others. */
function differInSameKeys({ text }: Case, own: Told, told: Told): boolean {
  const same = sameKeysIn(text);
  if (same.length === 0) return false;
  if ("refused" in own !== "refused" in told) return true;
  const others = (of: Told): unknown =>
    JSON.parse(JSON.stringify(of), (key, value) =>
      key !== "" && same.some((told) => told.includes(key)) ? undefined : value,
    );
  return isDeepStrictEqual(others(own), others(told));
}

/** Refused as a body in any case. */
const isNoBody = (told: Told): boolean =>
  "refused" in told || typeof told.value !== "object" || told.value === null || Array.isArray(told.value);

/** Breaks of YAML 1.1 that nobody uses, and a mark of the byte order that is not at the beginning. */
const hasOddBreaks = (text: string): boolean =>
  /[\u0085\u2028\r]/.test(text) || text.lastIndexOf("\ufeff") > 0;

/** A comma in a tag, or a colon before a comma or bracket: where those end is another matter in YAML 1.2. */
const hasOddMarks = (text: string): boolean => /![^\s]*,|:[,[\]{}]/.test(text);

/** Deeper than is read here. */
const isDeep = (text: string): boolean => /\[{1000}/.test(text);

upstream.compare<Case>("YAML", {
  cases: [...yamlCases.map(([text]) => text), ...brokenYaml].flatMap((text) => [
    { text, strict: false, spoiled: false },
    { text, strict: true, spoiled: false },
  ]),
  generate: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ text: framed, strict: fc.boolean(), spoiled: fc.constant(false) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ text: spoiled, strict: fc.boolean(), spoiled: fc.constant(true) }),
    },
  ),
  runs: 2_000,
  ours,
  known: (input, own, told) =>
    (isDeep(input.text) && "refused" in (own as Told)) ||
    differInSameKeys(input, own as Told, told as Told) ||
    (isNoBody(own as Told) && isNoBody(told as Told)) ||
    ("refused" in (own as Told) && hasNumericKeys(input.text)) ||
    (input.spoiled &&
      ("refused" in (own as Told) ||
        "refused" in (told as Told) ||
        hasOddBreaks(input.text) ||
        hasOddMarks(input.text))),
  theirs: (oracle, { text, strict }) =>
    oracle.ask("yaml.read", { text, strict }).then(
      (value): Told => ({ value: JSON.parse(JSON.stringify(value)) }),
      (): Told => ({ refused: true }),
    ),
});

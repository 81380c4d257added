/** Generates expressions for comparison with upstream: mostly well-typed ones over a fixed schema, some that are not. */
import fc from "fast-check";
import type { JsonObject } from "#machinery/json/value.ts";

export const schema: JsonObject = {
  type: "object",
  required: ["a", "s"],
  properties: {
    a: { type: "integer" },
    b: { type: "boolean" },
    d: { type: "number" },
    s: { type: "string", maxLength: 10 },
    t: { type: "string" },
    e: { type: "string", enum: ["x", "yyy"] },
    l: { type: "array", items: { type: "string" } },
    li: { type: "array", maxItems: 5, items: { type: "integer" } },
    ll: {
      type: "array",
      maxItems: 3,
      items: { type: "array", maxItems: 4, items: { type: "string", maxLength: 7 } },
    },
    m: { type: "object", additionalProperties: { type: "integer" } },
    dt: { type: "string", format: "date-time" },
    da: { type: "string", format: "date" },
    du: { type: "string", format: "duration" },
    by: { type: "string", format: "byte", maxLength: 20 },
    ios: { "x-kubernetes-int-or-string": true },
    n: { type: "string", nullable: true },
    o: {
      type: "object",
      properties: { p: { type: "string" }, "q-r": { type: "integer" }, namespace: { type: "string" } },
    },
    lo: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: {
        type: "object",
        required: ["k"],
        properties: { k: { type: "string" }, v: { type: "integer" } },
      },
    },
    ls: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
  },
};

export const values: readonly JsonObject[] = [
  {
    a: 3,
    b: true,
    d: 1.5,
    s: "héllo",
    t: "abc def",
    e: "x",
    l: ["x", "yy"],
    li: [3, 1, 2],
    ll: [["a"], ["b", "c"]],
    m: { k: 1 },
    dt: "2020-01-02T03:04:05.678Z",
    da: "2020-02-29",
    du: "1h30m",
    by: "aGk=",
    ios: 5,
    o: { p: "pp", "q-r": 7, namespace: "ns" },
    lo: [
      { k: "a", v: 1 },
      { k: "b", v: 2 },
    ],
    ls: ["u", "v"],
  },
  {
    a: -9007199254740991,
    b: false,
    d: 2,
    s: "",
    t: "1.2.3.4",
    e: "yyy",
    l: [],
    li: [],
    ll: [],
    m: {},
    dt: "2020-01-02T03:04:05+01:00",
    da: "1999-12-31",
    du: "90s",
    by: "",
    ios: "5%",
    n: "😀",
    o: {},
    lo: [{ k: "b", v: 2 }, { k: "a" }],
    ls: ["v", "u"],
  },
];

type Kind =
  | "int"
  | "double"
  | "bool"
  | "string"
  | "bytes"
  | "duration"
  | "timestamp"
  | "ints"
  | "strings"
  | "map"
  | "objects"
  | "optional"
  | "dyn";

const pick = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);

const leaves: Readonly<Record<Kind, fc.Arbitrary<string>>> = {
  int: pick(
    "self.a",
    "1",
    "0",
    "-2",
    "7",
    "self.m.k",
    "self.li[0]",
    "self.o.q__dash__r",
    "9223372036854775807",
    "oldSelf.a",
  ),
  double: pick("self.d", "1.5", "0.0", "-2.25", "1e3"),
  bool: pick("self.b", "true", "false", "has(self.n)", "has(self.o.p)", "has(self.m.k)", "has(self.e)"),
  string: pick(
    "self.s",
    "self.t",
    "self.e",
    "'a'",
    "''",
    "'héé'",
    "'a,b'",
    "self.l[0]",
    "self.o.p",
    "self.o.namespace",
    "self.n",
    "oldSelf.s",
  ),
  bytes: pick("self.by", "b'hi'", "b'\\xff'"),
  duration: pick("self.du", "duration('1m')", "duration('-1.5s')"),
  timestamp: pick("self.dt", "self.da", "timestamp('2021-01-01T00:00:00Z')"),
  ints: pick("self.li", "[1, 2, 3]", "[self.a, 2]", "lists.range(3)"),
  strings: pick("self.l", "self.ls", "['a', 'b']", "[self.s]", "self.ll[0]", "oldSelf.ls"),
  map: pick("self.m", "{'k': 1}", "{'x': self.a}", "oldSelf.m"),
  objects: pick("self.lo", "oldSelf.lo", "self.lo.filter(q, q.k == 'a')"),
  optional: pick("self.?n", "self.m[?'k']", "self.o.?p", "optional.none()", "optional.of(1)", "self.l[?1]"),
  dyn: pick(
    "self.ios",
    "dyn(1)",
    "dyn('a')",
    "dyn(self.l)",
    "dyn(self)",
    "dyn(null)",
    "dyn(1.5)",
    "dyn({'a': 1})",
    "dyn(2u)",
  ),
};

/** Ways to make a kind: `$kind` stands for an expression of that kind, `~` for a variable of a macro. */
const forms: Readonly<Record<Kind, readonly string[]>> = {
  int: [
    "$int + $int",
    "$int - $int",
    "$int * $int",
    "$int / $int",
    "$int % $int",
    "-$int",
    "size($string)",
    "$strings.size()",
    "$ints.sum()",
    "$ints.max()",
    "$ints.min()",
    "$string.indexOf($string)",
    "$strings.indexOf($string)",
    "$map[$string]",
    "$bool ? $int : $int",
    "int($double)",
    "int($string)",
    "$timestamp.getFullYear()",
    "$duration.getMinutes()",
    "$ints[$int]",
    "$map.size()",
    "$string.lastIndexOf($string)",
    "$ints.map(~, ~ + 1)[0]",
    "$objects[0].v",
    "int($timestamp)",
    "$bytes.size()",
    "$timestamp.getHours('Europe/Berlin')",
    "self.m[?$string].orValue($int)",
    "$ints.lastIndexOf($int)",
  ],
  double: [
    "$double + $double",
    "$double * $double",
    "$double / $double",
    "double($int)",
    "double($string)",
    "-$double",
    "$bool ? $double : $double",
  ],
  bool: [
    "$int == $int",
    "$int < $int",
    "$int >= $int",
    "$double < $int",
    "$double == $double",
    "$string == $string",
    "$string != $string",
    "$string < $string",
    "$bool && $bool",
    "$bool || $bool",
    "!$bool",
    "$bool ? $bool : $bool",
    "$string.startsWith($string)",
    "$string.contains($string)",
    "$string.endsWith($string)",
    "$string.matches('^[a-z]+$')",
    "$string.matches($string)",
    "$strings.all(~, ~ == $string)",
    "$strings.exists(~, ~.size() > $int)",
    "$ints.all(~, ~ > $int)",
    "$ints.exists(~, ~ / $int == 1)",
    "$ints.exists_one(~, ~ == $int)",
    "$map.all(~, self.m[~] > $int)",
    "$map.exists(~, _~, _~ > $int)",
    "$string in $strings",
    "$string in ['x', 'y']",
    "$int in $ints",
    "$int in [1, 2]",
    "$string in $map",
    "$duration > $duration",
    "$timestamp < $timestamp",
    "$ints == $ints",
    "$strings == $strings",
    "$map == $map",
    "$objects == $objects",
    "$bytes == $bytes",
    "$dyn == $dyn",
    "$ints.isSorted()",
    "sets.contains($ints, $ints)",
    "sets.intersects($strings, $strings)",
    "$optional.hasValue()",
    "isQuantity($string)",
    "isIP($string)",
    "isURL($string)",
    "type($dyn) == int",
    "$dyn == $int",
    "$bool == $bool",
    "self == oldSelf",
    "self.o == oldSelf.o",
    "$objects.all(~, ~.k.size() < $int)",
    "$objects.exists(~, has(~.v) && ~.v == $int)",
    "$bytes < $bytes",
    "$strings.isSorted()",
    "isSemver($string)",
    "$strings.all(~, _~, _~.size() > ~)",
  ],
  string: [
    "$string + $string",
    "$bool ? $string : $string",
    "$string.lowerAscii()",
    "$string.upperAscii()",
    "$string.trim()",
    "string($int)",
    "string($double)",
    "string($bool)",
    "string($duration)",
    "string($timestamp)",
    "string($bytes)",
    "$strings.join($string)",
    "$strings.join()",
    "$string.replace($string, $string)",
    "$string.substring($int)",
    "$string.charAt($int)",
    "$string.find('[a-z]+')",
    "$string.split($string)[0]",
    "'%s %d'.format([$string, $int])",
    "'%.2f|%s'.format([$double, $strings])",
    "$strings[$int]",
    "$objects.map(~, ~.k)[0]",
    "self.?n.orValue($string)",
    "strings.quote($string)",
    "$string.substring($int, $int)",
    "$strings.max()",
    "'%s'.format([$map])",
    "$string.replace($string, $string, $int)",
  ],
  bytes: ["bytes($string)", "$bytes + $bytes"],
  duration: [
    "$duration + $duration",
    "$duration - $duration",
    "$timestamp - $timestamp",
    "duration($string)",
    "-$duration",
  ],
  timestamp: ["$timestamp + $duration", "$timestamp - $duration", "timestamp($int)", "timestamp($string)"],
  ints: [
    "$ints + $ints",
    "$ints.map(~, ~ * $int)",
    "$ints.filter(~, ~ > $int)",
    "$ints.map(~, ~ > $int, ~ + 1)",
    "$ints.sort()",
    "$ints.reverse()",
    "$ints.distinct()",
    "$ints.slice(0, $int)",
    "[$int, $int]",
    "$strings.map(~, ~.size())",
    "$map.map(~, self.m[~])",
    "[[$int], $ints].flatten()",
    "$bool ? $ints : $ints",
    "$map.transformList(~, _~, _~)",
    "$objects.map(~, ~.v)",
    "lists.range($ints.size())",
    "$ints.sortBy(~, -~)",
    "[?optional.of($int), $int]",
    "$ints.transformList(~, _~, _~ > ~, _~ - ~)",
  ],
  strings: [
    "$strings + $strings",
    "$strings.map(~, ~ + $string)",
    "$strings.filter(~, ~ != $string)",
    "$string.split($string)",
    "[$string, $string]",
    "$strings.sort()",
    "$strings.distinct()",
    "$map.map(~, ~)",
    "$objects.map(~, ~.k)",
    "$string.findAll('[a-z]')",
    "$bool ? $strings : $strings",
    "self.ll.map(~, ~.size() > 0, ~[0])",
    "self.ll.flatten()",
    "$strings.sortBy(~, ~.size())",
    "$strings.transformList(~, _~, _~ + string(~))",
  ],
  map: [
    "{$string: $int}",
    "$map.transformMap(~, _~, _~ + $int)",
    "$bool ? $map : $map",
    "$map.transformMapEntry(~, _~, {~ + 'x': _~})",
    "{?'o': self.m[?$string]}",
  ],
  objects: [
    "$objects.filter(~, ~.k != $string)",
    "$bool ? $objects : $objects",
    "$objects + $objects",
    "$objects.sortBy(~, ~.k)",
  ],
  optional: [
    "optional.of($string)",
    "optional.of($int).optMap(~, ~ + $int)",
    "optional.ofNonZeroValue($string)",
    "self.?n.optMap(~, ~ + $string)",
    "$strings.first()",
    "$ints.last()",
    "self.?n.optFlatMap(~, optional.of(~))",
  ],
  dyn: ["dyn($string)", "dyn($int)", "dyn($ints)", "$dyn + $dyn", "$dyn[0]", "$dyn.a", "$dyn ? 1 : 2"],
};

const kinds = Object.keys(leaves) as Kind[];

/** An expression of a kind, at most so deep. Now and then a part has another kind, so that it does not compile. */
function expression(kind: Kind, depth: number): fc.Arbitrary<string> {
  if (depth === 0) return leaves[kind];
  const composed = fc.constantFrom(...forms[kind]).chain((form) => fill(form, depth - 1));
  return fc.oneof({ weight: 2, arbitrary: leaves[kind] }, { weight: 5, arbitrary: composed });
}

function fill(form: string, depth: number): fc.Arbitrary<string> {
  // Variables of nested macros get names of their own by their depth.
  const parts = form
    .replaceAll("_~", `w${depth}`)
    .replaceAll("~", `v${depth}`)
    .split(/(\$[a-z]+)/);
  const arbitraries = parts.map((part) => {
    if (!part.startsWith("$")) return fc.constant(part);
    const kind = part.slice(1) as Kind;
    const right = expression(kind, depth).map((text) => (/^[\w.'"]+$/.test(text) ? text : `(${text})`));
    const wrong = fc.constantFrom(...kinds).chain((other) => leaves[other]);
    return fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: wrong });
  });
  return fc.tuple(...arbitraries).map((texts) => texts.join(""));
}

export const expressions: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...kinds), fc.integer({ min: 1, max: 4 }))
  .chain(([kind, depth]) => expression(kind, depth));

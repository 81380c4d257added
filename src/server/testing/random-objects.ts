import { sampleOf } from "#base/testing/samples.ts";
import { rawNumber } from "#machinery/json/value.ts";
import { deref, type Either, type Schema, type TypeResolver } from "#machinery/schema/types.ts";

/** Chance for tests: the same seed gives the same numbers between 0 and 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: () => number, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)]!;

/** How many cases of bad input are generated: a third of all everyday; times `MYRIAD_BAD_INPUT_TIMES`. */
export const runs = (all: number): number =>
  sampleOf(all, 3) * Number(process.env.MYRIAD_BAD_INPUT_TIMES ?? 1);

/** Values that hardly any schema wants. */
export const strange: readonly unknown[] = [
  null,
  [],
  {},
  0,
  -1,
  1.5,
  1e300,
  true,
  "",
  "x",
  "..",
  "a/b",
  "\u0000",
  "\ud800",
  "😀".repeat(40),
  "x".repeat(5_000),
  [[]],
  [null],
  { a: null },
  { "": "" },
  { __proto__x: {} },
];
/** Values that break what is read, keys that are not what they seem. */
const odd: readonly unknown[] = [
  ...strange,
  "{}",
  "[",
  "(a+)+$",
  "\\",
  "$ref",
  "x".repeat(70_000),
  9e15,
  { __proto__x: { polluted: true } },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
];

/** A copy with one node, or a few, replaced, removed or doubled. */
export function broken(value: unknown, random: () => number, chance: number): unknown {
  if (random() < chance) return pick(random, odd);
  if (Array.isArray(value)) {
    const items = value.map((item) => broken(item, random, chance));
    return random() < chance && items.length > 0 ? [...items, items[0]] : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(() => random() >= chance)
    .map(([key, member]): [string, unknown] => [
      random() < chance
        ? pick(random, ["", "a/b", "toString", "x-kubernetes-foo", "$ref", "not", "nullable"])
        : key,
      broken(member, random, chance),
    ]);
  return Object.fromEntries(entries);
}

const texts = [
  "",
  "a",
  "same",
  "x-1",
  "UPPER",
  "1",
  "10Gi",
  "100%",
  "5m",
  "2026-01-01T00:00:00Z",
  "YWJj",
  "a=b",
  "kubernetes.io/x",
  "-",
  "*",
  "true",
  "😀",
];

/** Some that a double cannot hold: those are no numbers here, but objects with digits. */
const integers: readonly unknown[] = [
  ...[0, 1, -1, 80, 70_000, 2_147_483_647, 2 ** 40],
  rawNumber("4611686018427387905"),
  rawNumber("-4611686018427387905"),
];

/**
 * A value that more or less follows a schema: about one node in `wrongness` is something else altogether. Depth is
 * bounded, so that recursive types end.
 */
export function randomValue(
  schema: Schema,
  types: TypeResolver,
  random: () => number,
  wrongness = 40,
  depth = 0,
): unknown {
  if (random() * wrongness < 1) return pick(random, strange);
  const node = deref(schema, types);
  const inner = (of: Schema): unknown => randomValue(of, types, random, wrongness, depth + 1);
  const few = (): number => (depth > 9 ? 0 : Math.floor(random() * 3));
  switch (node.kind) {
    case "object": {
      const made: Record<string, unknown> = {};
      for (const field of node.fields.values()) {
        const likely = field.required === true ? 0.9 : depth < 3 ? 0.4 : 0.2;
        if (field.inline !== true && depth < 12 && random() < likely) made[field.name] = inner(field.schema);
      }
      return made;
    }
    case "map":
      return Object.fromEntries(
        Array.from({ length: few() }, () => [pick(random, texts), inner(node.values)]),
      );
    case "list":
      return Array.from({ length: few() }, () => inner(node.items));
    case "string":
      return node.enum !== undefined && random() < 0.7 ? pick(random, node.enum) : pick(random, texts);
    case "integer":
      return pick(random, integers);
    case "number":
      return pick(random, [0, 0.5, -3]);
    case "boolean":
      return random() < 0.5;
    default:
      return node.either !== undefined && random() < 0.8
        ? inner(oneOfEither(node.either, random))
        : pick(random, strange);
  }
}

function oneOfEither({ type, or }: Either, random: () => number): Schema {
  const struct: Schema = { kind: "ref", ref: type };
  if (random() < 0.6) return struct;
  if (or === "bool") return { kind: "boolean" };
  return { kind: "list", items: or === "list" ? struct : { kind: "string" } };
}

/** Compared with upstream: compile errors, types, static costs, results, errors and runtime costs. */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { JsonObject } from "#machinery/json/value.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { expressions, schema, values } from "./testing/generate.ts";
import { type CelCase, type CelOutcome, runCase } from "./testing/run.ts";
import { sameButForVariableNumbers } from "./testing/variable-numbers.ts";

const upstream = likeUpstream();

/** Estimates beyond what a double holds are compared as doubles; the type of what fails to become a program does not count. */
function comparable(outcome: CelOutcome): CelOutcome {
  const { type, min, max, ...rest } = outcome;
  const result: CelOutcome = { ...rest };
  if (type !== undefined && outcome.programError === undefined) result.type = type;
  if (min !== undefined) result.min = String(Number(min));
  if (max !== undefined) result.max = String(Number(max));
  return JSON.parse(JSON.stringify(result)) as CelOutcome;
}

/** An expression, and which of the values it sees. */
interface Case {
  readonly expression: string;
  readonly index: number;
}

const requestOf = ({ expression, index }: Case): CelCase => ({
  expression,
  schema,
  self: values[index]!,
  oldSelf: values[(index + 1) % values.length]!,
});

const handMade = readFileSync(new URL("./testing/expressions.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.trim() !== "" && !line.startsWith("#"));

/** Where upstream's library panics we answer an error of our own, and lists and maps are no keys of ours (docs/differences.md). */
const isKnown = (ours: unknown, theirs: unknown): boolean =>
  (theirs as CelOutcome).error?.startsWith("internal error: ") === true ||
  (ours as CelOutcome).error === "unsupported key type";

/** The names of an object's fields come in their order, upstream by chance. */
function namesByChance(expression: string, ours: unknown, theirs: unknown): boolean {
  const sorted = (outcome: unknown): unknown => {
    const { value, ...rest } = outcome as { value?: { list?: unknown[] } };
    return { ...rest, list: value?.list?.map((item) => JSON.stringify(item)).sort() };
  };
  return /dyn\((self|oldSelf)\)\./.test(expression) && isDeepStrictEqual(sorted(ours), sorted(theirs));
}

upstream.compare<Case>("expressions", {
  cases: ["", " ", "\n", "\u00a0", "// nothing", ...handMade].flatMap((expression) =>
    values.map((_, index) => ({ expression, index })),
  ),
  generate: fc.record({ expression: expressions, index: fc.integer({ min: 0, max: values.length - 1 }) }),
  ours: (input) => comparable(runCase(requestOf(input))),
  theirs: async (oracle, input) =>
    comparable(
      (await oracle.ask("cel.run", requestOf(input) as unknown as JsonObject)) as unknown as CelOutcome,
    ),
  known: ({ expression }, ours, theirs) =>
    isKnown(ours, theirs) ||
    namesByChance(expression, ours, theirs) ||
    sameButForVariableNumbers(ours, theirs),
});

/**
 * Differential tests: the same cases for our code and for upstream's. Cases are generated from a seed that is printed;
 * MYRIAD_ORACLE_SEED and MYRIAD_ORACLE_CASES choose another one and more of them.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { sampleOf } from "#base/testing/samples.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { type Oracle, OracleError, openOracle } from "./oracle.ts";

/** Cases generated for each comparison, unless it says otherwise; everyday a fifth of them, or of what it says. */
const generatedCases = 10_000;
const everydayPart = 5;
/** Cases that are compared at a time. */
const batch = 200;
/** Differences that one failure shows; MYRIAD_ORACLE_SHOWN for more. */
const maxShown = Number(process.env.MYRIAD_ORACLE_SHOWN ?? 5);
/** Characters of a case or an answer that it shows. */
const maxShownLength = 3_000;

export interface Comparison<Case> {
  /** Cases that somebody thought of; they come first. */
  readonly cases: readonly Case[];
  /** Without it there are only cases by hand. */
  readonly generate?: fc.Arbitrary<Case>;
  /** With `MYRIAD_SAMPLES=full`, a fifth of it everyday; default: {@link generatedCases}. */
  readonly runs?: number;
  /** A value, or a promise of one. */
  ours(input: Case): unknown;
  theirs(oracle: Oracle, input: Case): Promise<unknown>;
  /** Differences that docs/differences.md gives the reason for. */
  readonly known?: (input: Case, ours: unknown, theirs: unknown) => boolean;
}

export interface LikeUpstream {
  /** A test by this name; skipped where the oracle is not at hand. */
  compare<Case>(name: string, comparison: Comparison<Case>): void;
}

/** One oracle for the comparisons of a test file; it is closed after them. */
export function likeUpstream(): LikeUpstream {
  const oracle = openOracle();
  if (oracle !== undefined) after(() => oracle.close());
  const skip = oracle === undefined && "the oracle is not at hand: conformance/parts/get.sh oracle";
  return {
    compare: (name, comparison) =>
      void test(name, { skip }, async (context) => {
        if (oracle !== undefined) context.diagnostic(await compareAll(oracle, name, comparison));
      }),
  };
}

/** What was compared, in words; throws when something differs. */
async function compareAll<Case>(oracle: Oracle, name: string, comparison: Comparison<Case>): Promise<string> {
  const seed = Number(process.env.MYRIAD_ORACLE_SEED ?? 20_260_701);
  const { generate, runs = generatedCases } = comparison;
  const numRuns =
    generate === undefined ? 0 : Number(process.env.MYRIAD_ORACLE_CASES ?? sampleOf(runs, everydayPart));
  const generated = generate === undefined ? [] : fc.sample(generate, { seed, numRuns });
  const byHand = comparison.cases.length;
  const all = [...comparison.cases, ...generated];
  const differences: string[] = [];
  let excused = 0;
  const check = async (input: Case, index: number): Promise<void> => {
    // Asked first: the oracle works while we do.
    const asked = comparison.theirs(oracle, input);
    asked.catch(() => undefined);
    const ours = await comparison.ours(input);
    const theirs = await asked;
    if (isDeepStrictEqual(ours, theirs)) return;
    if (comparison.known?.(input, ours, theirs) === true) {
      excused++;
      return;
    }
    const which = index < byHand ? `case ${index}` : `seed ${seed}, case ${index - byHand}`;
    differences.push(`${which}: ${show(input)}\n    ours:   ${show(ours)}\n    theirs: ${show(theirs)}`);
  };
  for (let start = 0; start < all.length; start += batch) {
    await Promise.all(all.slice(start, start + batch).map((input, offset) => check(input, start + offset)));
  }
  // The smallest say most.
  const shown = differences
    .sort((a, b) => a.length - b.length)
    .slice(0, maxShown)
    .join("\n");
  assert.equal(
    differences.length,
    0,
    `${name}: ${differences.length} of ${all.length} differ (seed ${seed})\n${shown}`,
  );
  return `${name}: ${numRuns} generated (seed ${seed}) and ${byHand} by hand, ${excused} excused`;
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 30, breakLength: Number.POSITIVE_INFINITY });
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}...` : text;
}

/** A library broke at the question: a server answers 500 then. */
export const isPanic = (error: unknown): boolean =>
  error instanceof OracleError && error.message.startsWith("oracle: panic");

/** What came of something: a value, or the text of an error. */
export type Outcome = { readonly value: unknown } | { readonly error: string };

/** Ours as an {@link Outcome}. */
export function outcome(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof Error) return { error: error.message };
    throw error;
  }
}

/** Theirs as an {@link Outcome}. What is wrong with the question itself is thrown. */
export async function answered(
  asked: Promise<JsonValue>,
  read: (value: JsonValue) => unknown = (value) => value,
): Promise<Outcome> {
  try {
    return { value: read(await asked) };
  } catch (error) {
    if (error instanceof OracleError && !error.message.startsWith("oracle: "))
      return { error: error.message };
    throw error;
  }
}

/**
 * CEL's conformance suite. What is left out is told case by case in testing/conformance-skips.json, with the reason
 * (docs/cel.md sums up); a case that is listed and works is an error too, so that the list stays true.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from "@bufbuild/cel-spec/testdata/tests.js";
import { conformanceProblem } from "./testing/conformance.ts";

/** Reason -> section -> the cases of it that are left out. */
type Skips = Record<string, Record<string, "all" | string[]>>;
const skips = JSON.parse(
  readFileSync(new URL("./testing/conformance-skips.json", import.meta.url), "utf8"),
) as Skips;

interface Section {
  readonly path: string;
  readonly tests: readonly IncrementalTest[];
}

function sections(suite: IncrementalTestSuite, path: readonly string[]): Section[] {
  const here = suite.tests.length === 0 ? [] : [{ path: path.join("/"), tests: suite.tests }];
  return [...here, ...suite.suites.flatMap((inner) => sections(inner, [...path, inner.name]))];
}

function problemOf(input: IncrementalTest): string | undefined {
  try {
    return conformanceProblem(input);
  } catch (error) {
    return (error as Error).message;
  }
}

const all = sections(getConformanceSuite(), []);
const skippedNames = new Map<string, Set<string> | "all">();
for (const bySection of Object.values(skips)) {
  for (const [path, names] of Object.entries(bySection)) {
    const known = skippedNames.get(path);
    const before = known === undefined || known === "all" ? [] : known;
    skippedNames.set(path, names === "all" ? "all" : new Set([...before, ...names]));
  }
}

for (const { path, tests } of all) {
  const skipped = skippedNames.get(path);
  test(`conformance: ${path}`, () => {
    const wrong: string[] = [];
    for (const input of tests) {
      const problem = problemOf(input);
      const isSkipped = skipped === "all" || skipped?.has(input.name) === true;
      if (problem !== undefined && !isSkipped) wrong.push(`${input.name}: ${input.original.expr} ${problem}`);
      if (problem === undefined && isSkipped)
        wrong.push(`${input.name} works: take it off the list of skips`);
    }
    assert.deepEqual(wrong, []);
  });
}

test("the list of skipped cases names cases that exist", () => {
  const unknown: string[] = [];
  for (const [path, names] of skippedNames) {
    const section = all.find((candidate) => candidate.path === path);
    if (section === undefined) unknown.push(path);
    else if (names !== "all") {
      const known = new Set(section.tests.map(({ name }) => name));
      unknown.push(...[...names].filter((name) => !known.has(name)).map((name) => `${path}/${name}`));
    }
  }
  assert.deepEqual(unknown, []);
});

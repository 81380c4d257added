/**
 * The everyday test run (`npm test`): type check, lint, every `*.test.ts` with Node's own test runner, and the
 * examples. `npm test -- <pattern>...` runs a subset of the test files: globs, file names, or parts of file names.
 * The last line says how many passed and failed; the exit code is 1 when anything failed.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

/** Test files that run at the same time: the machines this is meant for have two cores. */
const concurrency = 2;
/** A file that takes longer hangs, on the slowest machine; on an idle one the whole run stays under five minutes. */
const fileTimeoutMs = 900_000;
/** Files slower than this are listed at the end. */
const slowFileMs = 5_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Two thirds of what a file that starts a server costs is compiling the same modules again; what V8 made of them is kept, as the server
// does (`src/cli/launch.ts`). An entry counts for one content of its file.
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules/.cache/myriad");
const testFiles = ["src/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"];

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const write = (text: string): boolean => process.stdout.write(text);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Files chosen by the command line; all of them without arguments. */
function chooseFiles(patterns: readonly string[]): string[] {
  const all = globSync(testFiles, { cwd: root }).sort();
  if (patterns.length === 0) return all;
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const isGlob = /[*?[{]/.test(pattern);
    const matches = isGlob ? globSync(pattern, { cwd: root }) : all.filter((file) => file.includes(pattern));
    for (const file of matches) chosen.add(file);
  }
  return [...chosen].sort();
}

/** Runs a tool; its output is shown only when it fails. */
function runTool(title: string, script: string, args: readonly string[]): Promise<Tally> {
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers<Tally>();
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.on("close", (code) => {
    const ok = code === 0;
    write(`${ok ? "ok    " : "FAILED"} ${title} (${seconds(performance.now() - started)})\n`);
    if (!ok) write(`${output}\n`);
    resolve({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
  });
  return promise;
}

/** The error a test failed with; undefined for a parent that failed only because of its children. */
function failureText(error: Error): string | undefined {
  const { failureType, cause } = error as Error & { failureType?: string };
  if (failureType === "subtestsFailed") return undefined;
  return cause instanceof Error
    ? inspect(cause)
    : `${error.message}${cause === undefined ? "" : `: ${inspect(cause)}`}`;
}

/** Runs test files, each in a process of its own, and prints failures as they happen. */
function runFiles(files: readonly string[]): Promise<Tally> {
  const { promise, resolve } = Promise.withResolvers<Tally>();
  const output = new Map<string, string>();
  const slow: string[] = [];
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  const collect = ({ file, message }: { file?: string | undefined; message: string }): void => {
    if (file !== undefined) output.set(file, ((output.get(file) ?? "") + message).slice(-20_000));
  };
  const events = run({
    files: files.map((file) => join(root, file)),
    concurrency,
    timeout: fileTimeoutMs,
    execArgv: ["--import", new URL("fixed-seed.mjs", import.meta.url).href],
  });
  events.on("test:stdout", collect);
  events.on("test:stderr", collect);
  events.on("test:fail", ({ name, file, line, details, todo }) => {
    const text = failureText(details.error);
    if (text === undefined || (todo !== undefined && todo !== false)) return;
    const place = file === undefined ? "" : `${relative(root, file)}${line === undefined ? "" : `:${line}`}`;
    write(`FAILED ${place} ${name}\n${text.replace(/^/gm, "    ")}\n`);
  });
  events.on("test:summary", ({ file, counts, success, duration_ms }) => {
    if (file === undefined) {
      tally.passed = counts.passed;
      tally.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
      tally.skipped = counts.skipped + counts.todo;
      return;
    }
    const path = relative(root, file);
    if (!success && output.has(file)) write(`Output of ${path}:\n${output.get(file)}\n`);
    if (duration_ms > slowFileMs) slow.push(`${path} (${seconds(duration_ms)})`);
  });
  events.on("end", () => {
    if (slow.length > 0) write(`slow:  ${slow.join(", ")}\n`);
    resolve(tally);
  });
  events.resume();
  return promise;
}

async function main(patterns: readonly string[]): Promise<void> {
  const started = performance.now();
  const files = chooseFiles(patterns);
  const tallies: Tally[] = [];
  if (patterns.length === 0) {
    tallies.push(await runTool("type check", "node_modules/typescript/bin/tsc", ["--noEmit"]));
    tallies.push(await runTool("lint", "node_modules/@biomejs/biome/bin/biome", ["check", "."]));
  }
  if (files.length === 0) write(`no test file matches ${patterns.join(" ")}\n`);
  else tallies.push(await runFiles(files));
  if (patterns.length === 0) {
    for (const config of globSync("examples/*/vitest.config.ts", { cwd: root })) {
      const folder = dirname(config);
      tallies.push(await runTool(folder, "node_modules/vitest/vitest.mjs", ["run", "--root", folder]));
    }
  }
  const sum = (count: keyof Tally): number => tallies.reduce((total, tally) => total + tally[count], 0);
  const failed = sum("failed");
  const skipped = sum("skipped");
  write(
    `${files.length} files, ${seconds(performance.now() - started)}${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
  );
  write(`${sum("passed")} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || files.length === 0 ? 1 : 0;
}

await main(process.argv.slice(2));

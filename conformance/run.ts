// Runs the conformance suites against one server under test.
//
//   node scripts/run.mjs conformance/run.ts [--store embedded|etcd] [--short] [FOLDER-OR-FILE-PART ...]
//
// --store  where the server keeps its data (default: embedded)
// --short  the suites that exercise the store most, for a second engine
//
// The environment says what else may be the server under test: see harness.ts. The last line is `N passed, N failed`;
// the exit code is 0 when none failed.
import { globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect, parseArgs } from "node:util";

/** Test files at the same time, on machines with two cores; each has a server of its own. */
const concurrency = 2;
/** A file that takes longer has hung, in milliseconds. */
const fileTimeout = 2_700_000;
/** What a short run consists of, as parts of paths. */
const shortRun = [
  ...["go/", "operator/", "workspaces/"],
  ...["kubectl/custom", "kubectl/delete", "kubectl/server-side", "kubectl/write"],
];

const here = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { store: { type: "string", default: "embedded" }, short: { type: "boolean", default: false } },
});
process.env.MYRIAD_STORE = values.store;

const chosen = positionals.length > 0 ? positionals : values.short ? shortRun : [""];
const files = globSync("**/*.test.ts", { cwd: here })
  .filter((file) => chosen.some((part) => file.includes(part)))
  .sort()
  .map((file) => join(here, file));

const write = (text: string): boolean => process.stdout.write(text);
const kept = 20_000;
const output = new Map<string, string>();
const collect = ({ file, message }: { file?: string | undefined; message: string }): void => {
  if (file !== undefined) output.set(file, ((output.get(file) ?? "") + message).slice(-kept));
};

let passed = 0;
let failed = 0;
let skipped = 0;
const events = run({ files, concurrency, timeout: fileTimeout });
events.on("test:stdout", collect);
events.on("test:stderr", collect);
events.on("test:fail", ({ name, file, line, details }) => {
  const { failureType, cause } = details.error as Error & { failureType?: string };
  if (failureType === "subtestsFailed") return;
  const place = file === undefined ? "" : `${relative(here, file)}:${line ?? 0}`;
  write(`FAILED ${place} ${name}\n${inspect(cause ?? details.error).replace(/^/gm, "    ")}\n`);
});
events.on("test:summary", ({ file, counts, success, duration_ms }) => {
  if (file === undefined) {
    passed = counts.passed;
    skipped = counts.skipped + counts.todo;
    failed = counts.tests - passed - skipped;
    return;
  }
  const path = relative(here, file);
  write(`${success ? "ok    " : "FAILED"} ${path} (${(duration_ms / 1000).toFixed(1)} s)\n`);
  if (!success && output.has(file)) write(`Output of ${path}:\n${output.get(file)}\n`);
});
events.on("end", () => {
  // No file, or files that could not be run, are no success.
  if (passed + failed === 0) failed = 1;
  write(`conformance, ${values.store} store${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
});
events.resume();

// `node scripts/run.mjs <file.ts> <argument>...`: what the npm scripts go through. It installs what is missing and then runs
// the program: in this very process where this Node can, else (the first start on a machine with an old Node) in a
// child on the Node that was just installed. npm's own pre-scripts would not run for people with `ignore-scripts`.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled, suitableNode } from "./ensure-installed.mjs";

/** How soon a program notices that npm is gone. */
const parentCheckMs = 500;

ensureInstalled();
const node = suitableNode();
endWithNpm();
const [file, ...args] = process.argv.slice(2);
const program = resolve(file);
if (node === process.execPath) {
  // Here already: it would take the place of this process, and nobody would notice that npm is gone.
  if (args[0] === "start") (await import("../src/cli/allocator.ts")).restartWithAllocatorLimits();
  process.argv.splice(1, 2, program);
  await import(pathToFileURL(program).href);
} else {
  const child = spawn(node, [program, ...args], { stdio: "inherit" });
  // The terminal sends SIGINT to both of us; what is sent to this process alone is passed on.
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => undefined);
  child.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code) => process.exit(code ?? 1));
}

/**
 * `kill` of npm ends npm and its shell, but not the program below them (the shell passes nothing on): it would go on without
 * anybody to end it. So it ends itself, as by SIGTERM, when its parent is gone. Ctrl-C reaches all of them anyway.
 */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined || process.platform === "win32") return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, parentCheckMs);
  timer.unref();
}

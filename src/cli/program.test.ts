import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageVersion } from "./package-version.ts";
import { runMyriad } from "./program.ts";
import { startFlags } from "./start-flags.ts";
import { memoryTerminal } from "./testing/memory-terminal.ts";

async function run(...args: string[]) {
  const terminal = memoryTerminal();
  const code = await runMyriad(args, terminal);
  return { code, out: terminal.printed(), err: terminal.errors() };
}

test("--help and --version answer on stdout with code 0", async () => {
  assert.deepEqual(await run("--version"), { code: 0, out: `${packageVersion()}\n`, err: "" });
  const { code, out, err } = await run("start", "--help");
  assert.deepEqual([code, err], [0, ""]);
  for (const { flags } of startFlags.flatMap((group) => group.flags)) assert.ok(out.includes(flags), flags);
});

test("unknown flags, commands and arguments are errors with code 1", async () => {
  for (const args of [
    ["start", "--secure-prt=1"],
    ["strat"],
    ["start", "now"],
    ["store", "get"],
    ["start", "--secure-port"],
  ]) {
    const { code, err } = await run(...args);
    assert.equal(code, 1, args.join(" "));
    assert.match(err, /^error: /, args.join(" "));
  }
});

test("an invalid value names its flag", async () => {
  const { code, err } = await run("start", "--secure-port=x");
  assert.equal(code, 1);
  assert.match(err, /^error: --secure-port "x" is not a whole number from 0 to 65535\n/);
});

test("docs/reference/flags.md lists every flag of start with its default", () => {
  const text = readFileSync(new URL("../../docs/reference/flags.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(-[^`]+)` \| ([^|]*) \|/gm)].map(
    ([, flag, value]) => `${flag} ${value!.trim()}`,
  );
  const wanted = startFlags.flatMap((group) =>
    group.flags.map((flag) => `${flag.flags} ${flag.default === undefined ? "" : `\`${flag.default}\``}`),
  );
  assert.deepEqual(
    rows.map((row) => row.trim()),
    wanted.map((row) => row.trim()),
  );
});

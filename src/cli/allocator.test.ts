import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

test("a process begins anew with the limits, as itself", { skip: process.platform !== "linux" }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "myriad-allocator-"));
  const program = join(directory, "program.ts");
  const allocator = JSON.stringify(new URL("./allocator.ts", import.meta.url));
  writeFileSync(
    program,
    `console.log(process.pid);
     (await import(${allocator})).restartWithAllocatorLimits();
     console.log(JSON.stringify([process.argv.slice(2), process.execArgv, process.env.MALLOC_MMAP_THRESHOLD_]));`,
  );
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MALLOC_")));
  const run = async (given: NodeJS.ProcessEnv) => {
    const flags = ["--no-warnings", program, "start", "--flag"];
    const child = spawn(process.execPath, flags, { env: given, stdio: ["ignore", "pipe", "inherit"] });
    const lines = (await text(child.stdout)).trim().split("\n");
    return { lines: lines.slice(0, -1).map(Number), pid: child.pid!, told: JSON.parse(lines.at(-1)!) };
  };
  const begun = await run(env);
  assert.deepEqual(begun.lines, [begun.pid, begun.pid]);
  assert.deepEqual(begun.told, [["start", "--flag"], ["--expose-gc", "--no-warnings"], "1048576"]);
  const own = await run({ ...env, MALLOC_MMAP_THRESHOLD_: "65536" });
  assert.deepEqual(own.lines, [own.pid, own.pid]);
  assert.equal(own.told[2], "65536", "what is set already stays");
  rmSync(directory, { recursive: true });
});

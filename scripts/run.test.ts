import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("run.mjs", import.meta.url));

/** Says that it runs, and lives until SIGTERM. */
const program = `
const alive = setInterval(() => undefined, 1_000);
process.on("SIGTERM", () => { process.stdout.write("ended\\n"); clearInterval(alive); });
process.stdout.write("running\\n");
`;

test("a program that npm started ends as by SIGTERM when npm and its shell are killed", {
  skip: process.platform === "win32",
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "myriad-run-"));
  try {
    writeFileSync(join(folder, "program.mjs"), program);
    const line = `'${process.execPath}' '${runner}' '${join(folder, "program.mjs")}' & wait`;
    const shell = spawn("/bin/sh", ["-c", line], {
      env: { ...process.env, npm_lifecycle_event: "start" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let seen = "";
    for await (const chunk of shell.stdout) {
      seen += String(chunk);
      if (seen === "running\n") shell.kill("SIGKILL");
    }
    assert.equal(seen, "running\nended\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

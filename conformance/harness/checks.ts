import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { TestContext } from "node:test";

/** One line that a program prints. */
type Check = { check: string; ok: boolean; detail?: string };

/**
 * Runs a program that prints one JSON line for each of its checks, and makes each a subtest of `t`. Expects at least
 * `least` checks, and exit code 0 if and only if all hold.
 */
export async function runChecks(
  t: TestContext,
  command: readonly [program: string, ...args: string[]],
  least: number,
  env: Record<string, string> = {},
): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    signal: t.signal,
    env: { ...process.env, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const checks = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Check);
  for (const { check, ok, detail } of checks) {
    await t.test(check, () => assert.ok(ok, detail));
  }
  assert.ok(checks.length >= least, `${checks.length} checks of at least ${least}: ${stderr}`);
  assert.equal(code, checks.every((each) => each.ok) ? 0 : 1, stderr);
}

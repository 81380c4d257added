import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

/** One line that a program prints. */
type Check = { check: string; ok: boolean; detail?: string };

/** How many workspaces each program works in at once. */
const workspaces = 3;

/** A program that hangs is killed after this many milliseconds; its own limit is shorter. */
const patience = 240_000;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

for (const program of [
  ...["typed", "conflict", "dynamic", "metadata", "informers"],
  ...["watch", "paging", "leader", "reconcile"],
]) {
  test(`go ${program}, in several workspaces at once`, { timeout: patience }, async (t) => {
    const endpoints = await target.workspaces(workspaces);
    const child = spawn(part("go-clients"), [program, ...endpoints.map((each) => each.kubeconfig)], {
      stdio: ["ignore", "pipe", "pipe"],
      signal: t.signal,
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
    assert.ok(checks.length > endpoints.length, `${program} made no checks: ${stderr}`);
    assert.equal(code, checks.every((each) => each.ok) ? 0 : 1, stderr);
  });
}

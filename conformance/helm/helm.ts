import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { part } from "../harness/parts.ts";
import { type Result, runProgram } from "../harness/program.ts";
import type { Workspace } from "../harness.ts";

/** The major versions of Helm that are driven. */
export const versions = [3, 4] as const;
export type Version = (typeof versions)[number];

/** The chart of the suite. */
export const chart = join(dirname(fileURLToPath(import.meta.url)), "charts", "shop");

/** How long Helm may wait for one thing on a slow machine. */
export const timeout = "--timeout=300s";

/** A run that takes longer is killed, in milliseconds. */
const runPatience = 900_000;

/** Helm of one version against one workspace, in the namespace `shop`. */
export type Helm = {
  run(...args: string[]): Promise<Result>;
  /** Runs, expects exit code 0, answers stdout. */
  ok(...args: string[]): Promise<string>;
  /** Runs, expects failure, answers stderr. */
  fails(...args: string[]): Promise<string>;
};

/** Helm of version `version` for `workspace`, with a home of its own. */
export function helmFor(version: Version, workspace: Workspace): Helm {
  const home = `${workspace.kubeconfig}-helm${version}`;
  mkdirSync(home, { recursive: true });
  const env = {
    ...{ HOME: home, HELM_CACHE_HOME: join(home, "cache"), HELM_CONFIG_HOME: join(home, "config") },
    ...{ HELM_DATA_HOME: join(home, "data"), KUBECONFIG: workspace.kubeconfig, HELM_NAMESPACE: "shop" },
    PATH: process.env.PATH ?? "",
  };
  const program = part(`helm${version}`);
  const run = (...args: string[]): Promise<Result> =>
    runProgram(program, args, { env, patience: runPatience });
  return {
    run,
    async ok(...args) {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, `helm${version} ${args.join(" ")}: ${stderr}${stdout}`);
      return stdout;
    },
    async fails(...args) {
      const { code, stdout, stderr } = await run(...args);
      assert.ok(code > 0, `helm${version} ${args.join(" ")} should fail, but: ${stdout}${stderr}`);
      return stderr;
    },
  };
}

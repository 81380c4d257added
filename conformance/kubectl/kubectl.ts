import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { part } from "../harness/parts.ts";
import { type Result, runProgram } from "../harness/program.ts";

export type RunOptions = { stdin?: string; env?: Record<string, string> };

/** kubectl against one endpoint. Arguments are given as a list. */
export type Kubectl = {
  run(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Runs, expects exit code 0, answers stdout. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Runs, expects failure, answers stderr without its last line feed. */
  fails(args: readonly string[], options?: RunOptions): Promise<string>;
  /** `ok` with `-o json`, parsed. */
  json(args: readonly string[], options?: RunOptions): Promise<KubeObject>;
  /** Starts a run that goes on, such as `get --watch`. */
  follow(args: readonly string[]): Following;
};

/** As much of an object as the suites look at. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    deletionTimestamp?: string;
    [field: string]: unknown;
  };
  data?: Record<string, string>;
  items: KubeObject[];
  [field: string]: unknown;
};

/** A kubectl that goes on running, and the lines it has printed. */
export type Following = {
  lines(): string[];
  stop(): Promise<void>;
  readonly process: ChildProcess;
};

/** A run that takes longer is killed, in milliseconds. */
const runPatience = 600_000;

/** kubectl with the kubeconfig at `kubeconfig`, and a discovery cache of its own. */
export function kubectlFor(kubeconfig: string, path?: string): Kubectl {
  const program = part("kubectl");
  const home = mkdtempSync(join(dirname(kubeconfig) === tmpdir() ? tmpdir() : dirname(kubeconfig), "home-"));
  const environment = (extra: Record<string, string> = {}): Record<string, string> => ({
    HOME: home,
    KUBECACHEDIR: join(home, "cache"),
    KUBECONFIG: kubeconfig,
    PATH: [...(path === undefined ? [] : [path]), process.env.PATH ?? ""].join(delimiter),
    ...extra,
  });
  const run: Kubectl["run"] = (args, options = {}) =>
    runProgram(program, args, {
      env: environment(options.env),
      stdin: options.stdin,
      patience: runPatience,
    });
  const ok: Kubectl["ok"] = async (args, options) => {
    const result = await run(args, options);
    assert.equal(result.code, 0, `kubectl ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  };
  return {
    run,
    ok,
    async fails(args, options) {
      const result = await run(args, options);
      assert.ok(
        result.code > 0,
        `kubectl ${args.join(" ")} should fail, but: ${result.stdout}${result.stderr}`,
      );
      return result.stderr.trimEnd();
    },
    async json(args, options) {
      return JSON.parse(await ok([...args, "-o", "json"], options)) as KubeObject;
    },
    follow(args) {
      const child = spawn(program, args, { env: environment(), stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
      });
      return {
        process: child,
        lines: () => text.split("\n").filter((line) => line !== ""),
        async stop() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = new Promise((resolve) => child.once("exit", resolve));
          child.kill();
          await ended;
        },
      };
    },
  };
}

import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** How long a child may take to exit after SIGTERM before it is killed, in milliseconds. */
const exitPatience = 120_000;

/** How much of a child's output is kept for error texts, in characters. */
const keptOutput = 20_000;

/** A server process under test, with the end of its output. */
export type Child = {
  readonly process: ChildProcess;
  /** The last part of what it wrote to stdout and stderr. */
  output(): string;
  /** True once it has exited. */
  exited(): boolean;
  /** Ends it with `signal` (default SIGTERM) and waits; SIGKILL when it takes too long. Answers its exit code or signal. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
};

/** Starts `command` (program and arguments) in its own working folder. */
export function startChild(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Child {
  const [program, ...args] = command;
  if (program === undefined) throw new Error("no command to start");
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-keptOutput);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let exit: number | NodeJS.Signals | undefined;
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("error", (error) => {
      output += `\n${error.message}`;
      exit = 127;
      resolve(exit);
    });
    child.once("exit", (code, signal) => {
      exit = code ?? signal ?? 1;
      resolve(exit);
    });
  });
  return {
    process: child,
    output: () => output,
    exited: () => exit !== undefined,
    async end(signal = "SIGTERM") {
      if (exit !== undefined) return exit;
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), exitPatience);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * A TCP port of the loopback interface that was free a moment ago. It is below those that systems give to outgoing
 * connections: one of the many clients here could take the port while its server is being restarted.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** How often a server is started, each time on other ports: somebody may take a free port before it does. */
const starts = 3;

/** Calls `start` until it succeeds, at most `starts` times. */
export async function startOnFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === starts) throw error;
    }
  }
}

/** Waits `ms` milliseconds. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How long a wait may take before it counts as hanging, on the slowest machine, in milliseconds. It measures nothing. */
export const patience = 300_000;

/** A test that runs longer hangs, in milliseconds. */
export const testPatience = 1_200_000;

/** Asks `probe` every `every` ms until it answers something true-ish; throws with the last error when it never does. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  every = 50,
): Promise<T> {
  const end = Date.now() + patience;
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${patience} ms`, { cause: last });
    }
    await sleep(every);
  }
}

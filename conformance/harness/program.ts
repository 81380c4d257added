import { spawn } from "node:child_process";

/** What one run of a program gave. */
export type Result = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `program` to its end, with exactly the given environment; it is killed after `patience` milliseconds. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { env: Record<string, string>; stdin?: string | undefined; patience: number },
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env, timeout: options.patience });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.once("error", reject);
    child.stdin.on("error", () => {});
    child.once("close", (code, signal) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8") + (signal === null ? "" : `\nended by ${signal}`),
      }),
    );
    child.stdin.end(options.stdin ?? "");
  });
}

/** Calls `work` for every item, at most `width` at the same time. */
export async function eachBounded<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const index = next;
      next += 1;
      const item = items[index];
      if (item === undefined) return;
      await work(item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}

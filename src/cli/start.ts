/** `myriad start`: runs a server until a signal asks it to end. */
import { relative } from "node:path";
import type { StartOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** A server that answers requests. */
export interface RunningServer {
  /** Base address, without a path. */
  readonly url: string;
  /** Stops listening, lets answered writes become durable, ends watches, closes the store. Idempotent. */
  close(): Promise<void>;
  /** Resolves with the reason when the server can no longer serve and has to end. */
  readonly failed: Promise<Error>;
}

/** Builds a server from its options; it serves, and admin.kubeconfig is written, when the promise resolves. */
export type Serve = (options: StartOptions) => Promise<RunningServer>;

/** Draining takes at most this long; then the process ends all the same, with exit code 1. */
const drainTimeoutMs = 20_000;

/** Answers the exit code once the server has ended. */
export async function runStart(options: StartOptions, terminal: Terminal, serve?: Serve): Promise<number> {
  const signals = listenForSignals();
  try {
    const server = await (serve ?? (await import("./serve.ts")).serve)(options);
    await terminal.out(readyText(options, server.url, terminal.workingDirectory, process.uptime()));
    const cause = await Promise.race([signals.first, server.failed]);
    if (cause instanceof Error) terminal.err(`error: ${cause.message}\n`);
    else terminal.err(`${cause}: finishing the requests under way\n`);
    const drained = await within(drainTimeoutMs, server.close());
    if (!drained) terminal.err(`error: requests were still under way after ${drainTimeoutMs / 1_000} s\n`);
    return drained && !(cause instanceof Error) ? 0 : 1;
  } finally {
    signals.stop();
  }
}

/** The first SIGTERM or SIGINT is answered by draining; a second one ends the process at once. */
function listenForSignals(): { first: Promise<NodeJS.Signals>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let seen = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    seen++;
    // As shells report a process that a signal ended: 128 and the signal's number.
    if (seen > 1) process.exit(signal === "SIGINT" ? 130 : 143);
    resolve(signal);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  const stop = (): void => {
    process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
  };
  return { first: promise, stop };
}

/** True when `done` came in time. */
async function within(milliseconds: number, done: Promise<void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise, done.then(() => true)]);
  } finally {
    clearTimeout(timer);
  }
}

/** How to reach the server, for a person who just started it. */
function readyText(options: StartOptions, url: string, workingDirectory: string, seconds: number): string {
  const near = relative(workingDirectory, options.kubeconfigPath);
  const kubeconfig = near.startsWith("..") ? options.kubeconfigPath : near;
  return [
    `myriad is ready at ${url} after ${seconds.toFixed(2)} s (process ${process.pid})`,
    "",
    "  Administrator's kubeconfig, context root:",
    `    export KUBECONFIG=${shellWord(kubeconfig)}`,
    "    kubectl get namespaces",
    "",
    "  A workspace is a cluster of its own:",
    `    kubectl create -f - <<< '{"apiVersion":"tenancy.kcp.io/v1alpha1","kind":"Workspace","metadata":{"name":"team"}}'`,
    `    kubectl --server=${url}/clusters/root:team get namespaces`,
    "",
    "",
  ].join("\n");
}

const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

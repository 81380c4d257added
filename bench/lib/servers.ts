/** The servers under test: ours as users start it, an empty TLS handler to compare with, and a peer that runs already. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { allocatorLimits } from "#cli/allocator.ts";
import { Connection, type Target } from "./http2-client.ts";

export interface RunningServer {
  readonly name: string;
  /** Processes whose CPU time counts as the server's. */
  readonly pids: readonly number[];
  readonly target: Target;
  /** Path prefix of a workspace: `/clusters/root`, or "" for a peer without workspaces. */
  readonly prefix: string;
  /** Milliseconds from the start of the process to the first good answer of /readyz. */
  readonly readyMs: number;
  readonly dataDirectory: string;
  /** How long its event loop was held in one go since this was asked last; only of servers started with `watchLoop`. */
  held?(): Promise<HeldLoop>;
  stop(): Promise<void>;
}

export interface HeldLoop {
  readonly heldMs: number;
  /** The same in CPU time of the main thread. */
  readonly heldCpuMs: number;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address !== "object" || address === null) throw new Error("no port");
      server.close(() => resolve(address.port));
    });
  });
}

export const scratch = (): string => mkdtempSync(join(process.env.BENCH_TMP ?? tmpdir(), "myriad-bench-"));

/** Starts `myriad start` on a directory (a new one unless given) and waits until it is ready. */
export async function startMyriad(
  options: { directory?: string; flags?: readonly string[]; keep?: boolean; watchLoop?: boolean } = {},
): Promise<RunningServer> {
  const directory = options.directory ?? scratch();
  const port = await freePort();
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...(options.watchLoop === true
        ? ["--expose-gc", "--import", join(root, "bench/lib/loop-watch.ts")]
        : []),
      join(root, "src/cli/main.ts"),
      "start",
      "--root-directory",
      directory,
      "--secure-port",
      String(port),
      ...(options.flags ?? []),
    ],
    {
      stdio: ["ignore", "ignore", "inherit", ...(options.watchLoop === true ? (["ipc"] as const) : [])],
      cwd: root,
      // With a channel to its parent it does not set these itself.
      env: { ...process.env, ...(options.watchLoop === true && allocatorLimits) },
    },
  );
  children.add(child);
  const origin = `https://127.0.0.1:${port}`;
  const readyMs = await waitReady(child, origin, started);
  const kubeconfig = join(directory, "admin.kubeconfig");
  while (!existsSync(kubeconfig)) await new Promise((resolve) => setTimeout(resolve, 5));
  const target = { origin, ...readKubeconfig(kubeconfig) };
  return {
    name: "myriad",
    pids: [child.pid!],
    target,
    prefix: "/clusters/root",
    readyMs,
    dataDirectory: directory,
    ...(options.watchLoop === true && { held: () => heldLoop(child) }),
    async stop() {
      await stopChild(child);
      if (options.directory === undefined && options.keep !== true)
        rmSync(directory, { recursive: true, force: true });
    },
  };
}

function heldLoop(child: ChildProcess): Promise<HeldLoop> {
  return new Promise((resolve) => {
    child.once("message", (held) => resolve(held as HeldLoop));
    child.send("held");
  });
}

/** The admin credentials of a kubeconfig's current context. */
export function readKubeconfig(path: string): { ca: Buffer; cert?: Buffer; key?: Buffer; token?: string } {
  const config = parse(readFileSync(path, "utf8")) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const cluster = config.clusters[0]!.cluster;
  const user = config.users[0]!.user;
  const bytes = (holder: Record<string, string>, name: string): Buffer | undefined => {
    const data = holder[`${name}-data`];
    if (data !== undefined) return Buffer.from(data, "base64");
    const file = holder[name];
    return file === undefined ? undefined : readFileSync(file);
  };
  const ca = bytes(cluster, "certificate-authority");
  if (ca === undefined) throw new Error("the kubeconfig has no CA");
  const cert = bytes(user, "client-certificate");
  const key = bytes(user, "client-key");
  const token = user.token;
  return { ca, ...(cert && { cert }), ...(key && { key }), ...(token !== undefined && { token }) };
}

async function waitReady(child: ChildProcess, origin: string, started: number): Promise<number> {
  const { request } = await import("node:https");
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`);
    if (performance.now() - started > 60_000) throw new Error("the server is not ready after 60 s");
    const ready = await new Promise<boolean>((resolve) => {
      const probe = request(`${origin}/readyz`, { rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode === 200));
      });
      probe.on("error", () => resolve(false));
      probe.end();
    });
    if (ready) return performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Children do not outlive a bench that fails. */
const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** SIGTERM, and SIGKILL if that is not enough. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await exited;
  clearTimeout(timer);
}

/** An empty `node:http2` TLS handler that answers `bodyBytes` bytes: what the platform itself can do. */
export async function startEmptyHandler(bodyBytes: number): Promise<RunningServer> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [join(root, "bench/lib/empty-handler.ts"), String(port), String(bodyBytes)],
    {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: root,
    },
  );
  children.add(child);
  const ca = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.includes("READY")) resolve(text.slice(0, text.indexOf("READY")));
    });
    child.once("exit", (code) => reject(new Error(`the empty handler exited with ${code}`)));
  });
  return {
    name: "empty node:http2 handler",
    pids: [child.pid!],
    target: { origin: `https://127.0.0.1:${port}`, ca },
    prefix: "",
    readyMs: performance.now() - started,
    dataDirectory: "",
    stop: () => stopChild(child),
  };
}

/** A peer that somebody else started: `--peer NAME,KUBECONFIG,PID[,PID...]`. */
export function peer(text: string): RunningServer {
  const [name = "", kubeconfig = "", ...pids] = text.split(",");
  const config = parse(readFileSync(kubeconfig, "utf8")) as { clusters: { cluster: { server: string } }[] };
  return {
    name,
    pids: pids.map(Number),
    target: { origin: config.clusters[0]!.cluster.server, ...readKubeconfig(kubeconfig) },
    prefix: "",
    readyMs: Number.NaN,
    dataDirectory: "",
    stop: () => Promise.resolve(),
  };
}

export const connectionsTo = (server: RunningServer, count: number): Connection[] =>
  Array.from({ length: count }, () => new Connection(server.target));

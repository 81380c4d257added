/** A real etcd for tests: one member on random loopback ports with its data in a temporary directory. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { patienceMs } from "#base/testing/until.ts";
import { EtcdClient } from "../client/client.ts";

/** Somebody else may take a free port before etcd does. */
const maxStarts = 3;
const keptOutputBytes = 16_384;

/** The etcd binary: `MYRIAD_ETCD`, else `etcd` on the PATH, else the one that continuous integration keeps. */
function findEtcd(): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "etcd"));
  const candidates = [process.env.MYRIAD_ETCD ?? "", ...paths, join(homedir(), ".cache/myriad-ci/bin/etcd")];
  return candidates.find((path) => {
    if (path === "") return false;
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** For `test({skip})`: the reason why tests with a real etcd cannot run here, or false. */
export function etcdMissing(): string | false {
  return findEtcd() === undefined ? "no etcd binary (MYRIAD_ETCD, PATH, ~/.cache/myriad-ci/bin/etcd)" : false;
}

export interface EtcdProcess {
  /** Client URL; the same after a restart. */
  readonly url: string;
  /** Ends it at once (SIGKILL) and waits until it is gone; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data. */
  start(): Promise<void>;
  /** Removes the data of a killed one, as if the disk were new. */
  wipe(): Promise<void>;
  /** Stops it without ending it (SIGSTOP), and lets it go on (SIGCONT). */
  freeze(): Promise<void>;
  thaw(): void;
  /** Kills it and removes everything. */
  dispose(): Promise<void>;
}

/** Starts an etcd that answers. `flags` are added to the command line. */
export async function startEtcd(flags: readonly string[] = []): Promise<EtcdProcess> {
  const binary = findEtcd();
  if (binary === undefined) throw new Error("no etcd binary");
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(binary, await freePort(), await freePort(), flags);
    } catch (error) {
      if (attempt === maxStarts) throw error;
    }
  }
}

async function startOn(
  binary: string,
  clientPort: number,
  peerPort: number,
  flags: readonly string[],
): Promise<EtcdProcess> {
  const directory = await mkdtemp(join(tmpdir(), "myriad-etcd-"));
  const url = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const data = join(directory, "data");
  const commandLine = [
    ...["--name", "default", "--data-dir", data, "--listen-client-urls", url, "--advertise-client-urls", url],
    ...[
      "--listen-peer-urls",
      peer,
      "--initial-advertise-peer-urls",
      peer,
      "--initial-cluster",
      `default=${peer}`,
    ],
    ...["--log-level", "error", ...flags],
  ];
  let child: ChildProcess | undefined;
  const self: EtcdProcess = {
    url,
    async kill() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGKILL");
      await gone;
    },
    async start() {
      let output = "";
      const started = spawn(binary, commandLine, { stdio: ["ignore", "pipe", "pipe"] });
      child = started;
      const keep = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-keptOutputBytes);
      };
      started.stdout.on("data", keep);
      started.stderr.on("data", keep);
      const failed = new Promise<never>((_, reject) => {
        started.once("error", reject);
        started.once("exit", (code) => reject(new Error(`etcd ended with ${code}:\n${output}`)));
      });
      failed.catch(() => undefined);
      await Promise.race([answers(url), failed]);
    },
    async wipe() {
      await rm(data, { recursive: true, force: true });
    },
    async freeze() {
      child?.kill("SIGSTOP");
      while (child?.pid !== undefined && !(await allStopped(child.pid))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    thaw() {
      child?.kill("SIGCONT");
    },
    async dispose() {
      await self.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await self.start();
  } catch (error) {
    await self.dispose();
    throw error;
  }
  return self;
}

/** Whether every thread of a process has stopped; the signal alone does not wait for that. */
async function allStopped(pid: number): Promise<boolean> {
  const tasks = `/proc/${pid}/task`;
  const states = await Promise.all(
    (await readdir(tasks)).map(async (task) => {
      const line = await readFile(`${tasks}/${task}/stat`, "utf8").catch(() => ") T");
      return line.slice(line.lastIndexOf(")") + 2, line.lastIndexOf(")") + 3);
    }),
  );
  return states.every((state) => state === "T");
}

async function answers(url: string): Promise<void> {
  const client = new EtcdClient({ endpoints: [url], tls: {}, clock: systemClock });
  // systemClock's timers do not keep the process alive, and a connection attempt that was refused leaves nothing else.
  const alive = setInterval(() => undefined, 1_000);
  try {
    const request = { key: Buffer.from("\0") };
    await client.call(client.methods.range, request, { deadlineMs: patienceMs, repeatable: true });
  } finally {
    clearInterval(alive);
    client.close();
  }
}

/**
 * A loopback port that was free a moment ago. It is below those that systems give to outgoing connections (32768 and up,
 * as IANA has it from 49152): such a connection could take the port while its etcd is being restarted.
 */
async function freePort(): Promise<number> {
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

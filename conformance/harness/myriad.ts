import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openApi } from "./api.ts";
import { type Child, freePort, startChild, startOnFreePorts, until } from "./child.ts";
import { type Etcd, startEtcd } from "./etcd.ts";
import { type Context, readContext } from "./kubeconfig.ts";

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A running Myriad: its base URL (no `/clusters/...`), the admin's credentials, and its life. */
export type MyriadServer = {
  readonly url: string;
  readonly admin: Context;
  /** The folder with its data and `admin.kubeconfig`. */
  readonly root: string;
  /** The etcd that holds the data; undefined with the embedded store. */
  readonly etcd: string | undefined;
  output(): string;
  /** Ends the server with `signal`, starts it again on the same port and data, waits until it is ready. */
  restart(signal: NodeJS.Signals): Promise<void>;
  /** Ends the server; answers its exit code or signal. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  close(): Promise<void>;
};

/** The command that starts the server under test: `MYRIAD_CMD`, words split at spaces, or this repository's own. */
function serverCommand(): string[] {
  const given = process.env.MYRIAD_CMD;
  if (given !== undefined && given !== "") return given.split(" ").filter((word) => word !== "");
  return [process.execPath, join(repository, "src", "cli", "main.ts"), "start"];
}

/** Starts Myriad with its data under `folder`; `MYRIAD_STORE=etcd` puts them into an etcd started beside it. */
export async function startMyriad(folder: string, flags: readonly string[] = []): Promise<MyriadServer> {
  const etcd = process.env.MYRIAD_STORE === "etcd" ? await startEtcd(folder) : undefined;
  return startOnFreePorts(() => startOn(etcd, folder, flags));
}

async function startOn(
  etcd: Etcd | undefined,
  folder: string,
  flags: readonly string[],
): Promise<MyriadServer> {
  const root = join(folder, "myriad");
  const kubeconfig = join(root, "admin.kubeconfig");
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const start = async (): Promise<Child> => {
    const child = startChild(
      [
        ...serverCommand(),
        ...["--root-directory", root, "--secure-port", String(port)],
        ...(etcd === undefined ? [] : ["--etcd-servers", etcd.url]),
        ...flags,
      ],
      { cwd: repository },
    );
    await until("the server is ready", async () => {
      if (child.exited()) throw new Error(`the server ended: ${child.output()}`);
      if (!existsSync(kubeconfig)) return false;
      const api = openApi(url, readContext(kubeconfig, "base").access);
      try {
        return (await api.send("GET", "/readyz")).status === 200;
      } finally {
        api.close();
      }
    }).catch(async (error: unknown) => {
      await child.end("SIGKILL");
      throw new Error(`the server did not start: ${child.output()}`, { cause: error });
    });
    return child;
  };
  let child = await start();
  return {
    url,
    root,
    etcd: etcd?.url,
    admin: readContext(kubeconfig, "base"),
    output: () => child.output(),
    async restart(signal) {
      await child.end(signal);
      child = await start();
    },
    stop: (signal) => child.end(signal),
    async close() {
      await child.end();
      await etcd?.child.end();
    },
  };
}

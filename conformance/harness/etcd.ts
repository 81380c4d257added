import { join } from "node:path";
import { type Child, freePort, startChild, startOnFreePorts, until } from "./child.ts";
import { part } from "./parts.ts";

/** A real etcd of one member, on loopback. */
export type Etcd = { readonly url: string; readonly child: Child };

/** Starts etcd with its data under `folder` and waits until it answers. */
export const startEtcd = (folder: string): Promise<Etcd> => startOnFreePorts(() => startOnce(folder));

async function startOnce(folder: string): Promise<Etcd> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const child = startChild([
    part("etcd"),
    ...["--data-dir", join(folder, "etcd"), "--log-level", "error"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ...["--initial-cluster", `default=${peer}`],
  ]);
  await until("etcd is healthy", async () => {
    if (child.exited()) throw new Error(child.output());
    return (await fetch(`${url}/health`)).ok;
  });
  return { url, child };
}

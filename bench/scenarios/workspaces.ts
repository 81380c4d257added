/** Workspaces by the thousand: creating, what each costs, finding things in one of many, deleting a tree. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Connection, expectStatus, inParallel, percentile } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";

const workspacesOf = (cluster: string): string =>
  `/clusters/${cluster}/apis/tenancy.kcp.io/v1alpha1/workspaces`;
const workspaceBody = (name: string): string =>
  JSON.stringify({ apiVersion: "tenancy.kcp.io/v1alpha1", kind: "Workspace", metadata: { name } });

async function createWorkspace(connection: Connection, parent: string, name: string): Promise<string> {
  const answer = expectStatus(
    await connection.request("POST", workspacesOf(parent), workspaceBody(name)),
    201,
  );
  return (JSON.parse(answer.body.toString("utf8")) as { spec: { cluster: string } }).spec.cluster;
}

export function diskBytes(directory: string): number {
  let sum = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return sum;
}

/** Creates workspaces `from` to `to` under `parent`; answers some of their cluster names. */
export async function createMany(
  report: Report,
  server: RunningServer,
  parent: string,
  from: number,
  to: number,
): Promise<string[]> {
  const connections = connectionsTo(server, 16);
  const sample: string[] = [];
  const before = privateBytes(server.pids[0]!);
  const { result, cpu } = await withServerCpu(server, () =>
    inParallel(to - from, 64, async (index, lane) => {
      const cluster = await createWorkspace(connections[lane % 16]!, parent, `w${from + index}`);
      if (index % Math.max(1, Math.floor((to - from) / 100)) === 0) sample.push(cluster);
    }),
  );
  for (const connection of connections) connection.close();
  report.add(`create workspaces ${from} to ${to}`, server.name, {
    "per second": (to - from) / result.seconds,
    "per CPU second": (to - from) / cpu,
    "p50 ms": percentile(result.latenciesMs, 0.5),
    "p99 ms": percentile(result.latenciesMs, 0.99),
    "private MiB before": before / 2 ** 20,
    "private MiB after": privateBytes(server.pids[0]!) / 2 ** 20,
    "disk MiB": diskBytes(server.dataDirectory) / 2 ** 20,
  });
  return sample;
}

/** GET and LIST inside random workspaces. */
export async function readInside(
  report: Report,
  server: RunningServer,
  clusters: readonly string[],
  label: string,
): Promise<void> {
  const connections = connectionsTo(server, 4);
  const paths = {
    GET: "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
    LIST: "/api/v1/configmaps",
  } as const;
  for (const [name, path] of Object.entries(paths)) {
    const result = await inParallel(4_000, 4, async (_, lane) => {
      const cluster = clusters[Math.floor(Math.random() * clusters.length)]!;
      expectStatus(await connections[lane]!.request("GET", `/clusters/${cluster}${path}`), 200);
    });
    report.add(`${name} in a random workspace, ${label}`, server.name, {
      "p50 ms": percentile(result.latenciesMs, 0.5),
      "p99 ms": percentile(result.latenciesMs, 0.99),
    });
  }
  for (const connection of connections) connection.close();
}

/** A tree: one workspace with `width` children, each with as many children as it takes to have `total` in all. */
export async function deleteTree(report: Report, server: RunningServer, total: number): Promise<void> {
  const connections = connectionsTo(server, 16);
  const [first] = connections;
  const top = await createWorkspace(first!, "root", `tree-${Date.now().toString(36)}`);
  const path = `${workspacesOf("root")}`;
  const listed = JSON.parse((await first!.request("GET", path)).body.toString("utf8")) as {
    items: { metadata: { name: string }; spec: { cluster: string } }[];
  };
  const name = listed.items.find((item) => item.spec.cluster === top)!.metadata.name;
  const width = 100;
  const middles: string[] = [];
  await inParallel(width, 16, async (index, lane) => {
    middles.push(await createWorkspace(connections[lane]!, top, `m${index}`));
  });
  const leaves = total - width - 1;
  await inParallel(leaves, 64, async (index, lane) => {
    await createWorkspace(connections[lane % 16]!, middles[index % width]!, `l${index}`);
  });
  const { result, cpu } = await withServerCpu(server, async () => {
    const started = performance.now();
    expectStatus(await first!.request("DELETE", `${path}/${name}`), 200);
    while ((await first!.request("GET", `${path}/${name}`)).status !== 404) {
      if (performance.now() - started > 300_000) throw new Error("the tree is still there after 300 s");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return (performance.now() - started) / 1_000;
  });
  report.add(`delete a tree of ${total} workspaces`, server.name, { seconds: result, "CPU seconds": cpu });
  for (const connection of connections) connection.close();
}

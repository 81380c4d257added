/** Many watches, one in each workspace, resumed at their revisions after a restart while writes go on. */
import { type Connection, expectStatus, inParallel } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import type { Report } from "../lib/report.ts";
import { connectionsTo, type RunningServer, startMyriad } from "../lib/servers.ts";
import { configMap } from "./requests.ts";

interface Watcher {
  readonly cluster: string;
  /** Last revision seen. */
  revision: number;
  readonly seen: Set<string>;
  repeated: number;
  live: boolean;
}

const watchesPerConnection = 200;

/** `clusters` exist in `directory`; the server there is started, restarted and stopped here. */
export async function resume(
  report: Report,
  directory: string,
  clusters: readonly string[],
  writesPerSecond: number,
): Promise<void> {
  let server = await startMyriad({ directory });
  const probe = connectionsTo(server, 1)[0]!;
  const watchers: Watcher[] = [];
  for (const cluster of clusters)
    watchers.push({ cluster, revision: 0, seen: new Set(), repeated: 0, live: false });
  const list = JSON.parse(
    expectStatus(await probe.request("GET", `${path(clusters[0]!)}?limit=1`), 200).body.toString("utf8"),
  ) as { metadata: { resourceVersion: string } };
  for (const watcher of watchers) watcher.revision = Number(list.metadata.resourceVersion);
  probe.close();

  let connections = await openAll(server, watchers);
  const written = new Map<string, string>();
  await write(server, clusters, writesPerSecond, 3, written);
  for (const connection of connections) connection.close();
  await server.stop();
  for (const watcher of watchers) watcher.live = false;

  server = await startMyriad({ directory });
  const before = privateBytes(server.pids[0]!);
  const restarted = performance.now();
  const writing = write(server, clusters, writesPerSecond, 20, written);
  connections = await openAll(server, watchers);
  const allLive = (performance.now() - restarted) / 1_000;
  const after = privateBytes(server.pids[0]!);
  await writing;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const byCluster = new Map(watchers.map((watcher) => [watcher.cluster, watcher]));
  let lost = 0;
  for (const [name, cluster] of written) if (byCluster.get(cluster)?.seen.has(name) !== true) lost++;
  report.add(`${clusters.length} watches resumed, ${writesPerSecond} writes a second`, server.name, {
    "seconds until all live": allLive,
    lost,
    repeated: watchers.reduce((sum, watcher) => sum + watcher.repeated, 0),
    "KiB for each watch": (after - before) / 1_024 / clusters.length,
    written: written.size,
  });
  for (const connection of connections) connection.close();
  await server.stop();
}

const path = (cluster: string): string => `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;

/** Opens a watch for each at its revision; resolves when all were answered. */
async function openAll(server: RunningServer, watchers: readonly Watcher[]): Promise<Connection[]> {
  const connections = connectionsTo(server, Math.ceil(watchers.length / watchesPerConnection));
  await inParallel(watchers.length, 256, (index) => {
    const watcher = watchers[index]!;
    const connection = connections[Math.floor(index / watchesPerConnection)]!;
    return new Promise<void>((resolve, reject) => {
      const query = `watch=true&resourceVersion=${watcher.revision}&timeoutSeconds=900`;
      const stream = connection.open("GET", `${path(watcher.cluster)}?${query}`);
      let rest = "";
      stream.setEncoding("utf8");
      stream.on("response", (headers) => {
        watcher.live = Number(headers[":status"]) === 200;
        if (watcher.live) resolve();
        else reject(new Error(`a watch was answered with ${headers[":status"]}`));
      });
      stream.on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) note(watcher, line);
      });
      stream.on("error", () => undefined);
      stream.end();
    });
  });
  return connections;
}

function note(watcher: Watcher, line: string): void {
  const event = JSON.parse(line) as {
    type: string;
    object: { metadata: { name: string; resourceVersion: string } };
  };
  if (event.type === "ERROR") throw new Error(`a watch ended with an error: ${line}`);
  const { name, resourceVersion } = event.object.metadata;
  if (watcher.seen.has(name)) watcher.repeated++;
  watcher.seen.add(name);
  watcher.revision = Math.max(watcher.revision, Number(resourceVersion));
}

async function write(
  server: RunningServer,
  clusters: readonly string[],
  perSecond: number,
  seconds: number,
  written: Map<string, string>,
): Promise<void> {
  const [connection] = connectionsTo(server, 1);
  const started = performance.now();
  const run = started.toString(36).replace(".", "");
  const pending: Promise<void>[] = [];
  for (let i = 0; i < perSecond * seconds; i++) {
    const wait = started + (i * 1_000) / perSecond - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const cluster = clusters[(i * 7919) % clusters.length]!;
    const name = `r-${run}-${i}`;
    pending.push(
      connection!.request("POST", path(cluster), configMap(name, "1")).then((answer) => {
        expectStatus(answer, 201);
        written.set(name, cluster);
      }),
    );
  }
  await Promise.all(pending);
  connection!.close();
}

/** Single requests: GET, create, update, merge patch of 1 KB ConfigMaps. */
import { type Connection, expectStatus, inParallel, percentile } from "../lib/http2-client.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";

const filler = "x".repeat(700);

export const configMap = (name: string, value: string, labels?: Record<string, string>): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(labels && { labels }) },
    data: { value, filler },
  });

export const collection = (server: RunningServer): string =>
  `${server.prefix}/api/v1/namespaces/default/configmaps`;

export type Work = (connection: Connection, index: number) => Promise<void>;

export interface Clients {
  readonly connections: number;
  /** Requests at a time, over all connections. */
  readonly width: number;
}

async function measure(
  report: Report,
  scenario: string,
  server: RunningServer,
  count: number,
  clients: Clients,
  work: Work,
): Promise<void> {
  report.add(scenario, server.name, await loadWith(server, count, clients, work));
}

export type Rates = Record<"per second" | "per CPU second" | "p50 ms" | "p99 ms", number>;

/** Does `work` `count` times, warmed up by indices below 0, and tells its rates and latencies. */
export async function loadWith(
  server: RunningServer,
  count: number,
  options: Clients,
  work: Work,
): Promise<Rates> {
  const connections = connectionsTo(server, options.connections);
  try {
    // Connections, caches and compiled code are warm before the clock runs.
    await inParallel(Math.min(count, options.width * 20), options.width, (index, lane) =>
      work(connections[lane % connections.length]!, -1 - index),
    );
    const { result, cpu } = await withServerCpu(server, () =>
      inParallel(count, options.width, (index, lane) => work(connections[lane % connections.length]!, index)),
    );
    return {
      "per second": count / result.seconds,
      "per CPU second": count / cpu,
      "p50 ms": percentile(result.latenciesMs, 0.5),
      "p99 ms": percentile(result.latenciesMs, 0.99),
    };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** GET of one 1 KB object, from 32 connections and as 32 streams of one; `path` differs for the empty handler. */
export async function reads(report: Report, server: RunningServer, count: number): Promise<void> {
  const path =
    server.prefix === "" && server.name.startsWith("empty") ? "/" : `${collection(server)}/bench-read`;
  if (path !== "/") {
    const [connection] = connectionsTo(server, 1);
    expectStatus(
      await connection!.request("POST", collection(server), configMap("bench-read", "1")),
      201,
      409,
    );
    connection!.close();
  }
  const get: Work = async (connection) => {
    expectStatus(await connection.request("GET", path), 200);
  };
  await measure(report, "GET, 32 connections", server, count, { connections: 32, width: 32 }, get);
  await measure(
    report,
    "GET, 32 streams of one connection",
    server,
    count,
    { connections: 1, width: 32 },
    get,
  );
}

export async function writes(report: Report, server: RunningServer, count: number): Promise<void> {
  const base = collection(server);
  const run = Date.now().toString(36);
  const name = (index: number): string => (index < 0 ? `w-${run}-${-index}` : `c-${run}-${index}`);
  const clients = { connections: 32, width: 64 };
  await measure(report, "create, 64 clients", server, count, clients, async (connection, index) => {
    expectStatus(await connection.request("POST", base, configMap(name(index), "1")), 201);
  });
  await measure(report, "update, 64 clients", server, count, clients, async (connection, index) => {
    const path = `${base}/${name(Math.abs(index) % count)}`;
    expectStatus(
      await connection.request("PUT", path, configMap(name(Math.abs(index) % count), `u${index}`)),
      200,
    );
  });
  await measure(report, "merge patch, 64 clients", server, count, clients, async (connection, index) => {
    const path = `${base}/${name(Math.abs(index) % count)}`;
    const patch = JSON.stringify({ data: { value: `p${index}` } });
    expectStatus(await connection.request("PATCH", path, patch, "application/merge-patch+json"), 200);
  });
}

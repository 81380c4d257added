/** Server-side apply beside plain updates, of 1 KB ConfigMaps and of Deployments: nothing changes, one field changes. */
import { type Connection, expectStatus, inParallel, percentile } from "../lib/http2-client.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";
import { collection, configMap } from "./requests.ts";

const apply = "application/apply-patch+yaml";
const clients = { connections: 32, width: 64 };

type Work = (connection: Connection, index: number) => Promise<void>;

export async function applies(report: Report, server: RunningServer, count: number): Promise<void> {
  const connections = connectionsTo(server, clients.connections);
  const measure = async (scenario: string, work: Work): Promise<void> => {
    const lane = (index: number, of: number) => work(connections[of % connections.length]!, index);
    await inParallel(Math.min(count, clients.width * 20), clients.width, lane);
    const { result, cpu } = await withServerCpu(server, () => inParallel(count, clients.width, lane));
    report.add(scenario, server.name, {
      "per second": count / result.seconds,
      "per CPU second": count / cpu,
      "p50 ms": percentile(result.latenciesMs, 0.5),
      "p99 ms": percentile(result.latenciesMs, 0.99),
    });
  };
  const run = Date.now().toString(36);
  const name = (index: number): string => `a-${run}-${index}`;
  const path = (index: number): string => `${collection(server)}/${name(index)}`;
  const query = "?fieldManager=bench";
  const ok = async (answer: ReturnType<Connection["request"]>): Promise<void> => {
    expectStatus(await answer, 200, 201);
  };
  try {
    await measure("apply that creates, 64 clients", (connection, index) =>
      ok(connection.request("PATCH", path(index) + query, configMap(name(index), "1"), apply)),
    );
    await measure("apply that changes nothing, 64 clients", (connection, index) =>
      ok(connection.request("PATCH", path(index) + query, configMap(name(index), "1"), apply)),
    );
    let round = 0;
    await measure("apply of one field, 64 clients", (connection, index) =>
      ok(connection.request("PATCH", path(index) + query, configMap(name(index), `a${round++}`), apply)),
    );
    await measure("update of one field, 64 clients", (connection, index) =>
      ok(connection.request("PUT", path(index) + query, configMap(name(index), `u${round++}`))),
    );
  } finally {
    for (const connection of connections) connection.close();
  }
}

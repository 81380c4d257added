/** One definition in very many workspaces: what it costs to make, what it holds while nobody uses it, and once all have. */
import { expectStatus, inParallel } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer, startMyriad } from "../lib/servers.ts";
import { distinctDefinition } from "./custom.ts";
import { createMany, diskBytes } from "./workspaces.ts";

const MiB = 1024 * 1024;

/** The server of `directory` gets `total` workspaces with the same definition of 11 KB, and is started once more. */
export async function sharedDefinition(report: Report, directory: string, total: number): Promise<void> {
  let server = await startMyriad({ directory });
  await createMany(report, server, "root", 0, total);
  const { plural, group, body } = distinctDefinition(0);
  const object = JSON.stringify({
    apiVersion: `${group}/v1`,
    kind: "Thing0",
    metadata: { name: "first" },
    spec: { field1: true },
  });
  const everywhere = async (title: string, path: string, text: string): Promise<void> => {
    const connections = connectionsTo(server, 16);
    const before = privateBytes(server.pids[0]!);
    const { result, cpu } = await withServerCpu(server, () =>
      inParallel(total, 64, async (index, lane) => {
        const to = `/clusters/root:w${index}${path}`;
        expectStatus(await connections[lane % 16]!.request("POST", to, text), 201);
      }),
    );
    for (const connection of connections) connection.close();
    const after = privateBytes(server.pids[0]!);
    report.add(`${title}, in ${total} workspaces`, server.name, {
      "per second": total / result.seconds,
      "per CPU second": total / cpu,
      "private MiB before": before / MiB,
      "private MiB after": after / MiB,
      "bytes for each": (after - before) / total,
      "disk MiB": diskBytes(directory) / MiB,
    });
  };
  await everywhere("the same definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body);
  server = await again(report, server, directory, `start, ${total} workspaces with the definition`);
  await everywhere("an object of it", `/apis/${group}/v1/namespaces/default/${plural}`, object);
  server = await again(report, server, directory, `start, ${total} workspaces with an object of it`);
  await server.stop();
}

async function again(
  report: Report,
  running: RunningServer,
  directory: string,
  title: string,
): Promise<RunningServer> {
  await running.stop();
  const server = await startMyriad({ directory });
  report.add(title, server.name, {
    "ready ms": server.readyMs,
    "private MiB": privateBytes(server.pids[0]!) / MiB,
  });
  return server;
}

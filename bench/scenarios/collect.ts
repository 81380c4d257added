/** Garbage collection: one owner with many dependents, deleted in the background and in the foreground. */
import { type Connection, expectStatus, inParallel } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";

const path = "/api/v1/namespaces/default/configmaps";
const sampleEveryMs = 250;

export async function collect(report: Report, server: RunningServer, count: number): Promise<void> {
  const connections = connectionsTo(server, 4);
  for (const policy of ["Background", "Foreground"]) {
    await createFamily(server, connections, count, policy === "Foreground");
    const before = privateBytes(server.pids[0]!);
    let most = before;
    let slowest = 0;
    const started = performance.now();
    const { cpu } = await withServerCpu(server, async () => {
      const query = `propagationPolicy=${policy}`;
      expectStatus(await connections[0]!.request("DELETE", `${server.prefix}${path}/owner?${query}`), 200);
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, sampleEveryMs));
        const asked = performance.now();
        const left = await remaining(server, connections[0]!);
        slowest = Math.max(slowest, performance.now() - asked);
        most = Math.max(most, privateBytes(server.pids[0]!));
        if (left === 0) break;
      }
    });
    const seconds = (performance.now() - started) / 1_000;
    report.add(`${count} dependents of one owner, ${policy}`, server.name, {
      seconds,
      "objects a second": count / seconds,
      "CPU seconds": cpu,
      "growth MiB": (most - before) / 2 ** 20,
      "slowest other request ms": slowest,
    });
  }
  for (const connection of connections) connection.close();
}

async function createFamily(
  server: RunningServer,
  connections: readonly Connection[],
  count: number,
  blocking: boolean,
): Promise<void> {
  const body = (name: string, ownerReferences?: object[]) =>
    JSON.stringify({
      metadata: { name, ...(ownerReferences && { ownerReferences }), labels: { family: "collect" } },
    });
  const answer = expectStatus(
    await connections[0]!.request("POST", server.prefix + path, body("owner")),
    201,
  );
  const { uid } = (JSON.parse(answer.body.toString("utf8")) as { metadata: { uid: string } }).metadata;
  const owners = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, blockOwnerDeletion: blocking }];
  await inParallel(count, 64, async (index) => {
    const connection = connections[index % connections.length]!;
    const name = `d-${String(index).padStart(6, "0")}`;
    expectStatus(await connection.request("POST", server.prefix + path, body(name, owners)), 201);
  });
}

/** Objects of the family that are left, the owner included; told by a page of one. */
async function remaining(server: RunningServer, connection: Connection): Promise<number> {
  const page = `${server.prefix}${path}?limit=1&labelSelector=family=collect`;
  const list = JSON.parse(expectStatus(await connection.request("GET", page), 200).body.toString("utf8")) as {
    items: unknown[];
  };
  return list.items.length;
}

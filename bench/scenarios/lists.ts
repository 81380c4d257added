/** LIST of a large collection: with a selector that matches nothing, and paged. */
import { expectStatus, inParallel } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";
import { configMap } from "./requests.ts";

const MiB = 1024 * 1024;

export async function lists(report: Report, server: RunningServer, objects: number): Promise<void> {
  const connections = connectionsTo(server, 8);
  const [first] = connections;
  const namespace = `${server.prefix}/api/v1/namespaces`;
  expectStatus(
    await first!.request("POST", namespace, JSON.stringify({ metadata: { name: "bench-lists" } })),
    201,
    409,
  );
  const base = `${namespace}/bench-lists/configmaps`;
  await inParallel(objects, 64, async (index, lane) => {
    const body = configMap(`l-${index}`, "1", { app: `app-${index % 100}` });
    expectStatus(await connections[lane % 8]!.request("POST", base, body), 201, 409);
  });
  const memory = (): number => server.pids.reduce((sum, pid) => sum + privateBytes(pid), 0);
  const before = memory();
  let peak = before;
  const watchMemory = setInterval(() => {
    peak = Math.max(peak, memory());
  }, 20);
  await time("LIST, selector that matches none", async () => {
    const answer = expectStatus(await first!.request("GET", `${base}?labelSelector=app%3Dnobody`), 200);
    if (!answer.body.includes('"items":[]')) throw new Error("the selector matched something");
  });
  await time("LIST, paged by 500", async () => {
    let token = "";
    let seen = 0;
    do {
      const answer = expectStatus(
        await first!.request("GET", `${base}?limit=500${token === "" ? "" : `&continue=${token}`}`),
        200,
      );
      const page = JSON.parse(answer.body.toString("utf8")) as {
        metadata: { continue?: string };
        items: unknown[];
      };
      seen += page.items.length;
      token = page.metadata.continue ?? "";
    } while (token !== "");
    if (seen < objects) throw new Error(`paged through ${seen} of ${objects}`);
  });
  clearInterval(watchMemory);
  report.add(`memory growth while listing ${objects}`, server.name, { MiB: (peak - before) / MiB });
  let bytes = 0;
  const { cpu } = await withServerCpu(server, async () => {
    for (let round = 0; round < 3; round++) bytes += (await first!.request("GET", base)).body.length;
  });
  report.add("LIST, whole", server.name, { "MB per CPU second": bytes / 1e6 / cpu });
  for (const connection of connections) connection.close();

  async function time(scenario: string, work: () => Promise<void>): Promise<void> {
    await work();
    const { result, cpu } = await withServerCpu(server, async () => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    });
    report.add(`${scenario} (${objects} x 1 KB)`, server.name, { ms: result, "CPU ms": cpu * 1_000 });
  }
}

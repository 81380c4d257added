/** Watchers of one collection while it is written: no event lost, how late, how much CPU. */
import { StringDecoder } from "node:string_decoder";
import { expectStatus, percentile } from "../lib/http2-client.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";
import { configMap } from "./requests.ts";

export async function watches(
  report: Report,
  server: RunningServer,
  options: { readonly watchers: number; readonly perSecond: number; readonly seconds: number },
): Promise<void> {
  const { watchers, perSecond, seconds } = options;
  const connections = connectionsTo(server, 10);
  const [writer] = connections;
  const namespaces = `${server.prefix}/api/v1/namespaces`;
  expectStatus(
    await writer!.request("POST", namespaces, JSON.stringify({ metadata: { name: "bench-watch" } })),
    201,
    409,
  );
  const base = `${namespaces}/bench-watch/configmaps`;
  const list = JSON.parse((await writer!.request("GET", `${base}?limit=1`)).body.toString("utf8")) as {
    metadata: { resourceVersion: string };
  };
  const total = perSecond * seconds;
  const sentAt = new Float64Array(total);
  const lags: number[] = [];
  const received = new Int32Array(watchers);
  const streams = Array.from({ length: watchers }, (_, index) => {
    const path = `${base}?watch=true&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=600`;
    const stream = connections[index % connections.length]!.open("GET", path);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const now = performance.now();
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const at = line.indexOf('"value":"n');
        if (at < 0) continue;
        received[index]!++;
        lags.push(now - sentAt[Number.parseInt(line.slice(at + 10), 10)]!);
      }
    });
    stream.on("error", () => undefined);
    stream.end();
    return stream;
  });
  const run = Date.now().toString(36);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { result, cpu } = await withServerCpu(server, async () => {
    const started = performance.now();
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < total; i++) {
      const due = started + (i * 1_000) / perSecond;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      sentAt[i] = performance.now();
      writes.push(
        writer!
          .request("POST", base, configMap(`w-${run}-${i}`, `n${i}`))
          .then((answer) => expectStatus(answer, 201)),
      );
    }
    await Promise.all(writes);
    const patience = performance.now() + 10_000;
    while (received.some((count) => count < total) && performance.now() < patience) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return (performance.now() - started) / 1_000;
  });
  const missing = received.reduce((sum, count) => sum + (total - count), 0);
  report.add(`${watchers} watchers, ${perSecond} writes a second`, server.name, {
    "events lost": missing,
    "events per second": (watchers * total) / result,
    "events per CPU second": (watchers * total) / cpu,
    "lag p50 ms": percentile(Float64Array.from(lags), 0.5),
    "lag p99 ms": percentile(Float64Array.from(lags), 0.99),
  });
  for (const stream of streams) stream.close();
  for (const connection of connections) connection.close();
}

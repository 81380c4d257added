/** How long costly requests, broken ones and such as are only large, hold the event loop, and whether memory comes back after them. */
import { setTimeout as delay } from "node:timers/promises";
import { type Connection, expectStatus, inParallel } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import type { Report } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";
import { costlyReads, costlyReadsNeed, type Send } from "./costly-reads.ts";
import { type CostlyRequest, costlyRequests, thingDefinition } from "./costly-requests.ts";

/** Times that each request is sent while the loop is watched. */
const times = 3;
/** The second thread ends twenty seconds after its last request; collectors take a little longer. */
const settleMs = 30_000;
/** Ordinary objects that are created, read and patched before, so that the server is warm when its memory is looked at. */
const ordinaryObjects = 4_000;

/** `rounds`: how often all requests are sent, with a look at the memory after each time. */
export async function badInput(report: Report, server: RunningServer, rounds: number): Promise<void> {
  const [sender] = connectionsTo(server, 1) as [Connection];
  const { held } = server;
  if (held === undefined) throw new Error("bad input: the server's loop is not watched");
  const requests = costlyRequests();
  await send(sender, server, thingDefinition);
  const started = privateBytes(server.pids[0]!);
  await serveOrdinary(sender, server);
  const atOnce = privateBytes(server.pids[0]!);
  await delay(settleMs);
  await held();
  await delay(2_000);
  report.add("bad input: the loop when nothing happens", server.name, shown(await held()));
  const before = privateBytes(server.pids[0]!);
  let worst = 0;
  for (const request of requests) {
    const answers = new Map<number, number>();
    await held();
    const from = performance.now();
    for (let i = 0; i < times; i++) {
      const status = await send(sender, server, request);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
    const took = (performance.now() - from) / times;
    const loop = await held();
    worst = Math.max(worst, loop.heldCpuMs);
    const codes = Object.fromEntries([...answers].map(([status, count]) => [`answers ${status}`, count]));
    report.add(`bad input: ${request.name}`, server.name, {
      ...shown(loop),
      "answered in ms": took,
      ...codes,
    });
  }
  worst = Math.max(worst, await measureReads(report, server, sender, held));
  report.add("bad input: the worst of them", server.name, { "held for ms of CPU time": worst });
  const memory: Record<string, number> = {
    "MiB started": started / 2 ** 20,
    "MiB after ordinary requests": atOnce / 2 ** 20,
    "MiB before, half a minute later": before / 2 ** 20,
  };
  for (let round = 1; round <= rounds; round++) {
    if (round > 1) for (const request of requests) await send(sender, server, request);
    await delay(settleMs);
    memory[`MiB after round ${round}`] = privateBytes(server.pids[0]!) / 2 ** 20;
  }
  report.add("bad input: private memory", server.name, memory);
  sender.close();
}

/** Answers the longest hold of all, in milliseconds of CPU time. */
async function measureReads(
  report: Report,
  server: RunningServer,
  sender: Connection,
  held: NonNullable<RunningServer["held"]>,
): Promise<number> {
  const ask: Send = (request) => send(sender, server, request);
  for (const request of costlyReadsNeed()) await ask(request);
  let worst = 0;
  for (const { request, before, settleMs = 0 } of costlyReads()) {
    let [heldMs, heldCpuMs] = [0, 0];
    for (let i = 0; i < times; i++) {
      await before?.(ask);
      await delay(settleMs);
      await held();
      await ask(request);
      await delay(settleMs);
      const loop = await held();
      heldMs = Math.max(heldMs, loop.heldMs);
      heldCpuMs = Math.max(heldCpuMs, loop.heldCpuMs);
    }
    worst = Math.max(worst, heldCpuMs);
    report.add(`bad input: ${request.name}`, server.name, shown({ heldMs, heldCpuMs }));
  }
  return worst;
}

async function serveOrdinary(sender: Connection, server: RunningServer): Promise<void> {
  const collection = `${server.prefix}/api/v1/namespaces/default/configmaps`;
  const filler = "x".repeat(700);
  await inParallel(ordinaryObjects, 16, async (index) => {
    const path = `${collection}/ordinary-${index}`;
    const metadata = { name: `ordinary-${index}` };
    const applied = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "b" } });
    expectStatus(
      await sender.request("POST", collection, JSON.stringify({ metadata, data: { filler } })),
      201,
    );
    expectStatus(await sender.request("GET", path), 200);
    const apply = `${path}?fieldManager=bench&force=true`;
    expectStatus(await sender.request("PATCH", apply, applied, "application/apply-patch+yaml"), 200);
  });
}

const shown = ({ heldMs, heldCpuMs }: { readonly heldMs: number; readonly heldCpuMs: number }) => ({
  "loop held for ms": heldMs,
  "of CPU time": heldCpuMs,
});

async function send(sender: Connection, server: RunningServer, request: CostlyRequest): Promise<number> {
  const { method, path, body, type } = request;
  const { status } = await sender.request(
    method,
    server.prefix + path,
    body.length === 0 ? undefined : body,
    type,
  );
  return status;
}

/**
 * `node bench/run.ts [--quick] [--only a,b] [--workspaces N] [--peer NAME,KUBECONFIG,PID[,PID]]`
 *
 * Scenarios: start, reads, writes, applies, lists, watches, audit, bad-input, custom, definitions, shared-definition, schemas, collect, workspaces, tree, resume.
 * Client and server share the machine's cores; so beside rates, operations per second of *server CPU time* are told. A peer that
 * runs already (kube-apiserver and its etcd) gets the same reads, writes, lists and watches in the same run.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { privateBytes } from "./lib/process.ts";
import { Report } from "./lib/report.ts";
import { peer, type RunningServer, scratch, startEmptyHandler, startMyriad } from "./lib/servers.ts";
import { applies } from "./scenarios/applies.ts";
import { auditCosts } from "./scenarios/audit.ts";
import { badInput } from "./scenarios/bad-input.ts";
import { collect } from "./scenarios/collect.ts";
import { customCreates, manyDefinitions } from "./scenarios/custom.ts";
import { lists } from "./scenarios/lists.ts";
import { reads, writes } from "./scenarios/requests.ts";
import { resume } from "./scenarios/resume.ts";
import { schemaMemory } from "./scenarios/schemas.ts";
import { sharedDefinition } from "./scenarios/shared-definition.ts";
import { watches } from "./scenarios/watches.ts";
import { createMany, deleteTree, diskBytes, readInside } from "./scenarios/workspaces.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    workspaces: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
  },
});
const quick = values.quick;
const only = values.only?.split(",");
const wants = (scenario: string): boolean => only === undefined || only.includes(scenario);
const report = new Report();
const peers = values.peer.map(peer);
process.stdout.write(
  `${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
);

if (wants("start")) {
  const ready: number[] = [];
  for (let i = 0; i < 5; i++) {
    const server = await startMyriad();
    ready.push(server.readyMs);
    if (i === 4)
      report.add("idle, empty", server.name, { "private MiB": privateBytes(server.pids[0]!) / 2 ** 20 });
    await server.stop();
  }
  ready.sort((a, b) => a - b);
  report.add("ready on an empty directory", "myriad", {
    "best ms": ready[0]!,
    "median ms": ready[2]!,
    "worst ms": ready[4]!,
  });
}

if (wants("reads") || wants("writes") || wants("applies") || wants("lists") || wants("watches")) {
  const server = await startMyriad();
  const all: RunningServer[] = [server, ...peers];
  if (wants("reads")) {
    const count = quick ? 10_000 : 60_000;
    const empty = await startEmptyHandler(1_024);
    await reads(report, empty, count);
    await empty.stop();
    for (const one of all) await reads(report, one, one === server ? count : Math.min(count, 20_000));
  }
  if (wants("writes")) for (const one of all) await writes(report, one, quick ? 3_000 : 15_000);
  if (wants("applies")) for (const one of all) await applies(report, one, quick ? 3_000 : 15_000);
  if (wants("watches")) {
    const options = { watchers: 100, perSecond: 200, seconds: quick ? 3 : 10 };
    for (const one of all) await watches(report, one, options);
  }
  if (wants("lists")) for (const one of all) await lists(report, one, quick ? 10_000 : 100_000);
  await server.stop();
}

if (wants("audit")) await auditCosts(report, quick ? 9 : 21, 1_000);

if (wants("collect")) {
  const server = await startMyriad();
  await collect(report, server, quick ? 10_000 : 100_000);
  await server.stop();
}

if (wants("bad-input")) {
  const server = await startMyriad({ watchLoop: true });
  await badInput(report, server, quick ? 2 : 5);
  await server.stop();
}

if (wants("custom")) {
  const server = await startMyriad();
  for (const one of [server, ...peers]) await customCreates(report, one, quick ? 3_000 : 15_000);
  await server.stop();
}

if (wants("definitions")) {
  const directory = scratch();
  await manyDefinitions(report, directory, quick ? 1_000 : 10_000);
  rmSync(directory, { recursive: true, force: true });
}

if (wants("shared-definition")) {
  const directory = scratch();
  await sharedDefinition(report, directory, Number(values.workspaces ?? (quick ? "1000" : "20000")));
  rmSync(directory, { recursive: true, force: true });
}

if (wants("schemas")) schemaMemory(report, quick ? 100 : 500);

if (wants("workspaces")) {
  const total = Number(values.workspaces ?? (quick ? "2000" : "20000"));
  const directory = scratch();
  let server = await startMyriad({ directory });
  const steps = [
    1_000, 10_000, 20_000, 50_000, 100_000, 200_000, 400_000, 600_000, 800_000, 900_000, 1_000_000,
  ];
  let clusters: string[] = [];
  let from = 0;
  for (const to of [...steps.filter((step) => step < total), total]) {
    const sample = await createMany(report, server, "root", from, to);
    clusters = from === 0 ? sample : [...clusters, ...sample];
    if (from === 0) await readInside(report, server, clusters, `${to} workspaces`);
    from = to;
  }
  await readInside(report, server, clusters, `${total} workspaces`);
  await server.stop();
  server = await startMyriad({ directory });
  report.add(`start with ${total} workspaces`, "myriad", {
    "ready ms": server.readyMs,
    "private MiB": privateBytes(server.pids[0]!) / 2 ** 20,
    "disk MiB": diskBytes(directory) / 2 ** 20,
  });
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}

if (wants("tree")) {
  const server = await startMyriad();
  await deleteTree(report, server, quick ? 1_000 : 10_000);
  await server.stop();
}

if (wants("resume")) {
  const count = quick ? 500 : 10_000;
  const directory = scratch();
  const server = await startMyriad({ directory });
  const clusters: string[] = [];
  await createMany(report, server, "root", 0, count).then(() => undefined);
  const { connectionsTo } = await import("./lib/servers.ts");
  const [connection] = connectionsTo(server, 1);
  let token = "";
  do {
    const answer = await connection!.request(
      "GET",
      `/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces?limit=500${token === "" ? "" : `&continue=${token}`}`,
    );
    const page = JSON.parse(answer.body.toString("utf8")) as {
      metadata: { continue?: string };
      items: { spec: { cluster: string } }[];
    };
    clusters.push(...page.items.map((item) => item.spec.cluster));
    token = page.metadata.continue ?? "";
  } while (token !== "");
  connection!.close();
  await server.stop();
  await resume(report, directory, clusters, quick ? 100 : 500);
  rmSync(directory, { recursive: true, force: true });
}

const results = join(import.meta.dirname, "results");
mkdirSync(results, { recursive: true });
const file = join(results, `${new Date().toISOString().replaceAll(":", "-")}.json`);
writeFileSync(
  file,
  `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, figures: report.figures }, null, 2)}\n`,
);
process.stdout.write(`written to ${file}\n`);

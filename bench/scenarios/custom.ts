/** Custom resources: creation with a large schema and rules, from a definition to its first object, ten thousand definitions. */
import { type Connection, expectStatus, inParallel } from "../lib/http2-client.ts";
import { cpuSeconds, privateBytes } from "../lib/process.ts";
import { type Report, withServerCpu } from "../lib/report.ts";
import { connectionsTo, type RunningServer, startMyriad } from "../lib/servers.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MiB = 1024 * 1024;

/** 200 fields in ten groups of twenty, and five rules. */
export function largeSchema(): object {
  const groups: Record<string, object> = {};
  for (let group = 0; group < 10; group++) {
    const properties: Record<string, object> = {};
    for (let field = 0; field < 19; field++) {
      properties[`field${field}`] =
        field % 3 === 0
          ? { type: "integer", minimum: 0, maximum: 1_000 }
          : field % 3 === 1
            ? { type: "string", maxLength: 64, pattern: "^[a-z0-9-]*$" }
            : { type: "boolean", default: true };
    }
    properties.list = { type: "array", maxItems: 16, items: { type: "string", maxLength: 32 } };
    groups[`group${group}`] = { type: "object", properties };
  }
  const rules = [
    "self.group0.field0 <= self.group1.field0",
    "self.group2.field1.startsWith('a')",
    "self.group3.list.all(item, item.size() <= 32)",
    "!has(self.group4.field3) || self.group4.field3 < 900",
    "self.group5.field0 + self.group5.field3 <= 2000",
  ];
  return {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: groups,
        "x-kubernetes-validations": rules.map((rule) => ({ rule })),
      },
    },
  };
}

export function largeSpec(): object {
  const spec: Record<string, object> = {};
  for (let group = 0; group < 10; group++) {
    const values: Record<string, unknown> = { list: ["a", "b", "c"] };
    for (let field = 0; field < 19; field++)
      values[`field${field}`] = field % 3 === 0 ? field : field % 3 === 1 ? `a-${field}` : true;
    spec[`group${group}`] = values;
  }
  return spec;
}

/** A definition of about 11 KB, no two of which have the same schema. */
export function distinctDefinition(index: number): { plural: string; group: string; body: string } {
  const group = `group${index % 100}.bench.example.com`;
  const plural = `things${index}`;
  const properties: Record<string, object> = { [`only${index}`]: { type: "string" } };
  const description = "What this field is for, at the length that descriptions in real definitions have. ";
  for (let i = 0; i < 27; i++) {
    properties[`field${i}`] = {
      description: description + (i % 2 === 0 ? description : ""),
      type: i % 4 === 0 ? "integer" : i % 4 === 1 ? "boolean" : "string",
      ...(i % 5 === 0 && { nullable: true }),
    };
    if (i % 8 === 7)
      properties[`list${i}`] = {
        description,
        type: "array",
        items: { type: "object", properties: { name: { type: "string" }, value: { type: "string" } } },
      };
  }
  const schema = {
    type: "object",
    properties: { spec: { type: "object", properties }, status: { type: "object", properties } },
  };
  const body = JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind: `Thing${index}` },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  });
  return { plural, group, body };
}

const firstObject = (index: number): string =>
  JSON.stringify({
    apiVersion: `group${index % 100}.bench.example.com/v1`,
    kind: `Thing${index}`,
    metadata: { name: "first" },
    spec: { field1: true },
  });

export async function customCreates(report: Report, server: RunningServer, count: number): Promise<void> {
  const connections = connectionsTo(server, 8);
  const [first] = connections;
  const body = JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "larges.bench.example.com" },
    spec: {
      group: "bench.example.com",
      scope: "Namespaced",
      names: { plural: "larges", kind: "Large" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: largeSchema() } }],
    },
  });
  expectStatus(await first!.request("POST", server.prefix + definitions, body), 201);
  const path = `${server.prefix}/apis/bench.example.com/v1/namespaces/default/larges`;
  const spec = largeSpec();
  const create = async (name: string, lane: number): Promise<void> => {
    const object = { apiVersion: "bench.example.com/v1", kind: "Large", metadata: { name }, spec };
    expectStatus(await connections[lane % 8]!.request("POST", path, JSON.stringify(object)), 201);
  };
  await waitFor(() => create("first", 0));
  await inParallel(500, 64, (index, lane) => create(`warm-${index}`, lane));
  const { result: seconds, cpu } = await withServerCpu(server, async () => {
    const started = performance.now();
    await inParallel(count, 64, (index, lane) => create(`c-${index}`, lane));
    return (performance.now() - started) / 1_000;
  });
  report.add("create a custom resource, 200 fields and five rules", server.name, {
    "per second": count / seconds,
    "per CPU second": count / cpu,
  });
  for (const connection of connections) connection.close();
}

/** A peer serves a new kind a moment later. */
async function waitFor(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Milliseconds from the POST of a definition to the first object that was created. */
async function firstObjects(
  server: RunningServer,
  connection: Connection,
  from: number,
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let index = from; index < from + count; index++) {
    const { plural, group, body } = distinctDefinition(index);
    const started = performance.now();
    expectStatus(await connection.request("POST", server.prefix + definitions, body), 201);
    const path = `${server.prefix}/apis/${group}/v1/namespaces/default/${plural}`;
    await waitFor(async () => {
      expectStatus(await connection.request("POST", path, firstObject(index)), 201);
    });
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;

/** The server of `directory` is started, filled, asked, and started once more. */
export async function manyDefinitions(report: Report, directory: string, total: number): Promise<void> {
  let server = await startMyriad({ directory });
  const pid = server.pids[0]!;
  const connections = connectionsTo(server, 4);
  const empty = privateBytes(pid);
  const few = await firstObjects(server, connections[0]!, 0, 100);
  report.add("from a definition's POST to its first object, few definitions", server.name, {
    "p50 ms": quantile(few, 0.5),
    "p99 ms": quantile(few, 0.99),
  });
  const size = distinctDefinition(0).body.length;
  const cpuBefore = cpuSeconds(pid);
  await inParallel(total - 200, 16, async (index, lane) => {
    const { body } = distinctDefinition(index + 100);
    expectStatus(await connections[lane % 4]!.request("POST", server.prefix + definitions, body), 201);
  });
  const created = (cpuSeconds(pid) - cpuBefore) / (total - 200);
  const many = await firstObjects(server, connections[0]!, total - 100, 100);
  report.add(`from a definition's POST to its first object, at ${total} definitions`, server.name, {
    "p50 ms": quantile(many, 0.5),
    "p99 ms": quantile(many, 0.99),
  });
  report.add(`${total} distinct definitions of ${(size / 1_000).toFixed(1)} KB`, server.name, {
    "CPU ms each": created * 1_000,
    "private MiB": privateBytes(pid) / MiB,
    "growth MiB": (privateBytes(pid) - empty) / MiB,
  });
  const used = cpuSeconds(pid);
  await inParallel(total - 200, 16, async (index, lane) => {
    const { plural, group } = distinctDefinition(index + 100);
    const path = `${server.prefix}/apis/${group}/v1/namespaces/default/${plural}`;
    expectStatus(await connections[lane % 4]!.request("POST", path, firstObject(index + 100)), 201);
  });
  report.add(`an object of each of ${total} definitions`, server.name, {
    "CPU ms each": ((cpuSeconds(pid) - used) / (total - 200)) * 1_000,
    "private MiB": privateBytes(pid) / MiB,
  });
  for (const document of ["/apis", "/openapi/v3", "/openapi/v2"]) {
    const started = performance.now();
    const { result, cpu } = await withServerCpu(server, async () =>
      expectStatus(await connections[0]!.request("GET", server.prefix + document), 200),
    );
    report.add(`${document} with ${total} definitions`, server.name, {
      ms: performance.now() - started,
      "CPU ms": cpu * 1_000,
      MB: result.body.length / 1e6,
      "private MiB": privateBytes(pid) / MiB,
    });
  }
  for (const connection of connections) connection.close();
  await server.stop();
  server = await startMyriad({ directory });
  report.add(`start with ${total} definitions`, server.name, {
    "ready ms": server.readyMs,
    "private MiB": privateBytes(server.pids[0]!) / MiB,
  });
  await server.stop();
}

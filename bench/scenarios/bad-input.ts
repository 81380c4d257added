/** How long the costliest bad requests keep others waiting, and whether memory comes back to where it was. */
import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../lib/http2-client.ts";
import { privateBytes } from "../lib/process.ts";
import type { Report } from "../lib/report.ts";
import { connectionsTo, type RunningServer } from "../lib/servers.ts";

const rounds = 20;
const probeEveryMs = 2;

interface BadRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly type: string;
}

/** Each is a request that upstream refuses too, as large or as deep as it gets through. */
export async function badInput(report: Report, server: RunningServer): Promise<void> {
  const [probe, sender] = connectionsTo(server, 2) as [Connection, Connection];
  const path = `${server.prefix}/api/v1/namespaces/default/configmaps`;
  const quiet = await longestWait(probe, `${path}?limit=1`, () => delay(1_000));
  report.add("bad input: longest wait of another request when nothing happens", server.name, { ms: quiet });
  const before = privateBytes(server.pids[0]!);
  for (const request of requests()) {
    const answers = new Map<number, number>();
    const wait = await longestWait(probe, `${path}?limit=1`, async () => {
      for (let i = 0; i < rounds; i++) {
        const { status } = await sender.request(
          request.method,
          server.prefix + request.path,
          request.body,
          request.type,
        );
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    const codes = Object.fromEntries([...answers].map(([status, count]) => [`answers ${status}`, count]));
    report.add(`bad input: ${request.name}`, server.name, { "longest wait of another ms": wait, ...codes });
  }
  // The collector of the engine takes its time.
  await delay(10_000);
  report.add("bad input: private memory", server.name, {
    "MiB before": before / 2 ** 20,
    "MiB after": privateBytes(server.pids[0]!) / 2 ** 20,
  });
  probe.close();
  sender.close();
}

/** Milliseconds of the slowest probe while something goes on. */
async function longestWait(probe: Connection, path: string, work: () => Promise<unknown>): Promise<number> {
  let done = false;
  let longest = 0;
  const working = work().finally(() => {
    done = true;
  });
  while (!done) {
    const start = performance.now();
    await probe.request("GET", path);
    longest = Math.max(longest, performance.now() - start);
    await delay(probeEveryMs);
  }
  await working;
  return longest;
}

function requests(): BadRequest[] {
  const json = "application/json";
  const configMaps = "/api/v1/namespaces/default/configmaps";
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
  const patch = (name: string, type: string, body: string): BadRequest => ({
    name,
    method: "PATCH",
    path: `${configMaps}/kube-root-ca.crt?dryRun=All&fieldManager=bench`,
    body,
    type: `application/${type}`,
  });
  const post = (name: string, path: string, body: string, type = json): BadRequest => ({
    name,
    method: "POST",
    path,
    body,
    type,
  });
  const megabytes = "x".repeat(2_900_000);
  const keys = JSON.stringify({
    data: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`!k${i}`, ""])),
  });
  const yaml = Array.from({ length: 9 }, (_, i) => {
    const name = "bcdefghij"[i];
    return `${name}: &${name} [${`*${"abcdefghi"[i]},`.repeat(9)}]`;
  });
  const moving = Array.from({ length: 10_000 }, () => ({
    op: "add",
    path: "/metadata/finalizers/0",
    value: "a/b",
  }));
  const owners = Array.from({ length: 20_000 }, (_, i) => ({
    uid: `u${i}`,
    name: "n",
    kind: "K",
    apiVersion: "v1",
  }));
  return [
    post("2.9 MB that is no JSON", configMaps, `{"data":{"a":"${megabytes}`),
    post("brackets, 1 MB deep", configMaps, "[".repeat(1_000_000)),
    post("100,000 bad keys", configMaps, keys),
    post("a YAML bomb", configMaps, `a: &a [${"x,".repeat(100)}]\n${yaml.join("\n")}`, "application/yaml"),
    patch("a JSON patch of 10,000 insertions", "json-patch+json", JSON.stringify(moving)),
    patch(
      "a strategic merge of 20,000 owners in an order",
      "strategic-merge-patch+json",
      JSON.stringify({
        metadata: {
          ownerReferences: owners,
          "$setElementOrder/ownerReferences": owners.map(({ uid }) => ({ uid })),
        },
      }),
    ),
    patch("an apply of 100,000 fields", "apply-patch+yaml", keys),
    post("a definition of 20,000 fields", definitions, definition(wide(20_000))),
    post("a definition with a schema 900 deep", definitions, definition(deep(900))),
    ...Object.entries(expressions()).map(([name, rule]) =>
      post(
        `a rule: ${name}`,
        definitions,
        definition({ ...wide(3), "x-kubernetes-validations": [{ rule }] }),
      ),
    ),
  ];
}

const expressions = (): Record<string, string> => ({
  "parentheses, 100,000 deep": "(".repeat(100_000),
  "60,000 additions": `${Array.from({ length: 60_000 }, () => "1").join("+")} > 0`,
  "nested loops": `${"[1,2,3].all(x, ".repeat(12)}true${")".repeat(12)}`,
  "a bad pattern": `'a'.matches('${"(a+)+".repeat(5_000)}$')`,
  "200 KB of words": `self.${"a b ".repeat(50_000)}`,
});

function wide(count: number): object {
  const properties = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`f${i}`, { type: "string", default: 1, pattern: "(" }]),
  );
  return { type: "object", properties };
}

function deep(levels: number): object {
  let schema: object = { type: "string" };
  for (let i = 0; i < levels; i++)
    schema = { type: "object", properties: { a: schema }, not: { type: "string" } };
  return schema;
}

function definition(schema: object): string {
  return JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "bads.bench.example.com" },
    spec: {
      group: "bench.example.com",
      scope: "Namespaced",
      names: { plural: "bads", kind: "Bad" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
}

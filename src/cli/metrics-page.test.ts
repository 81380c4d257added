import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { Kubeconfig } from "./kubeconfig.ts";
import { parseStartOptions } from "./options.ts";
import { serve } from "./serve.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Names and types of the page's tables, by heading. */
function documented(): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let rows = new Map<string, string>();
  for (const line of readFileSync(join(root, "docs/reference/metrics.md"), "utf8").split("\n")) {
    if (line.startsWith("## ")) {
      rows = new Map();
      sections.set(line.slice(3), rows);
    }
    const row = /^\| `(\w+)` \| (\w+) \|/.exec(line);
    if (row !== null) rows.set(row[1]!, row[2]!);
  }
  return sections;
}

async function metricsOf(url: string, kubeconfig: string): Promise<string> {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const pem = (data: string): Buffer => Buffer.from(data, "base64");
  const ca = pem(clusters[0]!.cluster["certificate-authority-data"]);
  const { user } = users[0]!;
  const cert = pem(user["client-certificate-data"]);
  const key = pem(user["client-key-data"]);
  return new Promise((resolve, reject) => {
    get(`${url}/metrics`, { ca, cert, key, agent: false }, (answer) => resolve(text(answer))).on(
      "error",
      reject,
    );
  });
}

/** Names and types that a server of its own shows. */
async function shown(engine: "memory" | "embedded"): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "myriad-metrics-"));
  const server = await serve(
    parseStartOptions({ store: engine, securePort: "0", rootDirectory: folder }, "/"),
  );
  try {
    const metrics = await metricsOf(server.url, join(folder, "admin.kubeconfig"));
    return new Map([...metrics.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]));
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
}

const sorted = (...maps: (Map<string, string> | undefined)[]): [string, string][] =>
  maps.flatMap((map) => [...(map ?? [])]).toSorted(([a], [b]) => (a < b ? -1 : 1));

for (const [engine, heading] of [
  ["memory", "Store, memory"],
  ["embedded", "Store, embedded and etcd"],
] as const) {
  test(`docs/reference/metrics.md lists what a server on the ${engine} engine shows, and no more`, async () => {
    const page = documented();
    assert.deepEqual(
      sorted(await shown(engine)),
      sorted(page.get("Requests and process"), page.get(heading)),
    );
  });
}

test("docs/reference/metrics.md lists the etcd engine's own figures", () => {
  const sources = globSync("src/storage/etcd/*.ts", { cwd: root })
    .filter((path) => !path.endsWith(".test.ts"))
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
  const names = [...sources.matchAll(/^ {6}(etcd_\w+): /gm)].map((match) => `myriad_store_${match[1]}`);
  assert.ok(names.length > 0);
  assert.deepEqual(names.toSorted(), [...(documented().get("Store, etcd")?.keys() ?? [])].toSorted());
});

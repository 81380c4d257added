import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { sleep, testPatience, until } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target, type Workspace } from "../harness.ts";

/** One event of an informer in one workspace. */
type Event = { event: string; tenant: number; name: string; version: string; n?: string; owner?: string };

const workspaces = 3;
const objects = 8;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

const path = "/api/v1/namespaces/go-follow/configmaps";

async function write(at: Workspace, tenant: number, name: string, n: number): Promise<string> {
  const body = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels: { followed: "yes" } },
    data: { n: String(n), tenant: `tenant-${tenant}` },
  };
  const made =
    n === 0 ? await at.api.json("POST", path, body) : await at.api.json("PUT", `${path}/${name}`, body);
  return (made.metadata as { resourceVersion: string }).resourceVersion;
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`informers survive a restart of the server by ${signal}, without losing or repeating a change`, {
    timeout: testPatience,
  }, async () => {
    if (!target.canRestart) return;
    const endpoints = await target.workspaces(workspaces);
    const child = spawn(part("go-clients"), ["follow", ...endpoints.map((each) => each.kubeconfig)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
    const lines = (): (Event & { check?: string; ok?: boolean })[] =>
      text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Event);
    const events = (tenant: number): Event[] =>
      lines().filter((line) => line.event !== undefined && line.tenant === tenant);
    try {
      await until("all informers are in sync", () => {
        return (
          lines().filter((line) => line.check?.endsWith("synced") && line.ok).length === endpoints.length
        );
      });
      const wanted = endpoints.map((): string[] => []);
      const names = Array.from({ length: objects }, (_, at) => `${signal.toLowerCase()}-${at}`);
      const round = async (n: number): Promise<void> => {
        for (const [tenant, at] of endpoints.entries()) {
          for (const name of names) {
            const version = await write(at, tenant, name, n);
            wanted[tenant]?.push(`${n === 0 ? "ADDED" : "MODIFIED"} ${name} ${n} ${version}`);
          }
        }
      };
      await round(0);
      await round(1);
      await target.restart(signal);
      // Written right after the start, most of them before the informers have come back.
      await round(2);
      await sleep(500);
      await round(3);
      const seen = (tenant: number): string[] =>
        events(tenant).map((each) => `${each.event} ${each.name} ${each.n} ${each.version}`);
      // kube-apiserver forgets its history when it ends: its informers list again, which repeats what they knew and
      // leaves out what came between. There, only the last word on each object can be asked for.
      const lastWords = (all: readonly string[]): string[] =>
        target.kind === "kube-apiserver"
          ? [...new Map(all.map((line) => [line.split(" ")[1], line])).values()].sort()
          : [...all];
      const complete = (): boolean =>
        endpoints.every((_, tenant) => seen(tenant).length >= (wanted[tenant]?.length ?? 0));
      await until("all events have come", complete).catch(() => {});
      await sleep(500);
      for (const tenant of endpoints.keys()) {
        assert.deepEqual(lastWords(seen(tenant)), lastWords(wanted[tenant] ?? []), `workspace ${tenant}`);
        assert.ok(events(tenant).every((each) => each.owner === `tenant-${tenant}`));
      }
    } finally {
      child.kill();
      for (const at of endpoints) await at.api.send("DELETE", `${path}?labelSelector=followed%3Dyes`);
    }
  });
}

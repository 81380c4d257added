// Two servers on one etcd: what one answered, the other knows; and one goes on when the other is killed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type Api, openApi } from "../harness/api.ts";
import { testPatience, until } from "../harness/child.ts";
import { type Etcd, startEtcd } from "../harness/etcd.ts";
import { type MyriadServer, startMyriad } from "../harness/myriad.ts";
import { type Part, part } from "../harness/parts.ts";
import { openWatch } from "./watch.ts";

const run = promisify(execFile);
const rootWorkspaces = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces";
const rootMaps = "/clusters/root/api/v1/namespaces/default/configmaps";

const missing = (name: Part): string | false => {
  try {
    part(name);
    return false;
  } catch (error) {
    return (error as Error).message;
  }
};

type Meta = { name: string; resourceVersion: string; finalizers?: string[] };
type Thing = { metadata: Meta; data?: Record<string, string>; spec?: Record<string, unknown> };
type List = { metadata: Meta; items: Thing[] };

const configMap = (name: string, n = 0, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data: { n: String(n) },
});

/** A server, and a client for it. */
type Server = { readonly myriad: MyriadServer; api: Api };

describe("two servers on one etcd", { skip: missing("etcd"), timeout: testPatience }, () => {
  let folder: string;
  let etcd: Etcd;
  let a: Server;
  let b: Server;

  const start = async (name: string): Promise<Server> => {
    const myriad = await startMyriad(join(folder, name), ["--etcd-servers", etcd.url]);
    return { myriad, api: openApi(myriad.url, myriad.admin.access) };
  };
  const get = async (server: Server, path: string): Promise<Thing> =>
    (await server.api.json("GET", path)) as Thing;
  const list = async (server: Server, path: string): Promise<List> =>
    (await server.api.json("GET", path)) as List;
  const makeWorkspace = async (server: Server, name: string): Promise<Thing> =>
    (await server.api.json("POST", rootWorkspaces, {
      apiVersion: "tenancy.kcp.io/v1alpha1",
      kind: "Workspace",
      metadata: { name },
    })) as Thing;
  const status = async (server: Server, path: string): Promise<number> =>
    (await server.api.send("GET", path)).status;

  before(async () => {
    // Both servers share the etcd of this file, whatever the environment says.
    process.env.MYRIAD_STORE = "embedded";
    folder = mkdtempSync(join(tmpdir(), "myriad-two-servers-"));
    etcd = await startEtcd(folder);
    // `a` is there first, so it runs the controllers.
    a = await start("a");
    b = await start("b");
  });
  after(async () => {
    for (const server of [a, b]) {
      server?.api.close();
      await server?.myriad.close();
    }
    await etcd?.child.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a write through one is seen at once by reads and by a watch of the other", async () => {
    const seen = await list(b, rootMaps);
    const { access } = b.myriad.admin;
    const watch = await openWatch(b.myriad.url + rootMaps, access, seen.metadata.resourceVersion);
    const expected: string[] = [];
    for (let i = 0; i < 50; i++) {
      const name = `seen-${i}`;
      const path = `${rootMaps}/${name}`;
      const created = (await a.api.json("POST", rootMaps, configMap(name))) as Thing;
      const version = created.metadata.resourceVersion;
      if (i % 2 === 0) assert.equal((await get(b, path)).metadata.resourceVersion, version);
      else assert.ok((await list(b, rootMaps)).items.some((item) => item.metadata.name === name));
      const updated = (await b.api.json("PUT", path, { ...created, data: { n: "1" } })) as Thing;
      assert.deepEqual(await get(a, path), updated);
      await a.api.json("DELETE", path);
      assert.equal(await status(b, path), 404);
      expected.push(`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`);
      await until("the watch of the other has it", () => watch.frames.length === expected.length, 2);
    }
    assert.deepEqual(
      watch.frames.map(({ type, name }) => `${type} ${name}`),
      expected,
    );
    watch.close();
  });

  test("a workspace made on one is usable at once on the other", async () => {
    for (let i = 0; i < 20; i++) {
      const [here, there] = i % 2 === 0 ? [a, b] : [b, a];
      const name = `usable-${i}`;
      await makeWorkspace(here, name);
      const maps = `/clusters/root:${name}/api/v1/namespaces/default/configmaps`;
      await there.api.json("POST", maps, configMap("first"));
      assert.equal((await get(here, `${maps}/first`)).metadata.name, "first");
      assert.equal(await status(there, `/clusters/root:${name}/api/v1/namespaces/default`), 200);
    }
  });

  test("etcd's keys and values are what docs/storage-to-rest.md says", {
    skip: missing("etcdctl"),
  }, async () => {
    const workspace = await makeWorkspace(a, "shown");
    const cluster = String(workspace.spec?.cluster);
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData: { k: "v" } };
    await b.api.json("POST", "/clusters/root:shown/api/v1/namespaces/default/secrets", secret);
    const etcdctl = async (...args: string[]): Promise<string> =>
      (await run(part("etcdctl"), ["--endpoints", etcd.url, ...args])).stdout;
    const key = `/registry/core/secrets/${cluster}/default/db`;
    const keys = await etcdctl("get", "/registry/core/secrets/", "--prefix", "--keys-only");
    assert.ok(keys.split("\n").includes(key), keys);
    const value = JSON.parse(await etcdctl("get", key, "--print-value-only")) as Thing & { data: object };
    assert.deepEqual(value.data, { k: "dg==" });
    const { name, namespace, resourceVersion } = value.metadata as Partial<Meta> & { namespace?: string };
    assert.deepEqual([name, namespace, resourceVersion], [undefined, undefined, undefined]);
    // Every value is plain JSON, of whatever kind.
    const all = JSON.parse(await etcdctl("get", "/registry/", "--prefix", "-w", "json")) as {
      kvs: { key: string; value: string; mod_revision: number }[];
    };
    for (const entry of all.kvs) JSON.parse(Buffer.from(entry.value, "base64").toString("utf8"));
    const found = all.kvs.find((entry) => Buffer.from(entry.key, "base64").toString() === key);
    const shown = await get(a, "/clusters/root:shown/api/v1/namespaces/default/secrets/db");
    assert.equal(Math.floor(Number(shown.metadata.resourceVersion) / 128), found?.mod_revision);
  });

  test("one is killed under load: nothing answered is lost, and the other finishes its work", async () => {
    // Its deletion can only be finished after the kill: something in it is held.
    await makeWorkspace(a, "held");
    const heldMap = "/clusters/root:held/api/v1/namespaces/default/configmaps/held";
    await a.api.json(
      "POST",
      heldMap.slice(0, -"/held".length),
      configMap("held", 0, { finalizers: ["example.com/hold"] }),
    );
    await makeWorkspace(a, "later");
    for (let i = 0; i < 50; i++)
      await a.api.json(
        "POST",
        "/clusters/root:later/api/v1/namespaces/default/configmaps",
        configMap(`m${i}`),
      );

    const { access } = b.myriad.admin;
    const begin = (await list(b, rootMaps)).metadata.resourceVersion;
    const watch = await openWatch(b.myriad.url + rootMaps, access, begin);
    /** What was answered, as `name version`. */
    const answered = new Map<string, { name: string; n: number }>();
    let writing = true;
    const writer = async (id: number): Promise<void> => {
      for (let i = 0; writing; i++) {
        const name = `load-${id}-${i}`;
        try {
          let thing = (await a.api.json("POST", rootMaps, configMap(name))) as Thing;
          answered.set(`${name} ${thing.metadata.resourceVersion}`, { name, n: 0 });
          thing = (await a.api.json("PUT", `${rootMaps}/${name}`, { ...thing, data: { n: "1" } })) as Thing;
          answered.set(`${name} ${thing.metadata.resourceVersion}`, { name, n: 1 });
        } catch (error) {
          if (writing) throw error;
        }
      }
    };
    const writers = Promise.all(Array.from({ length: 8 }, (_, id) => writer(id)));
    await until("there is a load", () => answered.size > 500);
    await a.api.json("DELETE", `${rootWorkspaces}/held`);
    writing = false;
    await a.myriad.stop("SIGKILL");
    await writers;

    // The survivor serves on, at once.
    const mine = (await b.api.json("POST", rootMaps, configMap("after-the-kill"))) as Thing;
    const items = new Map((await list(b, rootMaps)).items.map((item) => [item.metadata.name, item]));
    const newest = new Map<string, number>();
    for (const { name, n } of answered.values()) newest.set(name, Math.max(n, newest.get(name) ?? 0));
    for (const [name, n] of newest) {
      // A write whose answer was lost may have happened: never less than what was answered.
      assert.ok(Number(items.get(name)?.data?.n ?? -1) >= n, `${name} was answered with ${n}`);
    }
    const last = Number(mine.metadata.resourceVersion);
    await until("the watch has everything", () => (watch.frames.at(-1)?.version ?? 0) >= last);
    assert.equal(watch.ended(), undefined);
    const versions = watch.frames.map(({ version }) => version);
    assert.deepEqual(
      versions,
      [...new Set(versions)].sort((x, y) => x - y),
      "each change once, and in order",
    );
    const delivered = new Set(watch.frames.map(({ name, version }) => `${name} ${version}`));
    for (const key of answered.keys()) assert.ok(delivered.has(key), `${key} was answered and not delivered`);
    watch.close();

    // What the dead one had begun, and what begins now, is finished by the other, when the lease (15 s) is over.
    await b.api.json("DELETE", `${rootWorkspaces}/later`);
    const held = await get(b, heldMap);
    await b.api.json("PUT", heldMap, { ...held, metadata: { ...held.metadata, finalizers: [] } });
    for (const name of ["held", "later"]) {
      await until(`${name} is gone`, async () => (await status(b, `${rootWorkspaces}/${name}`)) === 404);
    }
  });

  test("the killed one comes back and knows everything; the lease is handed over when the other stops", async () => {
    await b.api.json("POST", rootMaps, configMap("while-away"));
    await a.myriad.restart("SIGKILL");
    a.api.close();
    a.api = openApi(a.myriad.url, a.myriad.admin.access);
    assert.equal(await status(a, `${rootMaps}/while-away`), 200);
    assert.deepEqual((await list(a, rootMaps)).items, (await list(b, rootMaps)).items);
    await makeWorkspace(a, "handed-over");
    assert.equal(await b.myriad.stop("SIGTERM"), 0);
    await a.api.json("DELETE", `${rootWorkspaces}/handed-over`);
    const gone = async (name: string): Promise<boolean> =>
      (await status(a, `${rootWorkspaces}/${name}`)) === 404;
    await until("it is gone", () => gone("handed-over"));

    // Killed and started again, it is the one that has the lease still.
    await makeWorkspace(a, "after-restart");
    await a.myriad.restart("SIGKILL");
    a.api.close();
    a.api = openApi(a.myriad.url, a.myriad.admin.access);
    await a.api.json("DELETE", `${rootWorkspaces}/after-restart`);
    await until("it is gone", () => gone("after-restart"));
  });
});

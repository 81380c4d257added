/** The suite of all engines, on stores of one etcd that differ in their prefix. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { runStoreSuite, type StoreUnderTest } from "../suite/store-suite.ts";
import { testKeySpace } from "../test-key-space.ts";
import { openEtcdStore } from "./etcd-store.ts";
import { type EtcdProcess, etcdMissing, startEtcd } from "./testing/etcd-process.ts";

const skip = etcdMissing();

describe("etcd engine", { skip }, () => {
  if (skip !== false) return;
  let etcd: EtcdProcess;
  let stores = 0;
  before(async () => {
    etcd = await startEtcd(["--unsafe-no-fsync"]);
  });
  after(() => etcd.dispose());

  async function openIn(directory: string, etcdPrefix: string): Promise<StoreUnderTest> {
    const store = await openEtcdStore({
      servers: [etcd.url],
      etcdPrefix,
      keySpace: testKeySpace(),
      directory,
      compactionIntervalMs: 0,
      historyRetentionMs: 0,
    });
    return {
      store,
      async reopen() {
        await store.close();
        return openIn(directory, etcdPrefix);
      },
      async dispose() {
        await store.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  }

  runStoreSuite({
    name: "etcd",
    modelRuns: 20,
    open: async () => openIn(await mkdtemp(join(tmpdir(), "myriad-etcd-suite-")), `/suite${++stores}`),
  });
});

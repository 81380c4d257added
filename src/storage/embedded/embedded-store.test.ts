import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStoreSuite, type StoreUnderTest } from "../suite/store-suite.ts";
import { testKeySpace } from "../test-key-space.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

async function openIn(directory: string): Promise<StoreUnderTest> {
  const store = await openEmbeddedStore({ directory, keySpace: testKeySpace(), minFreeBytes: 0 });
  return {
    store,
    async reopen() {
      await store.close();
      return openIn(directory);
    },
    async dispose() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

runStoreSuite({
  name: "embedded",
  open: async () => openIn(await mkdtemp(join(tmpdir(), "myriad-embedded-"))),
});

import { runStoreSuite } from "../suite/store-suite.ts";
import { testKeySpace } from "../test-key-space.ts";
import { openMemoryStore } from "./memory-store.ts";

runStoreSuite({
  name: "memory",
  async open() {
    const store = openMemoryStore({ keySpace: testKeySpace() });
    return { store, dispose: () => store.close() };
  },
});

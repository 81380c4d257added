/** Opens the store engine that the options name. Only the chosen engine's code is loaded. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import type { Store } from "#storage/port.ts";
import type { StartOptions } from "./options.ts";
import { CommandError } from "./terminal.ts";

/** Folders below the root directory. */
export const embeddedFolder = "store";
export const replicaFolder = "etcd-replica";

export async function openStore(options: StartOptions): Promise<Store> {
  const { store, rootDirectory, historyRetentionMs } = options;
  switch (store.engine) {
    case "memory":
      return openMemory(historyRetentionMs);
    case "embedded":
      throw new CommandError("the embedded engine is not there yet: --store memory");
    case "etcd": {
      const { openEtcdStore } = await import("#storage/etcd/etcd-store.ts");
      const { readTlsFiles } = await import("#storage/etcd/client/endpoints.ts");
      const directory = join(rootDirectory, replicaFolder);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      return openEtcdStore({
        servers: store.servers,
        tls: await readTlsFiles(store),
        etcdPrefix: store.prefix,
        keySpace: registryKeySpace,
        directory,
        clock: systemClock,
        compactionIntervalMs: historyRetentionMs,
      });
    }
  }
}

export function openMemory(_historyRetentionMs?: number): Store {
  return openMemoryStore({ keySpace: registryKeySpace });
}

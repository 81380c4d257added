/** Opens the store engine that the options name. Only the chosen engine's code is loaded. */
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import type { Store } from "#storage/port.ts";
import { defaultRetention, startRetention } from "#storage/retention.ts";
import type { StartOptions } from "./options.ts";

/** Folders below the root directory. */
export const embeddedFolder = "store";
export const replicaFolder = "etcd-replica";

export async function openStore(options: StartOptions): Promise<Store> {
  const { store, rootDirectory, historyRetentionMs } = options;
  switch (store.engine) {
    case "memory":
      return openMemory(historyRetentionMs);
    case "embedded":
      return openEmbedded(join(rootDirectory, embeddedFolder), historyRetentionMs);
    case "etcd": {
      const { openEtcdStore } = await import("#storage/etcd/etcd-store.ts");
      const { readTlsFiles } = await import("#storage/etcd/client/endpoints.ts");
      const directory = join(rootDirectory, replicaFolder);
      return openEtcdStore({
        servers: store.servers,
        tls: await readTlsFiles(store),
        etcdPrefix: store.prefix,
        keySpace: registryKeySpace,
        directory,
        clock: systemClock,
        compactionIntervalMs: historyRetentionMs,
        historyRetentionMs,
      });
    }
  }
}

async function openEmbedded(directory: string, historyRetentionMs: number): Promise<Store> {
  const { openEmbeddedStore } = await import("#storage/embedded/embedded-store.ts");
  const retention = { ...defaultRetention, keepMs: historyRetentionMs };
  return openEmbeddedStore({ directory, keySpace: registryKeySpace, clock: systemClock, retention });
}

/** Nothing survives the process; history is forgotten as in the other engines. */
export function openMemory(historyRetentionMs: number = defaultRetention.keepMs): Store {
  const store = openMemoryStore({ keySpace: registryKeySpace });
  const stop = startRetention(store, { ...defaultRetention, keepMs: historyRetentionMs }, systemClock);
  const close = store.close.bind(store);
  store.close = () => {
    stop();
    return close();
  };
  return store;
}

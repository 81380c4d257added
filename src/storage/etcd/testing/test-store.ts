/** What tests of the etcd engine share: a small key space, stores in temporary directories, and waiting. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patienceMs } from "#base/testing/until.ts";
import type { Change, Key, KeySpace, Revision, Store, Watch } from "../../port.ts";
import { type EtcdStoreOptions, openEtcdStore } from "../etcd-store.ts";

/** `/registry/<group>/<resource>/<tenant>/...`; every value that begins with `term:` has one index term. */
export const testKeySpace: KeySpace = {
  version: "1",
  prefix: "/registry/",
  partition(key) {
    const parts = key.split("/");
    if (parts.length < 6) return undefined;
    return { collection: parts.slice(0, 4).join("/").concat("/"), tenant: parts[4]! };
  },
  terms: (_key, value) => (value.toString().startsWith("term:") ? [`test/${value.toString().slice(5)}`] : []),
};

export const key = (name: string, tenant = "acme") => `/registry/core/secrets/${tenant}/${name}` as Key;
export const put = (name: string, value: string, tenant?: string) =>
  ({ type: "put", key: key(name, tenant), value: Buffer.from(value) }) as const;
export const remove = (name: string, tenant?: string) =>
  ({ type: "delete", key: key(name, tenant) }) as const;

/** A directory that is removed by `dispose`, and stores in it. */
export async function storeDirectory(servers: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), "myriad-etcd-store-"));
  const open: Store[] = [];
  return {
    root,
    /** Opens server `name` with a replica of its own. */
    async open(name = "a", options: Partial<EtcdStoreOptions> = {}): Promise<Store> {
      const directory = join(root, name);
      const store = await openEtcdStore({
        servers,
        keySpace: testKeySpace,
        directory,
        compactionIntervalMs: 0,
        openTimeoutMs: patienceMs,
        freshTimeoutMs: patienceMs,
        ...options,
      });
      open.push(store);
      return store;
    },
    async dispose() {
      await Promise.all(open.map((store) => store.close()));
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A watch that keeps what it saw. */
export class Recorder {
  readonly changes: Change[] = [];
  readonly watch: Watch;
  ended: Error | undefined;
  #wake = () => {};

  constructor(store: Store, after: Revision, prefix = "") {
    this.watch = store.watch({
      prefix,
      after,
      onChanges: (changes) => {
        this.changes.push(...changes);
        this.#wake();
      },
      onEnd: (error) => {
        this.ended = error;
        this.#wake();
      },
    });
  }

  /** As `name=value` or `name deleted`. */
  get seen(): string[] {
    return this.changes.map(({ key: changed, value }) => {
      const name = changed.slice(changed.lastIndexOf("/") + 1);
      return value === undefined ? `${name} deleted` : `${name}=${value.toString()}`;
    });
  }

  async until(done: () => boolean): Promise<void> {
    const end = Date.now() + patienceMs;
    while (!done()) {
      if (Date.now() > end)
        throw new Error(`the watch saw only: ${this.seen.join(", ")} ${this.ended?.message ?? ""}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Tries until `attempt` succeeds. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

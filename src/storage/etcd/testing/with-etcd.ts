/** What tests with a real etcd do again and again. */
import assert from "node:assert/strict";
import { systemClock } from "#base/clock.ts";
import { patienceMs } from "#base/testing/until.ts";
import type { Store } from "../../port.ts";
import { EtcdClient } from "../client/client.ts";
import { safeNumber } from "../client/messages.ts";
import { type EtcdProcess, startEtcd } from "./etcd-process.ts";
import { key, put, storeDirectory } from "./test-store.ts";

/** Runs `body` with an etcd of its own. */
export async function withEtcd(
  body: (
    etcd: EtcdProcess,
    open: Awaited<ReturnType<typeof storeDirectory>>["open"],
    root: string,
  ) => Promise<void>,
): Promise<void> {
  const etcd = await startEtcd(["--unsafe-no-fsync"]);
  const stores = await storeDirectory([etcd.url]);
  try {
    await body(etcd, stores.open, stores.root);
  } finally {
    await stores.dispose();
    await etcd.dispose();
  }
}

export async function withClient<T>(url: string, body: (client: EtcdClient) => Promise<T>): Promise<T> {
  const client = new EtcdClient({ endpoints: [url], tls: {}, clock: systemClock });
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

export const call = { deadlineMs: patienceMs, repeatable: false };
export const compactAll = (url: string) =>
  withClient(url, async (client) => {
    const { header } = await client.call(client.methods.range, { key: Buffer.from("x") }, call);
    await client.call(
      client.methods.compact,
      { revision: safeNumber(header.revision), physical: true },
      call,
    );
  });
export const putRaw = (url: string, name: string, value: string) =>
  withClient(url, async (client) => {
    const success = [{ requestPut: { key: Buffer.from(name), value: Buffer.from(value) } }];
    const response = await client.call(client.methods.txn, { compare: [], success, failure: [] }, call);
    return safeNumber(response.header.revision);
  });
export const read = async (store: Store, name: string) => {
  await store.fresh();
  return store.get(key(name))?.value.toString();
};
export const write = async (store: Store, name: string, value: string) => {
  const result = await store.commit({ compare: [], operations: [put(name, value)] });
  assert.ok(result.ok);
  return result.revisions[0]!;
};

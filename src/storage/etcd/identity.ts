import type { EtcdClient } from "./client/client.ts";
import { idText, safeNumber } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";

const equal = 0;
const versionTarget = 0;

/** Which store etcd holds, and how far it has come. */
export interface StoreIdentity {
  /** Value of the identity key. */
  readonly value: Buffer;
  /** etcd's cluster, in hexadecimal. */
  readonly clusterId: string;
  /** etcd's current revision. */
  readonly revision: number;
}

/** Reads the store's identity; its value is empty when there is none. A linearizable read. */
export async function readIdentity(
  client: EtcdClient,
  keys: EtcdKeys,
  deadlineMs: number,
): Promise<StoreIdentity> {
  const request = { key: keys.identity, limit: 1 };
  const response = await client.call(client.methods.range, request, { deadlineMs, repeatable: true });
  return {
    value: Buffer.from(response.kvs[0]?.value ?? []),
    clusterId: idText(response.header.clusterId),
    revision: safeNumber(response.header.revision),
  };
}

/**
 * As {@link readIdentity}, but writes `fresh` as the identity when there is none.
 * The cluster id alone would not do: etcd computes it from its flags, so an emptied cluster has the same one again.
 */
export async function claimIdentity(
  client: EtcdClient,
  keys: EtcdKeys,
  fresh: Buffer,
  deadlineMs: number,
): Promise<StoreIdentity> {
  const request = {
    compare: [{ result: equal, target: versionTarget, key: keys.identity, version: 0 }],
    success: [{ requestPut: { key: keys.identity, value: fresh } }],
    failure: [{ requestRange: { key: keys.identity, limit: 1 } }],
  };
  // May be repeated: the second time it finds what the first one wrote.
  const response = await client.call(client.methods.txn, request, { deadlineMs, repeatable: true });
  const found = response.responses[0]?.responseRange?.kvs[0]?.value;
  return {
    value: response.succeeded ? fresh : Buffer.from(found ?? []),
    clusterId: idText(response.header.clusterId),
    revision: safeNumber(response.header.revision),
  };
}

/** The last change a replica has taken over; a proof, asked of etcd, that both have the same past. */
export interface LastChange {
  /** Key in etcd, in base64. */
  readonly key: string;
  readonly mod: number;
  readonly deleted: boolean;
}

/** Whether etcd's history has this change. Rejects with etcd's "compacted" when that cannot be told any more. */
export async function hasChange(
  client: EtcdClient,
  change: LastChange,
  deadlineMs: number,
): Promise<boolean> {
  const request = { key: Buffer.from(change.key, "base64"), revision: change.mod, limit: 1, keysOnly: true };
  const response = await client.call(client.methods.range, request, { deadlineMs, repeatable: true });
  const found = response.kvs[0];
  if (found === undefined || change.deleted) return (found === undefined) === change.deleted;
  return safeNumber(found.modRevision) === change.mod;
}

/**
 * Whether requested progress notifications keep their place among the events. Before etcd 3.4.25 and 3.5.8 one could
 * overtake events (etcd issue 15220; Kubernetes asks the same in `storage/feature`).
 */
export function progressTrusted(version: string): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return false;
  const number = Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(patch);
  return (number >= 3_004_025 && number < 3_005_000) || number >= 3_005_008;
}

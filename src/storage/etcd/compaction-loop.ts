import type { Clock } from "#base/clock.ts";
import type { EtcdClient } from "./client/client.ts";
import { isCompacted } from "./client/grpc-error.ts";
import { safeNumber } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";

const equal = 0;
const versionTarget = 0;
const deadlineMs = 30_000;

/** Where one server stands in the agreement of all servers about compaction. */
export interface CompactionTurn {
  /** Version of the compaction key as last seen. */
  readonly version: number;
  /** etcd's revision at that time; 0 = not known yet. */
  readonly revision: number;
}

/**
 * One round. Every server proposes itself by writing the compaction key on condition that nobody did since its last
 * round; the one that succeeds compacts etcd to the revision it saw one interval ago, the others learn the new version
 * (the scheme of Kubernetes' `storage/etcd3/compact.go`). So history of at least one interval is kept.
 */
export async function compactEtcd(
  client: EtcdClient,
  keys: EtcdKeys,
  turn: CompactionTurn,
): Promise<CompactionTurn> {
  const request = {
    compare: [{ result: equal, target: versionTarget, key: keys.compaction, version: turn.version }],
    success: [{ requestPut: { key: keys.compaction, value: Buffer.from(String(turn.revision)) } }],
    failure: [{ requestRange: { key: keys.compaction, limit: 1 } }],
  };
  const response = await client.call(client.methods.txn, request, { deadlineMs, repeatable: false });
  const revision = safeNumber(response.header.revision);
  if (!response.succeeded) {
    const version = response.responses[0]?.responseRange?.kvs[0]?.version;
    return { version: version === undefined ? 0 : safeNumber(version), revision };
  }
  if (turn.revision > 0) {
    try {
      await client.call(
        client.methods.compact,
        { revision: turn.revision },
        { deadlineMs, repeatable: true },
      );
    } catch (error) {
      // Someone else, an operator perhaps, compacted further: just as well.
      if (!isCompacted(error)) throw error;
    }
  }
  return { version: turn.version + 1, revision };
}

/** Runs {@link compactEtcd} every `intervalMs` until the result is called. Failures wait for the next round. */
export function startCompactionLoop(
  client: EtcdClient,
  keys: EtcdKeys,
  clock: Clock,
  intervalMs: number,
): () => void {
  let turn: CompactionTurn = { version: 0, revision: 0 };
  let stopped = false;
  let cancel = () => {};
  const round = async () => {
    try {
      turn = await compactEtcd(client, keys, turn);
    } catch {
      // Not urgent: the next round compacts what this one could not.
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    cancel = clock.after(intervalMs, () => void round());
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}

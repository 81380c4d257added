/** Where a replica comes from: the directory of an earlier run, etcd's whole history, or pages of its state. */
import type { Clock } from "#base/clock.ts";
import { checkTerm } from "../local/apply.ts";
import { type LocalStore, openLocalStore } from "../local/local-store.ts";
import { DataDirectoryError, type KeySpace } from "../port.ts";
import type { EtcdClient } from "./client/client.ts";
import { isCompacted } from "./client/grpc-error.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { hasChange, type LastChange, type StoreIdentity } from "./identity.ts";
import { loadReplica } from "./rebuild.ts";
import type { ReplicaFiles } from "./replica-files.ts";
import { endOf, modOf } from "./revision.ts";
import type { WatchSet } from "./watch-set.ts";

export interface ReplicaOptions {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly keySpace: KeySpace;
  readonly directory: string;
  readonly clock: Clock;
  readonly watches: WatchSet;
  /** Proposed as the store's identity when etcd holds none. */
  readonly newIdentity: Buffer;
}

/** What the replica writes down beside its changes. */
export interface Position {
  readonly identity: string;
  readonly applied: number;
  readonly last: LastChange | undefined;
}

const extraName = "etcd";
export const callDeadlineMs = 5_000;
/** An empty replica of a store with at most so many revisions replays them, and so has the same history as the others. */
const maxReplayedRevisions = 100_000;

/** A replica's copy, before it is followed on. */
export interface Opened {
  readonly local: LocalStore;
  readonly applied: number;
  readonly last: LastChange | undefined;
  readonly rebuilt: boolean;
}

/** The replica of an earlier run, if it can be followed on. */
export async function resume(
  options: ReplicaOptions,
  files: ReplicaFiles,
  identity: StoreIdentity,
): Promise<Opened | undefined> {
  const path = files.current();
  if (path === undefined) return undefined;
  let local: LocalStore;
  try {
    local = await openLocalStore({ path, keySpace: tolerant(options.keySpace) });
  } catch (error) {
    // The copy is damaged; etcd has everything that was in it.
    if (error instanceof DataDirectoryError) return undefined;
    throw error;
  }
  const position = readPosition(local.extra(extraName));
  if (
    !local.rebuilding() &&
    position !== undefined &&
    position.identity === identity.value.toString("base64")
  ) {
    // The position is written with the changes it speaks of, so it is never behind them.
    const { applied, last } = position;
    if (applied <= identity.revision && (last === undefined || (await sharesPast(options.client, last)))) {
      if (modOf(local.current()) < applied) local.advance(endOf(applied));
      return { local, applied, last, rebuilt: false };
    }
  }
  await local.close();
  return undefined;
}

/**
 * The key space as the replica uses it. What etcd holds must be taken as it is, also what others wrote: a value that
 * cannot be indexed is left out of the index and does not stop the replica.
 */
function tolerant(keySpace: KeySpace): KeySpace {
  return {
    ...keySpace,
    partition: (key) => keySpace.partition(key),
    terms(key, value) {
      try {
        const terms = keySpace.terms(key, value);
        terms.forEach(checkTerm);
        return terms;
      } catch {
        return [];
      }
    },
  };
}

async function sharesPast(client: EtcdClient, last: LastChange): Promise<boolean> {
  try {
    return await hasChange(client, last, callDeadlineMs);
  } catch (error) {
    if (isCompacted(error)) return false;
    throw error;
  }
}

/** A new copy: empty, when all history may and can be replayed, else loaded from pages. */
export async function build(
  options: ReplicaOptions,
  files: ReplicaFiles,
  identity: StoreIdentity,
  replay: boolean,
  onPage: () => void,
): Promise<Opened> {
  const { client, keys } = options;
  await files.sweep();
  const path = await files.next();
  const local = await openLocalStore({ path, keySpace: tolerant(options.keySpace) });
  const extra = (applied: number, last?: LastChange) =>
    positionExtra({ identity: identity.value.toString("base64"), applied, last });
  try {
    let applied = 0;
    if (replay && identity.revision <= maxReplayedRevisions && (await hasAllHistory(client, keys))) {
      await local.apply([], { extra: extra(0) });
    } else {
      applied = await loadReplica(client, keys, local, extra, onPage);
    }
    await files.adopt(path);
    return { local, applied, last: undefined, rebuilt: applied > 0 };
  } catch (error) {
    await local.close();
    throw error;
  }
}

async function hasAllHistory(client: EtcdClient, keys: EtcdKeys): Promise<boolean> {
  try {
    const request = { key: keys.identity, revision: 1, keysOnly: true, limit: 1 };
    await client.call(client.methods.range, request, { deadlineMs: callDeadlineMs, repeatable: true });
    return true;
  } catch (error) {
    if (isCompacted(error)) return false;
    throw error;
  }
}

/** The form in which a position is written down. */
export function positionExtra(position: Position): Record<string, string> {
  return { [extraName]: JSON.stringify(position) };
}

function readPosition(text: string | undefined): Position | undefined {
  if (text === undefined) return undefined;
  try {
    const position = JSON.parse(text) as Position;
    return Number.isSafeInteger(position.applied) ? position : undefined;
  } catch {
    return undefined;
  }
}

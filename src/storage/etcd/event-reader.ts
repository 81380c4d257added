import type { LocalChange } from "../local/apply.ts";
import { type Event, safeNumber, type WatchResponse } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { openValue, positions, toRevision } from "./revision.ts";

/** A transaction of someone else that changed more keys than revisions can tell apart. */
export class OversizedTransactionError extends Error {
  override readonly name = "OversizedTransactionError";
}

/** Changes that were read, and the mod revision up to which nothing is missing any more. */
export interface ReadEvents {
  readonly changes: readonly LocalChange[];
  readonly upTo: number;
  /** Events of keys that the store does not take. */
  readonly ignored: number;
}

/**
 * Turns the responses of one watch into changes. etcd may cut a large response into fragments, also within a
 * transaction; a transaction is handed out only when all of it has arrived.
 */
export class EventReader {
  readonly #keys: EtcdKeys;
  /** Events of a transaction that may go on in the next fragment. */
  #held: Event[] = [];
  #upTo: number;

  constructor(keys: EtcdKeys, after: number) {
    this.#keys = keys;
    this.#upTo = after;
  }

  /** Throws {@link OversizedTransactionError}, and RangeError for revisions out of order. */
  read(response: WatchResponse): ReadEvents {
    let events = this.#held.length === 0 ? response.events : [...this.#held, ...response.events];
    this.#held = [];
    if (response.fragment && events.length > 0) {
      const last = safeNumber(events.at(-1)!.kv.modRevision);
      const cut = events.findIndex((event) => safeNumber(event.kv.modRevision) === last);
      this.#held = events.slice(cut);
      events = events.slice(0, cut);
    }
    const changes: LocalChange[] = [];
    let ignored = 0;
    let mod = this.#upTo;
    let position = positions;
    for (const { type, kv } of events) {
      const next = safeNumber(kv.modRevision);
      if (next < mod || (next === mod && mod === this.#upTo))
        throw new RangeError("etcd's events are out of order");
      if (next > mod) position = -1;
      mod = next;
      const key = this.#keys.decode(kv.key);
      if (key === undefined) {
        ignored++;
        continue;
      }
      const deleted = type === 1;
      const opened = deleted ? undefined : openValue(kv.value as Buffer);
      const own = opened?.position ?? -1;
      position = own > position ? own : position + 1;
      if (position >= positions) {
        throw new OversizedTransactionError(`etcd's transaction ${mod} has more than ${positions} changes`);
      }
      changes.push({ revision: toRevision(mod, position), key, value: opened?.value });
    }
    this.#upTo = mod;
    return { changes, upTo: mod, ignored };
  }
}

import type { LocalChange } from "../local/apply.ts";
import { modOf } from "./revision.ts";

/** Changes written to the replica at once; a transaction is never cut, so a batch may be up to 127 longer. */
const maxBatchChanges = 2_000;
const maxBatchBytes = 8 * 1_024 * 1_024;

export interface Batch {
  readonly changes: readonly LocalChange[];
  /** The replica is complete up to here once the batch is written. */
  readonly upTo: number;
}

/** Changes received from etcd and not yet written to the replica. Bounded by its owner, who pauses the watch. */
export class ChangeQueue {
  #changes: LocalChange[] = [];
  #bytes = 0;
  #upTo: number;

  constructor(upTo: number) {
    this.#upTo = upTo;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#changes.length;
  }

  /** Adds changes of whole transactions; nothing is missing up to `upTo`. */
  push(changes: readonly LocalChange[], upTo: number): void {
    for (const change of changes) {
      this.#changes.push(change);
      this.#bytes += sizeOf(change);
    }
    if (upTo > this.#upTo) this.#upTo = upTo;
  }

  /** Takes the next batch: whole transactions. */
  take(): Batch {
    let count = 0;
    let bytes = 0;
    for (; count < this.#changes.length; count++) {
      const change = this.#changes[count]!;
      const full = count >= maxBatchChanges || bytes >= maxBatchBytes;
      if (full && modOf(change.revision) !== modOf(this.#changes[count - 1]!.revision)) break;
      bytes += sizeOf(change);
    }
    const changes = this.#changes.slice(0, count);
    this.#changes = this.#changes.slice(count);
    this.#bytes -= bytes;
    const last = changes.at(-1);
    const upTo = this.#changes.length === 0 || last === undefined ? this.#upTo : modOf(last.revision);
    return { changes, upTo };
  }
}

function sizeOf(change: LocalChange): number {
  return change.key.length + (change.value?.length ?? 0) + 64;
}

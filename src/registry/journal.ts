/**
 * What a request has got from outside on its way: the time, random bytes, answers of webhooks, deletions that are done. One that turns
 * out to be too much work for this thread is begun anew in another (`elsewhere.ts`) and takes its journal along: it comes to the same
 * place by the same way, with the same UID, and no webhook is called twice for it.
 */
import { createHash } from "node:crypto";
import { compareBytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Key, Revision } from "#storage/port.ts";

/** What came back from a webhook: an answer of HTTP, or why there was none. */
export type Received =
  | { readonly status: number; readonly type: string; readonly body: Uint8Array }
  | { readonly failure: string };

/** One call of a webhook that is kept. */
interface KeptCall {
  readonly uid: string;
  readonly received: Received;
}

/** Where a write takes time and chance from. */
export interface Moment {
  readonly nowMs: number;
  randomBytes(size: number): Uint8Array;
}

/** A question that is about to be asked. */
export interface Asked {
  /** The call that has been made already, and the UID that it was made with. */
  readonly known: KeptCall | undefined;
  /** False when there is no room for it. */
  keep(uid: string, received: Received): boolean;
}

/** How far the deletion of a collection has come. */
export interface DeletionProgress {
  /** The revision that the collection is looked at. */
  at?: Revision;
  /** All up to this key is deleted. */
  upTo?: Key;
  /** What is deleted of the batch behind it. */
  readonly done: Set<Key>;
}

const isPassed = ({ upTo }: DeletionProgress, key: Key): boolean =>
  upTo !== undefined && compareBytes(key, upTo) <= 0;

/** Whether the deletion of an object is done. */
export const isDone = (progress: DeletionProgress, key: Key): boolean =>
  isPassed(progress, key) || progress.done.has(key);

/** All of a batch is deleted. @param last its greatest key */
export function passBatch(progress: DeletionProgress, last: Key): void {
  if (isPassed(progress, last)) return;
  progress.upTo = last;
  progress.done.clear();
}

/** A journal as plain data. */
export interface JournalData {
  readonly nowMs: number | undefined;
  readonly drawn: readonly Uint8Array[];
  readonly calls: readonly (readonly [question: string, call: KeptCall])[];
  readonly deletions: DeletionProgress;
}

/** Answers of one request that are kept: one of the greatest length, and many ordinary ones. Beyond, all are read where they come in. */
const maxKeptBytes = 6 * 1_024 * 1_024;
/** Of one answer beside its body. */
const callBytes = 256;

export class Journal {
  readonly deletions: DeletionProgress;
  /** Absent when the request is where it stays. */
  readonly #room: { bytes: number } | undefined;
  readonly #given: Map<string, KeptCall[]>;
  readonly #kept: [question: string, call: KeptCall][] = [];
  readonly #drawn: Uint8Array[];
  #nowMs: number | undefined;
  #replayed = 0;

  private constructor(room: { bytes: number } | undefined, data: Partial<JournalData> = {}) {
    this.#room = room;
    this.#nowMs = data.nowMs;
    this.#drawn = [...(data.drawn ?? [])];
    this.deletions = data.deletions ?? { done: new Set() };
    this.#given = new Map();
    for (const [question, call] of data.calls ?? []) {
      const others = this.#given.get(question);
      if (others === undefined) this.#given.set(question, [call]);
      else others.push(call);
    }
  }

  /** Of a request that may be moved. */
  static recording(): Journal {
    return new Journal({ bytes: 0 });
  }

  /** Of a request that was moved. */
  static of(data: JournalData): Journal {
    return new Journal(undefined, data);
  }

  data(): JournalData {
    return { nowMs: this.#nowMs, drawn: this.#drawn, calls: this.#kept, deletions: this.deletions };
  }

  /** The same time for all of the request; the bytes that were drawn before, in their order, and then new ones. */
  moment(clock: Clock, randomBytes: (size: number) => Uint8Array): Moment {
    this.#nowMs ??= clock.now();
    return {
      nowMs: this.#nowMs,
      randomBytes: (size) => {
        if (this.#room === undefined) {
          const known = this.#drawn[this.#replayed++];
          return known?.length === size ? known : randomBytes(size);
        }
        const drawn = randomBytes(size);
        this.#drawn.push(drawn);
        return drawn;
      },
    };
  }

  /**
   * A question that is to be asked. Each kept call answers one.
   * @param webhook who is asked
   * @param question all of it but for its UID
   */
  ask(webhook: string, question: string): Asked | undefined {
    if (this.#room === undefined && this.#given.size === 0) return undefined;
    const name = createHash("sha256").update(`${webhook}\0${question}`).digest("base64");
    return {
      known: this.#given.get(name)?.shift(),
      keep: (uid, received) => this.#keep(name, { uid, received }),
    };
  }

  #keep(question: string, call: KeptCall): boolean {
    if (this.#room === undefined) return false;
    const bytes = bytesOf(call);
    if (this.#room.bytes + bytes > maxKeptBytes) return false;
    this.#room.bytes += bytes;
    this.#kept.push([question, call]);
    return true;
  }

  /** The journal of one of the request's writes, which may end before the request does. */
  part(): Journal {
    if (this.#room === undefined) return this;
    return new Journal(this.#room);
  }

  /** The write of a part is done. */
  drop(part: Journal): void {
    if (this.#room === undefined) return;
    for (const [, call] of part.#kept) this.#room.bytes -= bytesOf(call);
    part.#kept.length = 0;
  }

  /** The write of a part is to be done elsewhere. */
  adopt(part: Journal): void {
    if (part === this) return;
    this.#kept.push(...part.#kept);
    part.#kept.length = 0;
  }
}

const bytesOf = ({ received }: KeptCall): number =>
  callBytes + ("body" in received ? received.body.length : received.failure.length);

/** For writes that nobody keeps a journal of. */
export const momentOf = (from: {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
}): Moment => ({ nowMs: from.clock.now(), randomBytes: from.randomBytes });

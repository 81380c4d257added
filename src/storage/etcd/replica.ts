/**
 * The local copy of etcd's keys, and what keeps it up to date: one watch, resumed where the copy ends, and a rebuild
 * from pages when etcd no longer has the changes in between.
 */
import type { LocalChange } from "../local/apply.ts";
import type { LocalStore } from "../local/local-store.ts";
import { CompactedError, type Revision, StoreUnavailableError } from "../port.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { EtcdWatch } from "./client/client.ts";
import { EtcdError, grpcCode, isCompacted } from "./client/grpc-error.ts";
import { safeNumber, type WatchResponse } from "./client/messages.ts";
import { ForeignStoreError } from "./etcd-txn.ts";
import { EventReader, OversizedTransactionError } from "./event-reader.ts";
import {
  claimIdentity,
  hasChange,
  type LastChange,
  progressTrusted,
  readIdentity,
  type StoreIdentity,
} from "./identity.ts";
import { openReplicaFiles, type ReplicaFiles } from "./replica-files.ts";
import {
  build,
  callDeadlineMs,
  type Opened,
  positionExtra,
  type ReplicaOptions,
  resume,
} from "./replica-open.ts";
import { endOf, modOf } from "./revision.ts";

/** The watch is paused when more than this waits to be written, and goes on at half of it. */
const maxQueuedBytes = 32 * 1_024 * 1_024;
const firstBackoffMs = 50;
const maxBackoffMs = 2_000;
/** A position that advances without changes of ours is written down this often. */
const savePositionMs = 60_000;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #files: ReplicaFiles;
  readonly #identity: StoreIdentity;
  #local: LocalStore;
  #applied: number;
  #last: LastChange | undefined;
  #savedApplied: number;
  #watch: EtcdWatch | undefined;
  #queue = new ChangeQueue(0);
  #applying: Promise<void> = Promise.resolve();
  #busy = false;
  #interrupt: ((error: Error) => void) | undefined;
  #listeners = new Set<() => void>();
  #running: Promise<void> = Promise.resolve();
  #closed = false;
  #failure: StoreUnavailableError | undefined;
  #cancelSave: () => void = () => undefined;
  #wakeUp: () => void = () => undefined;
  /** Counts everything that shows life: pages, responses, batches. */
  #activity = 0;
  #counters = { reconnects: 0, rebuilds: 0, ignored: 0 };
  #trusted = false;
  #lastError: Error | undefined;

  private constructor(options: ReplicaOptions, files: ReplicaFiles, identity: StoreIdentity, opened: Opened) {
    this.#options = options;
    this.#files = files;
    this.#identity = identity;
    this.#local = opened.local;
    this.#applied = opened.applied;
    this.#savedApplied = opened.applied;
    this.#last = opened.last;
    this.#counters.rebuilds = opened.rebuilt ? 1 : 0;
  }

  /** Opens or builds the local copy and begins to follow. Rejects with EtcdError, DataDirectoryError. */
  static async open(options: ReplicaOptions, openTimeoutMs: number): Promise<Replica> {
    const identity = await claimIdentity(options.client, options.keys, options.newIdentity, openTimeoutMs);
    const files = await openReplicaFiles(options.directory);
    const opened =
      (await resume(options, files, identity)) ??
      (await build(options, files, identity, true, () => undefined));
    await files.sweep();
    const replica = new Replica(options, files, identity, opened);
    replica.#running = replica.#run();
    replica.#scheduleSave();
    return replica;
  }

  get local(): LocalStore {
    return this.#local;
  }

  /** etcd's revision up to which the local copy is complete. */
  get applied(): number {
    return this.#applied;
  }

  get identity(): Buffer {
    return this.#identity.value;
  }

  /** Set when this server must not go on: etcd holds another store now, or the store was closed. */
  get failure(): StoreUnavailableError | undefined {
    return this.#failure;
  }

  /** Why the replica does not follow at the moment. */
  get lastError(): Error | undefined {
    return this.#watch === undefined ? this.#lastError : undefined;
  }

  get activity(): number {
    return this.#activity;
  }

  /** Whether requested progress notifications of the connected member can be believed. */
  get progressTrusted(): boolean {
    return this.#trusted;
  }

  /** Calls back whenever {@link applied} grew, and on failure and close; the result takes the callback away. */
  listen(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Lets {@link LocalStore.current} reach the end of what is applied although no change was there. */
  advance(): void {
    if (modOf(this.#local.current()) < this.#applied) this.#local.advance(endOf(this.#applied));
  }

  /** As {@link advance}, for a revision within etcd's transaction that is applied already. */
  advanceTo(revision: Revision): void {
    if (this.#local.current() < revision && modOf(revision) <= this.#applied)
      this.#local.advance(endOf(this.#applied));
  }

  requestProgress(): void {
    this.#watch?.requestProgress();
  }

  /** Ends the watch and opens it again, perhaps at another member: when nothing comes although something should. */
  restartWatch(): void {
    this.#interrupt?.(new EtcdError(grpcCode.unavailable, "the watch delivers nothing", true));
    this.#wakeUp();
  }

  /** Ends everything that depends on etcd, for good. */
  fail(error: Error): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = new StoreUnavailableError(error.message, { cause: error });
    this.#interrupt?.(this.#failure);
    this.#wakeUp();
    this.#options.watches.endAll(this.#failure);
    this.#tell();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelSave();
    this.#failure ??= new StoreUnavailableError("the store is closed");
    this.#interrupt?.(this.#failure);
    this.#wakeUp();
    this.#tell();
    await this.#running;
    await this.#savePosition().catch(() => undefined);
    await this.#local.close();
  }

  stats(): Record<string, number> {
    return {
      etcd_applied_revision: this.#applied,
      etcd_watch_connected: this.#watch === undefined ? 0 : 1,
      etcd_watch_reconnects: this.#counters.reconnects,
      etcd_rebuilds: this.#counters.rebuilds,
      etcd_ignored_keys: this.#counters.ignored,
      etcd_queued_changes: this.#queue.length,
      etcd_queued_bytes: this.#queue.bytes,
    };
  }

  async #run(): Promise<void> {
    let backoff = firstBackoffMs;
    while (!this.#closed && this.#failure === undefined) {
      const before = this.#activity;
      try {
        await this.#follow();
      } catch (error) {
        this.#lastError = error as Error;
      }
      this.#watch = undefined;
      await this.#applying;
      if (this.#closed || this.#failure !== undefined) return;
      const error = this.#lastError;
      if (error instanceof ForeignStoreError) return this.fail(error);
      if (error instanceof OversizedTransactionError || isCompacted(error)) {
        try {
          await this.#rebuild();
          continue;
        } catch (cause) {
          this.#lastError = cause as Error;
        }
      }
      this.#counters.reconnects++;
      backoff = this.#activity > before ? firstBackoffMs : Math.min(backoff * 2, maxBackoffMs);
      await this.#sleep(backoff);
    }
  }

  /** Watches until something goes wrong, which it throws. */
  async #follow(): Promise<void> {
    await this.#verify();
    const { client, keys } = this.#options;
    const reader = new EventReader(keys, this.#applied);
    this.#queue = new ChangeQueue(this.#applied);
    const ended = new Promise<never>((_, reject) => {
      this.#interrupt = reject;
    });
    // Nobody waits for it when opening the watch fails.
    ended.catch(() => undefined);
    const interrupt = this.#interrupt!;
    let over = false;
    let opened: EtcdWatch | undefined;
    try {
      const request = {
        key: keys.watchStart,
        rangeEnd: keys.end,
        startRevision: this.#applied + 1,
        progressNotify: true,
        fragment: true,
      };
      opened = await client.watch(request, {
        onResponse: (response) => {
          if (over) return;
          try {
            this.#onResponse(reader, response, interrupt);
          } catch (error) {
            interrupt(error as Error);
          }
        },
        onEnd: interrupt,
      });
      if (this.#closed || this.#failure !== undefined) return;
      this.#watch = opened;
      await ended;
    } finally {
      over = true;
      opened?.close();
      this.#interrupt = undefined;
    }
  }

  #onResponse(reader: EventReader, response: WatchResponse, interrupt: (error: Error) => void): void {
    this.#activity++;
    const compacted = safeNumber(response.compactRevision);
    if (compacted > 0) {
      throw new EtcdError(grpcCode.outOfRange, `etcd was compacted at ${compacted}`, false);
    }
    if (response.canceled)
      throw new EtcdError(grpcCode.unavailable, `etcd ended the watch: ${response.cancelReason}`, false);
    if (response.created) return;
    if (response.events.length === 0) {
      // A progress notification: everything up to its revision was sent before it.
      if (!response.fragment) this.#queue.push([], safeNumber(response.header.revision));
    } else {
      const read = reader.read(response);
      this.#counters.ignored += read.ignored;
      this.#queue.push(read.changes, read.upTo);
      if (this.#queue.bytes > maxQueuedBytes) this.#watch?.pause();
    }
    if (!this.#busy) {
      this.#busy = true;
      this.#applying = this.#apply(this.#queue, interrupt);
    }
  }

  /** Writes what is queued, batch by batch. Never rejects. */
  async #apply(queue: ChangeQueue, interrupt: (error: Error) => void): Promise<void> {
    try {
      for (;;) {
        const { changes, upTo } = queue.take();
        if (upTo <= this.#applied) return;
        if (changes.length > 0) {
          const last = this.#lastOf(changes);
          await this.#local.apply(changes, { extra: this.#extra(upTo, last) });
          this.#last = last;
          this.#savedApplied = upTo;
        }
        this.#applied = upTo;
        this.#activity++;
        if (queue.bytes <= maxQueuedBytes / 2) this.#watch?.resume();
        this.#tell();
      }
    } catch (error) {
      interrupt(error as Error);
    } finally {
      this.#busy = false;
    }
  }

  #lastOf(changes: readonly LocalChange[]): LastChange {
    const { key, revision, value } = changes.at(-1)!;
    const bytes = this.#options.keys.encode(key);
    return { key: bytes.toString("base64"), mod: modOf(revision), deleted: value === undefined };
  }

  #extra(applied: number, last: LastChange | undefined): Record<string, string> {
    return positionExtra({ identity: this.#identity.value.toString("base64"), applied, last });
  }

  /** Makes sure that etcd still holds the store that the local copy is of. Throws {@link ForeignStoreError}. */
  async #verify(): Promise<void> {
    const { client, keys } = this.#options;
    for (;;) {
      const { connects } = client.stats();
      const identity = await readIdentity(client, keys, callDeadlineMs);
      const { version } = await client.call(
        client.methods.status,
        {},
        { deadlineMs: callDeadlineMs, repeatable: true },
      );
      this.#trusted = progressTrusted(version);
      if (!identity.value.equals(this.#identity.value)) {
        throw new ForeignStoreError("etcd holds another store than the one this server was started on");
      }
      if (identity.revision < this.#applied) {
        const text = `etcd went back from revision ${this.#applied} to ${identity.revision}: it was restored from a backup`;
        throw new ForeignStoreError(`${text}; start the server again`);
      }
      if (this.#last !== undefined && !(await hasChange(client, this.#last, callDeadlineMs))) {
        throw new ForeignStoreError(
          "etcd's history is not the one this server has seen; start the server again",
        );
      }
      // The version must be that of the member that the watch will be opened at.
      if (client.stats().connects === connects || connects === 0) return;
    }
  }

  /** Builds a new copy beside the old one, which goes on to be read, and puts it in its place. */
  async #rebuild(): Promise<void> {
    this.#counters.rebuilds++;
    const opened = await build(this.#options, this.#files, this.#identity, false, () => this.#activity++);
    const old = this.#local;
    if (this.#closed) return await opened.local.close();
    this.#local = opened.local;
    this.#applied = opened.applied;
    this.#savedApplied = opened.applied;
    this.#last = undefined;
    const compacted = opened.local.compacted();
    this.#options.watches.endAll(new CompactedError(old.current(), compacted));
    this.#tell();
    await old.close();
    await this.#files.sweep();
  }

  #scheduleSave(): void {
    this.#cancelSave = this.#options.clock.after(savePositionMs, () => {
      void this.#savePosition()
        .catch(() => undefined)
        .then(() => this.#closed || this.#scheduleSave());
    });
  }

  async #savePosition(): Promise<void> {
    const applied = this.#applied;
    if (applied <= this.#savedApplied) return;
    this.#savedApplied = applied;
    await this.#local.apply([], { extra: this.#extra(applied, this.#last) });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#wakeUp = () => {
        cancel();
        resolve();
      };
    });
  }
}

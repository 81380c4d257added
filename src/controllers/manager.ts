import type { Clock } from "#base/clock.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { partitionOf } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { type Change, CompactedError, type Revision, type Watch } from "#storage/port.ts";
import type { Controller } from "./controller.ts";
import { internalKey, isInternalKey } from "./internal-key.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ManagerOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly controllers: readonly Controller[];
  onError(controller: string, item: string, error: unknown): void;
}

/** Items waiting in all queues together, above which the change log is not read on until half is worked off. */
const maxQueuedItems = 10_000;
/** How often the position is written, at most. */
const savePositionMs = 5_000;
/** Nobody knows which change a resync's items are of: as long as one is not at rest, no position may be written. */
const longAgo = 1 as Revision;
const positionKey = internalKey("positions", "controllers");

interface Running {
  readonly controller: Controller;
  readonly queue: WorkQueue;
}

/**
 * Runs all controllers on one watch of everything, from the position stored last. The position never passes a change
 * whose work is not done, so a crash loses no work; a full queue pauses the reading of the log, so memory stays bounded.
 */
export class ControllerManager {
  readonly #options: ManagerOptions;
  readonly #all: Running[];
  readonly #byCollection = new Map<string, Running[]>();
  readonly #always: Running[];
  #watch: Watch | undefined;
  /** Everything up to here was handed to the queues. */
  #observed = 0 as Revision;
  #saved = 0 as Revision;
  /** The last change that may be a reason for work: positions and leases are none, and none to write the position. */
  #noted = 0 as Revision;
  #cancelSave: (() => void) | undefined;
  #paused = false;
  #closed = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#all = options.controllers.map((controller) => ({ controller, queue: this.#queueOf(controller) }));
    for (const running of this.#all) {
      for (const collection of running.controller.collections ?? []) {
        this.#byCollection.set(collection, [...(this.#byCollection.get(collection) ?? []), running]);
      }
    }
    this.#always = this.#all.filter(({ controller }) => controller.collections === undefined);
  }

  /** Items not at rest, for metrics and for tests that wait for quiet. */
  get pending(): number {
    return this.#all.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  /** Everything up to this revision was looked at. */
  get observed(): Revision {
    return this.#observed;
  }

  start(): void {
    const { store } = this.#options.registry;
    const saved = store.get(positionKey);
    this.#saved =
      saved === undefined ? (0 as Revision) : (Number(saved.value.toString("latin1")) as Revision);
    if (this.#saved === 0 || this.#saved < store.compacted()) this.#resync();
    else this.#observed = this.#saved;
    this.#follow();
  }

  /** Stops reading, lets running items finish, and writes the position. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    this.#cancelSave?.();
    await Promise.all(this.#all.map(({ queue }) => queue.close()));
    await this.#save().catch(() => undefined);
  }

  #queueOf(controller: Controller): WorkQueue {
    return new WorkQueue({
      clock: this.#options.clock,
      concurrency: controller.concurrency,
      process: (item) => this.#process(controller, item),
      onError: (item, error) => this.#options.onError(controller.name, item, error),
      onDone: () => this.#resume(),
    });
  }

  async #process(controller: Controller, item: string): Promise<void> {
    try {
      await controller.process(item);
    } catch (error) {
      const { elsewhere } = this.#options.registry;
      if (elsewhere === undefined || !(error instanceof ElsewhereError)) throw error;
      await elsewhere.process(controller.name, item);
    }
  }

  #resync(): void {
    const { store } = this.#options.registry;
    this.#observed = store.current();
    this.#noted = this.#observed;
    for (const { controller, queue } of this.#all) controller.resync((item) => queue.add(item, longAgo));
  }

  #follow(): void {
    if (this.#closed) return;
    this.#paused = false;
    try {
      this.#watch = this.#options.registry.store.watch({
        prefix: "",
        after: this.#observed,
        onChanges: (changes) => this.#observe(changes),
        onEnd: (error) => this.#ended(error),
      });
    } catch (error) {
      this.#ended(error);
    }
  }

  #ended(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof CompactedError) {
      this.#resync();
      this.#follow();
      return;
    }
    this.#options.onError("manager", "watch", error);
    this.#options.clock.after(1_000, () => this.#follow());
  }

  #observe(changes: readonly Change[]): void {
    for (const change of changes) {
      const partition = partitionOf(change.key);
      if (partition !== undefined) {
        const { collection } = partition;
        for (const { controller, queue } of this.#byCollection.get(collection) ?? []) {
          controller.observe(change, collection, (item) => queue.add(item, change.revision));
        }
        for (const { controller, queue } of this.#always) {
          controller.observe(change, collection, (item) => queue.add(item, change.revision));
        }
      }
      // A commit made while this batch is looked at announces itself first: never go back behind it.
      if (change.revision > this.#observed) this.#observed = change.revision;
      if (!isInternalKey(change.key)) this.#noted = change.revision;
    }
    if (this.pending > maxQueuedItems && !this.#paused) {
      this.#paused = true;
      this.#watch?.close();
      this.#watch = undefined;
    }
    this.#saveLater();
  }

  #resume(): void {
    if (this.#paused && this.pending < maxQueuedItems / 2) this.#follow();
    this.#saveLater();
  }

  #saveLater(): void {
    if (this.#closed || this.#cancelSave !== undefined || this.#noted <= this.#saved) return;
    this.#cancelSave = this.#options.clock.after(savePositionMs, () => {
      this.#cancelSave = undefined;
      this.#save().catch((error: unknown) => this.#options.onError("manager", "position", error));
    });
  }

  async #save(): Promise<void> {
    const oldest = this.#all.reduce<Revision | undefined>((least, { queue }) => {
      const revision = queue.oldest();
      return revision !== undefined && (least === undefined || revision < least) ? revision : least;
    }, undefined);
    const position = oldest === undefined ? this.#observed : ((oldest - 1) as Revision);
    if (position <= this.#saved || this.#noted <= this.#saved) return;
    const value = Buffer.from(String(position), "latin1");
    const result = await this.#options.registry.store.commit({
      compare: [],
      operations: [{ type: "put", key: positionKey, value }],
    });
    if (result.ok) this.#saved = position;
  }
}

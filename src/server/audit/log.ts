import { BoundedQueue } from "#base/bounded-queue.ts";
import type { AuditCounters } from "./counters.ts";

/** How requests and the log wait for each other (k8s.io/apiserver pkg/server/options/audit.go). */
export const auditModes = ["batch", "blocking", "blocking-strict"] as const;
export type AuditMode = (typeof auditModes)[number];

/** Where lines go. */
export interface AuditSink {
  /** Writes lines in their order; answers for each what was wrong. Never rejects. */
  write(lines: readonly Buffer[]): Promise<readonly (Error | undefined)[]>;
  close(): Promise<void>;
}

export interface AuditLogOptions {
  readonly sink: AuditSink;
  readonly mode: AuditMode;
  /** Lines that may wait in mode batch; more are dropped. */
  readonly bufferSize: number;
  readonly counters: AuditCounters;
  /** Something for the operator. */
  readonly report: (message: string) => void;
}

/** Lines and bytes of one write. */
const batchLines = 1_000;
const batchBytes = 1024 * 1024;
/** In the blocking modes new requests wait while more bytes than this wait to be written. */
const busyBytes = 16 * 1024 * 1024;
/** Bytes that may wait in all; lines beyond are lost, and counted. */
const maxBytes = 256 * 1024 * 1024;
/** Lines that may wait in the blocking modes, in which each open request has two at most. */
const maxLines = 100_000;

interface Waiting {
  readonly line: Buffer;
  readonly done: ((written: boolean) => void) | undefined;
}

/** Writes lines one after the other, many at once when many wait. Nothing that goes wrong with them harms the server. */
export class AuditLog {
  readonly mode: AuditMode;
  readonly counters: AuditCounters;
  readonly #options: AuditLogOptions;
  readonly #queue: BoundedQueue<Waiting>;
  readonly #eased: (() => void)[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #reported: string | undefined;

  constructor(options: AuditLogOptions) {
    this.mode = options.mode;
    this.counters = options.counters;
    this.#options = options;
    this.#queue = new BoundedQueue(options.mode === "batch" ? options.bufferSize : maxLines);
  }

  /** Undefined in mode batch: nobody waits. Else it resolves when the line is written, with false when it could not be. */
  push(line: Buffer): Promise<boolean> | undefined {
    const batch = this.mode === "batch";
    const { promise, resolve } = batch
      ? { promise: undefined, resolve: undefined }
      : Promise.withResolvers<boolean>();
    const taken = this.#bytes + line.length <= maxBytes && this.#queue.push({ line, done: resolve });
    if (!taken) {
      this.lost(batch ? "buffered" : "log", "audit buffer queue blocked");
      return batch ? undefined : Promise.resolve(false);
    }
    this.#bytes += line.length;
    this.#writing ??= this.#write();
    return promise;
  }

  /** In the blocking modes, while the disk cannot follow: resolves when a new request may begin. */
  whenReady(): Promise<void> | undefined {
    if (this.mode === "batch" || this.#bytes <= busyBytes) return undefined;
    return new Promise((resolve) => this.#eased.push(resolve));
  }

  /** Counts an event that is not in the log; the operator hears of a trouble once, until it is another. */
  lost(plugin: "log" | "buffered" | "truncate", why: string): void {
    this.counters.error(plugin);
    if (this.#reported === why) return;
    this.#reported = why;
    this.#options.report(`Error in audit plugin '${plugin}': ${why}`);
  }

  /** Writes what waits, and closes the sink. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#options.sink.close();
  }

  async #write(): Promise<void> {
    // All that comes in this turn is written together.
    await undefined;
    while (this.#queue.size > 0) {
      const batch: Waiting[] = [];
      let bytes = 0;
      for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
        if (batch.length >= batchLines || (batch.length > 0 && bytes + next.line.length > batchBytes)) break;
        batch.push(this.#queue.shift()!);
        bytes += next.line.length;
      }
      const outcomes = await this.#options.sink.write(batch.map(({ line }) => line));
      this.#bytes -= bytes;
      batch.forEach(({ done }, index) => {
        const error = outcomes[index];
        if (error !== undefined) this.lost("log", error.message);
        else this.#reported = undefined;
        done?.(error === undefined);
      });
      if (this.#bytes <= busyBytes) for (const resolve of this.#eased.splice(0)) resolve();
    }
    this.#writing = undefined;
  }
}

import { Worker } from "node:worker_threads";
import type { Clock } from "#base/clock.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { timeout, tooManyRequests } from "#machinery/errors/errors.ts";
import { type Status, StatusError } from "#machinery/errors/status-error.ts";
import { parseJson, type ReadOptions, type ReadResult, readOwnJson } from "#machinery/json/read.ts";
import type { YamlAnswer } from "./yaml-worker.ts";

/** Larger documents are read in another thread; one of this size takes about 20 ms. */
const smallBytes = 8 * 1_024;
/** Documents that wait for the thread; more answer 429. */
const maxWaiting = 64;
/** A document that takes longer is given up, and the thread with it (upstream bounds writes by 34 s). */
const longestMs = 30_000;
/** The thread's memory; the library needs about a hundred bytes for each of the text. */
const maxHeapMb = 1_024;

type Outcome = ReadResult | StatusError;

/**
 * YAML bodies. Small ones are read where they are needed. Large ones are read by one worker thread, made when the first
 * comes; `prepare` waits for it, and `read` then answers at once.
 */
export class YamlBodies {
  readonly #clock: Clock;
  readonly #prepared = new WeakMap<Uint8Array, Outcome>();
  #worker: Worker | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Must be awaited before `read`. @throws StatusError 429 */
  async prepare(bytes: Buffer): Promise<void> {
    if (bytes.length <= smallBytes || this.#prepared.has(bytes)) return;
    const json = readAsJson(bytes, { duplicates: true });
    if (json !== undefined) {
      this.#prepared.set(bytes, json);
      return;
    }
    if (this.#waiting >= maxWaiting)
      throw tooManyRequests("too many large YAML documents wait to be read", 1);
    this.#waiting++;
    // One at a time: the thread takes no second one anyway, and the time of each is its own.
    const turn = this.#tail.then(() => this.#elsewhere(bytes));
    this.#tail = turn.catch(() => undefined);
    try {
      this.#prepared.set(bytes, await turn);
    } finally {
      this.#waiting--;
    }
  }

  /** As {@link readYaml}; JSON is read as such. */
  read(bytes: Buffer, options: ReadOptions): ReadResult {
    const outcome = this.#prepared.get(bytes);
    if (outcome === undefined) return readAsJson(bytes, options) ?? readYaml(bytes, options);
    if (outcome instanceof StatusError) throw outcome;
    return options.duplicates === true ? outcome : { ...outcome, duplicates: [] };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #elsewhere(bytes: Buffer): Promise<Outcome> {
    const worker = this.#thread();
    return new Promise((resolve) => {
      const finish = (outcome: Outcome): void => {
        cancel();
        worker.off("message", read).off("exit", broken);
        resolve(outcome);
      };
      const read = (answer: YamlAnswer): void => finish(outcomeOf(answer));
      const broken = (): void => {
        if (this.#worker === worker) this.#worker = undefined;
        void worker.terminate();
        finish(timeout("the YAML document could not be read in time; JSON is faster"));
      };
      const cancel = this.#clock.after(longestMs, broken);
      worker.on("message", read).on("exit", broken);
      worker.postMessage(bytes);
    });
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // The published package is JavaScript.
    const file = import.meta.url.endsWith(".ts") ? "./yaml-worker.ts" : "./yaml-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    worker.unref();
    // An error ends the thread; who waits for it is told by that.
    worker.on("error", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }
}

const openBrace = 0x7b;

/** Most YAML that programs send is JSON, which is read a hundred times faster. */
function readAsJson(bytes: Buffer, options: ReadOptions): ReadResult | undefined {
  if (bytes[0] !== openBrace) return undefined;
  try {
    return parseJson(bytes, options);
  } catch (error) {
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}

function outcomeOf(answer: YamlAnswer): Outcome {
  if ("error" in answer) return new StatusError(answer.error as Status);
  return { value: readOwnJson(Buffer.from(answer.json, "utf8")), duplicates: answer.duplicates };
}

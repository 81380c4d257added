/** How the annex asks this thread: the only state that both see is here, and it is never shared. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { StoreUnavailableError } from "#storage/port.ts";
import type { FromAnnex, LaterQuestions, Outcome, Questions } from "./protocol.ts";
import { storeErrorOf } from "./store-errors.ts";

/** Longest wait for an answer that takes microseconds; the other thread is gone then, or busy beyond measure. */
const longestWaitMs = 30_000;

/** Asks, and holds the annex's thread until the answer is there. */
export class Asker {
  readonly #port: MessagePort;
  readonly #answers: Int32Array;
  readonly #post: (message: FromAnnex) => void;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(port: MessagePort, answers: SharedArrayBuffer, post: (message: FromAnnex) => void) {
    this.#port = port;
    this.#answers = new Int32Array(answers);
    this.#post = post;
  }

  /** @throws errors of the store */
  now<N extends keyof Questions>(name: N, ...args: Questions[N][0]): Questions[N][1] {
    const before = Atomics.load(this.#answers, 0);
    this.#port.postMessage({ name, args });
    // The call that told of the answer before may wake us, too.
    while (Atomics.load(this.#answers, 0) === before) {
      if (Atomics.wait(this.#answers, 0, before, longestWaitMs) === "timed-out") this.#giveUp();
    }
    return valueIn(receiveMessageOnPort(this.#port)?.message as Outcome) as Questions[N][1];
  }

  /** An answer that comes later still would be taken for that of the next question. */
  #giveUp(): never {
    this.#port.close();
    throw new StoreUnavailableError("the store does not answer the annex");
  }

  /** Rejects with errors of the store. */
  later<N extends keyof LaterQuestions>(
    name: N,
    ...args: LaterQuestions[N][0]
  ): Promise<LaterQuestions[N][1]> {
    const call = ++this.#calls;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(call, pending);
    this.#post({ type: "call", call, question: { name, args } } as FromAnnex);
    return pending.promise as Promise<LaterQuestions[N][1]>;
  }

  settle(call: number, outcome: Outcome): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    try {
      pending?.resolve(valueIn(outcome));
    } catch (error) {
      pending?.reject(error);
    }
  }
}

function valueIn(outcome: Outcome): unknown {
  if ("storeError" in outcome) throw storeErrorOf(outcome.storeError);
  if ("error" in outcome) throw new Error(outcome.error);
  return outcome.value;
}

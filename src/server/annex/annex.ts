/**
 * A second thread for requests that would keep others waiting: large bodies, large objects. JavaScript has one thread for all
 * requests, and the work of a write grows with the object (reading, validation, managed fields), which may have a hundred thousand
 * fields. So beyond a size a request is served in the annex, by the very same code; only the store is here, and the annex asks for
 * what it reads and has its writes committed. It is begun when the first such request comes, and ended when there was none for
 * a while.
 */
import * as nodeModule from "node:module";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Clock } from "#base/clock.ts";
import { giveBackMemory } from "#base/give-back-memory.ts";
import { timeout } from "#machinery/errors/errors.ts";
import type { NotesData } from "#server/audit/notes.ts";
import type { RequestContext } from "#server/context.ts";
import { MAX_BODY_BYTES } from "#server/exchange.ts";
import { answerLater, answerNow, type DeskOptions, outcomeOf } from "./desk.ts";
import type {
  AnnexData,
  AnnexRequest,
  AnnexTask,
  FromAnnex,
  Question,
  TaskResult,
  Tasks,
  ToAnnex,
} from "./protocol.ts";
import { taskError } from "./task-failure.ts";
import { type TurnLimits, Turns } from "./turns.ts";

const turnLimits: TurnLimits = {
  // Each may hold some tens of MiB.
  serving: 12,
  servingEach: 4,
  // Up to 3 MiB each; more answer 429.
  waiting: 64,
  waitingEach: 32,
};
/**
 * Tasks for reads: each list and each watch waits for one at a time, and others would have to begin anew if they were refused.
 */
const taskLimits: TurnLimits = { serving: 4, servingEach: 1, waiting: 10_000, waitingEach: 10_000 };
/** The thread's memory. */
const maxHeapMb = 2_048;
/** V8 would let new objects take 128 MiB, and touch all of it. */
const maxYoungMb = 32;
/** Deep recursion is bounded by counts that the first thread's stack bears. */
const stackMb = 4;
/** The thread and its memory are given back after this time without work. */
const idleMs = 20_000;
/** So long after its client has gone a request may go on; then the thread is given up. */
const graceMs = 30_000;

export interface AnnexOptions
  extends DeskOptions,
    Pick<AnnexData, "caPem" | "admissionPlugins" | "serviceRanges" | "sharedStore"> {
  /** Known when the server listens. */
  readonly externalUrl: () => string;
  readonly clock: Clock;
  readonly log: (message: string, error?: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
}

/** A request in the thread. */
interface Visit {
  readonly request: RequestContext;
  readonly done: (error?: Error) => void;
}

export class Annex {
  readonly #options: AnnexOptions;
  readonly #visits = new Map<number, Visit>();
  readonly #turns = new Turns(turnLimits);
  readonly #tasks = new Map<number, PromiseWithResolvers<TaskResult>>();
  readonly #taskTurns = new Turns(taskLimits);
  #thread: Thread | undefined;
  #ids = 0;
  #cancelIdle: (() => void) | undefined;
  #closed = false;

  constructor(options: AnnexOptions) {
    this.#options = options;
  }

  /** Answers a request from its start, with its journal. @throws StatusError 429; 504 when it is too much for the thread, too */
  async serve(request: RequestContext): Promise<void> {
    const body = await request.exchange.readBody(MAX_BODY_BYTES);
    const { cluster } = request;
    const turn = this.#turns.enter(cluster.kind === "one" ? cluster.name : cluster.kind);
    try {
      if (turn.begun !== undefined) {
        request.onClose(turn.cancel);
        await turn.begun;
      }
      if (!request.closed && !this.#closed) await this.#visit(request, body);
    } finally {
      turn.end();
      this.#endWhenIdle();
    }
  }

  /** Has something done that is no request. Rejects with what the task throws, and StatusError 504. */
  async task<N extends keyof Tasks>(workspace: string, name: N, input: Tasks[N][0]): Promise<Tasks[N][1]> {
    const turn = this.#taskTurns.enter(workspace);
    try {
      await turn.begun;
      if (this.#closed) throw tooMuch();
      const id = ++this.#ids;
      const pending = Promise.withResolvers<TaskResult>();
      this.#tasks.set(id, pending);
      this.#post(this.#begun().worker, { type: "do", id, task: { name, input } as AnnexTask });
      return (await pending.promise) as Tasks[N][1];
    } finally {
      turn.end();
      this.#endWhenIdle();
    }
  }

  #visit(request: RequestContext, body: Buffer): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const id = ++this.#ids;
      let cancelGrace: (() => void) | undefined;
      const done = (error?: Error): void => {
        cancelGrace?.();
        this.#visits.delete(id);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#visits.set(id, { request, done });
      const { worker } = this.#begun();
      this.#post(worker, { type: "serve", id, request: dataOf(request, body) });
      request.onClose(() => {
        if (!this.#visits.has(id)) return;
        this.#post(worker, { type: "gone", id });
        cancelGrace = this.#options.clock.after(graceMs, () => this.#giveUp(worker));
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    if (thread !== undefined) await this.#giveUp(thread.worker);
  }

  #endWhenIdle(): void {
    if (!this.#turns.isIdle || !this.#taskTurns.isIdle || this.#thread === undefined) return;
    const { worker } = this.#thread;
    this.#cancelIdle?.();
    this.#cancelIdle = this.#options.clock.after(idleMs, () => {
      if (this.#visits.size === 0) void this.#giveUp(worker).then(() => giveBackMemory(this.#options.clock));
    });
  }

  #begun(): Thread {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.#thread !== undefined) return this.#thread;
    const { caPem, externalUrl, admissionPlugins, serviceRanges, sharedStore, egress } = this.#options;
    const { port1: port, port2 } = new MessageChannel();
    const answers = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const egressText = egress.text;
    const data = {
      caPem,
      externalUrl: externalUrl(),
      admissionPlugins,
      serviceRanges,
      sharedStore,
      egressText,
      port: port2,
      answers,
      // Whoever embeds the server may not want files to be written.
      compileCache: nodeModule.getCompileCacheDir() !== undefined,
    };
    // The published package is JavaScript.
    const file = import.meta.url.endsWith(".ts") ? "./annex-worker.ts" : "./annex-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: data satisfies AnnexData,
      transferList: [port2],
      resourceLimits: {
        maxOldGenerationSizeMb: maxHeapMb,
        maxYoungGenerationSizeMb: maxYoungMb,
        stackSizeMb: stackMb,
      },
    });
    const counter = new Int32Array(answers);
    port.on("message", (question: Question) => {
      void outcomeOf(() => answerNow(this.#options, question)).then((outcome) => {
        port.postMessage(outcome);
        Atomics.add(counter, 0, 1);
        Atomics.notify(counter, 0);
      });
    });
    port.unref();
    worker.unref();
    worker.on("message", (message: FromAnnex) => this.#heard(worker, message));
    worker.on("error", (error) => this.#options.log("the annex has failed", error));
    worker.on("exit", () => this.#ended(worker));
    this.#thread = { worker, port };
    return this.#thread;
  }

  #heard(worker: Worker, message: FromAnnex): void {
    switch (message.type) {
      case "call":
        void outcomeOf(() => answerLater(this.#options, message.question)).then((outcome) =>
          this.#post(worker, { type: "settled", call: message.call, outcome }),
        );
        return;
      case "bug":
        this.#bug(message.id, message.text);
        return;
      case "aborted":
        this.#tell(message.id, message.audit);
        this.#visits.get(message.id)?.request.exchange.abort();
        this.#visits.get(message.id)?.done();
        return;
      case "done":
        this.#tasks.get(message.id)?.resolve(message.result);
        this.#tasks.delete(message.id);
        return;
      case "failed":
        this.#tasks.get(message.id)?.reject(taskError(message.failure));
        this.#tasks.delete(message.id);
        return;
      case "answered": {
        this.#tell(message.id, message.audit);
        const visit = this.#visits.get(message.id);
        visit?.request.exchange.respond(message.status, message.headers, message.body);
        visit?.done();
      }
    }
  }

  #tell(id: number, notes: NotesData | undefined): void {
    if (notes !== undefined) this.#visits.get(id)?.request.exchange.audit?.take(notes);
  }

  #bug(id: number, text: string): void {
    const exchange = this.#visits.get(id)?.request.exchange;
    const error = new Error(text);
    error.stack = text;
    this.#options.log(`bug while serving ${exchange?.method} ${exchange?.rawPath}`, error);
  }

  #post(worker: Worker, message: ToAnnex): void {
    worker.postMessage(message);
  }

  async #giveUp(worker: Worker): Promise<void> {
    await worker.terminate();
    this.#ended(worker);
  }

  /** Who was in it gets no other answer: a write of it may have been committed. */
  #ended(worker: Worker): void {
    if (this.#thread?.worker !== worker) return;
    this.#thread.port.close();
    this.#thread = undefined;
    for (const { done } of [...this.#visits.values()]) done(tooMuch());
    for (const { reject } of this.#tasks.values()) reject(tooMuch());
    this.#tasks.clear();
  }
}

const tooMuch = (): Error => timeout("the request was more work than the server does for one");

function dataOf(
  { exchange, cluster, info, user, auditId, startedAt, journal }: RequestContext,
  body: Buffer,
): AnnexRequest {
  const headers: [string, string][] = [];
  for (const name of exchange.headerNames()) {
    const value = exchange.header(name);
    if (value !== undefined) headers.push([name, value]);
  }
  const { method, rawPath, rawQuery } = exchange;
  return {
    method,
    rawPath,
    rawQuery,
    headers: Object.fromEntries(headers),
    body: new Uint8Array(body),
    cluster,
    info,
    user,
    auditId,
    startedAt,
    journal: journal.data(),
    audit: exchange.audit?.wanted,
  };
}

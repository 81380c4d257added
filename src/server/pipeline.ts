import { BoundedQueue } from "#base/bounded-queue.ts";
import type { Clock } from "#base/clock.ts";
import { badRequest, statusOf, timeout } from "#machinery/errors/errors.ts";
import { type Status, StatusError } from "#machinery/errors/status-error.ts";
import { parseDuration } from "#machinery/values/duration.ts";
import type { AuditNotes } from "./audit/notes.ts";
import type { Endpoint } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import type { Filter } from "./filters.ts";
import { Request } from "./request.ts";
import { isBug, respondError, type StatusWriter } from "./respond-error.ts";
import { tooManyRequestsText } from "./text-error.ts";

/** Ordinary requests that wait for something (store, body) at one time; more wait in the queue. */
const MAX_IN_FLIGHT = 1024;
/** Requests that wait for their turn; more answer 429. */
const MAX_QUEUED = 4096;
/** Longest time of an ordinary request, and the cap of `?timeout=`. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Longest time in the queue: a quarter of the request's, as upstream. */
const QUEUE_TIMEOUT_MS = REQUEST_TIMEOUT_MS / 4;

export interface PipelineOptions {
  readonly filters: readonly Filter[];
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly writeStatus: StatusWriter;
  /** Called for exceptions that are bugs of ours. */
  readonly onBug: (error: unknown, request: Request | undefined) => void;
  /** Called when a request has passed the filters and its work begins; answers what to call when that is done. */
  readonly onServe?: (request: Request) => () => void;
  /** Called once for each request, when its answer is complete or the client gone. */
  readonly onDone?: (request: Request) => void;
  readonly maxInFlight?: number;
  readonly maxQueued?: number;
  readonly requestTimeoutMs?: number;
}

/** Runs exchanges through the filters to the endpoint. A bug in any of them ends the request with 500, nothing else. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #filters: readonly Filter[];
  readonly #waiting: BoundedQueue<() => void>;
  readonly #maxInFlight: number;
  readonly #timeoutMs: number;
  #inFlight = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#filters = options.filters;
    this.#maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
    this.#waiting = new BoundedQueue(options.maxQueued ?? MAX_QUEUED);
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  /** The transport's handler. Never throws. */
  readonly handle = (exchange: Exchange): void => {
    const request = new Request(exchange, this.#options.clock.now());
    const { onDone } = this.#options;
    if (onDone !== undefined) exchange.onClose(() => onDone(request));
    this.#runFrom(0, request);
  };

  #runFrom(start: number, request: Request): void {
    try {
      for (let i = start; i < this.#filters.length; i++) {
        const waiting = this.#filters[i]!.run(request);
        if (request.exchange.responded) return;
        if (waiting !== undefined) {
          waiting.then(
            () => this.#runFrom(i + 1, request),
            (error: unknown) => this.#fail(request, error),
          );
          return;
        }
      }
      this.#limitTime(request);
      if (request.longRunning || this.#inFlight < this.#maxInFlight) this.#serve(request);
      else this.#enqueue(request);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #serve(request: Request): void {
    const served = this.#options.onServe?.(request);
    if (request.longRunning && served !== undefined) request.exchange.onClose(served);
    let result: void | Promise<void>;
    try {
      result = this.#options.endpoint(request);
    } catch (error) {
      if (!request.longRunning) served?.();
      this.#fail(request, error);
      return;
    }
    const { exchange } = request;
    if (request.longRunning) {
      result?.then(
        () => exchange.ended?.(),
        (error: unknown) => this.#fail(request, error),
      );
      return;
    }
    if (result === undefined) {
      served?.();
      exchange.ended?.();
      return;
    }
    this.#inFlight++;
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      this.#inFlight--;
      served?.();
      this.#serveNext();
      return true;
    };
    const cancelTimeout = this.#options.clock.after(this.#timeLeft(request), () => {
      settle();
      request.expire();
      this.#fail(request, timeout("request did not complete within the allotted timeout"));
    });
    result.then(
      () => {
        cancelTimeout();
        settle();
        exchange.ended?.();
      },
      (error: unknown) => {
        cancelTimeout();
        // After the time-out the answer is given; what fails later is a consequence of that.
        if (settle()) this.#fail(request, error);
      },
    );
  }

  #enqueue(request: Request): void {
    let gone = false;
    const cancel = this.#options.clock.after(QUEUE_TIMEOUT_MS, () => {
      gone = true;
      this.#fail(request, tooManyRequests());
    });
    const taken = this.#waiting.push(() => {
      cancel();
      if (!gone && !request.exchange.closed) this.#serve(request);
    });
    if (taken) return;
    cancel();
    throw tooManyRequests();
  }

  #serveNext(): void {
    while (this.#inFlight < this.#maxInFlight) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }

  #limitTime(request: Request): void {
    if (request.longRunning || !request.exchange.rawQuery.includes("timeout=")) return;
    const text = request.query.get("timeout");
    if (text === undefined || text === "") return;
    const nanoseconds = parseDuration(text);
    if (nanoseconds instanceof Error)
      throw badRequest(`invalid timeout specified in the request URL - ${nanoseconds.message}`);
    const wanted = Number(nanoseconds) / 1e6;
    if (wanted > 0 && wanted < this.#timeoutMs) request.timeoutMs = wanted;
  }

  #timeLeft(request: Request): number {
    const spent = this.#options.clock.now() - request.startedAt;
    return Math.max(0, (request.timeoutMs ?? this.#timeoutMs) - spent);
  }

  #fail(request: Request, error: unknown): void {
    const { onBug, writeStatus } = this.#options;
    try {
      const { exchange } = request;
      const { audit } = exchange;
      if (exchange.closed) {
        if (audit !== undefined) tellRefusal(audit, statusOf(error));
        exchange.ended?.();
        return;
      }
      if (isBug(error)) {
        onBug(error, request);
        if (audit !== undefined && !(error instanceof StatusError)) audit.panic = String(error);
      }
      respondError(request.exchange, error, writeStatus);
    } catch (second) {
      onBug(second, request);
      request.exchange.abort();
    }
  }
}

/** What would have been answered, had the client stayed. */
function tellRefusal(audit: AuditNotes, status: Status): void {
  audit.code = status.code;
  audit.answers(status);
}

const tooManyRequests = () => tooManyRequestsText("Too many requests, please try again later.", 1);

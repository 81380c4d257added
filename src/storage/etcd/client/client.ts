import type { Clock } from "#base/clock.ts";
import { Connection, type GrpcStream, type TlsMaterial } from "./connection.ts";
import { Gate } from "./gate.ts";
import { answered, EtcdError, grpcCode, isTransient } from "./grpc-error.ts";
import {
  etcdMethods,
  type Method,
  type Methods,
  type WatchCreateRequest,
  type WatchResponse,
} from "./messages.ts";

export interface ClientOptions {
  /** From `parseEndpoints`. */
  readonly endpoints: readonly string[];
  readonly tls: TlsMaterial;
  readonly clock: Clock;
  /** Milliseconds for one connection attempt; default 3,000. */
  readonly connectTimeoutMs?: number;
}

export interface CallOptions {
  /** Milliseconds for the whole call, attempts and waiting included. */
  readonly deadlineMs: number;
  /**
   * True: reads and other calls that may happen twice; every transient failure is tried again until the deadline.
   * False: only failures that certainly changed nothing are tried again, at the other members.
   */
  readonly repeatable: boolean;
}

export interface EtcdWatchHandler {
  onResponse(response: WatchResponse): void;
  /** Called once, last; not after `close`. */
  onEnd(error: EtcdError): void;
}

export interface EtcdWatch {
  /** Asks etcd to say how far this stream's watch has come (etcd 3.4 `WatchProgressRequest`). */
  requestProgress(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

/** Calls on the wire at once. More would only wait inside etcd, where they hold memory. */
const maxInFlight = 512;
/** Calls waiting for their turn. */
const maxQueued = 16_384;
/** Pause before a repeatable call is tried again, doubled up to the maximum. */
const firstRetryMs = 50;
const maxRetryMs = 1_000;

/**
 * A client of one etcd cluster: one connection at a time, to the member that answered last; the next member takes over
 * when it fails. Every method may be called before any connection exists.
 */
export class EtcdClient {
  readonly methods: Methods;
  readonly #options: ClientOptions;
  readonly #gate = new Gate(maxInFlight, maxQueued);
  #index = 0;
  #connection: Promise<Connection> | undefined;
  #live = new Set<Connection>();
  #closed = false;
  #connects = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.methods = etcdMethods();
  }

  /** One call. Rejects with {@link EtcdError}. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const bytes = method.encode(request);
    const deadline = this.#options.clock.now() + options.deadlineMs;
    return await this.#gate.run(async () => {
      let pause = firstRetryMs;
      // Without repeating, each member is tried once at most.
      for (let attempt = 1; ; attempt++) {
        const left = deadline - this.#options.clock.now();
        if (left <= 0) throw new EtcdError(grpcCode.deadlineExceeded, "etcd did not answer in time", false);
        try {
          return await this.#attempt(method, bytes, left);
        } catch (error) {
          if (this.#closed || !isTransient(error)) throw error;
          const again = options.repeatable
            ? this.#options.clock.now() + pause < deadline
            : !(error as EtcdError).mayHaveHappened && attempt < this.#options.endpoints.length;
          if (!again) throw error;
        }
        if (options.repeatable) {
          await this.#sleep(pause);
          pause = Math.min(pause * 2, maxRetryMs);
        }
      }
    });
  }

  /** Opens a watch on a stream of its own; it stays with its member and ends when that fails. */
  async watch(request: WatchCreateRequest, handler: EtcdWatchHandler): Promise<EtcdWatch> {
    const { watch } = this.methods;
    const connection = await this.#connect();
    let ended = false;
    const end = (error: EtcdError) => {
      if (ended) return;
      ended = true;
      if (isTransient(error)) this.#giveUp(connection);
      handler.onEnd(error);
    };
    // A member cut off from its leader must end the watch instead of showing an old world (etcd `WithRequireLeader`).
    const stream: GrpcStream = connection.stream(
      watch.path,
      { hasleader: "true" },
      {
        onMessage: (message) => {
          if (!ended) handler.onResponse(watch.decode(message));
        },
        onEnd: end,
      },
    );
    stream.send(watch.encode({ createRequest: request }));
    return {
      requestProgress: () => stream.send(watch.encode({ progressRequest: {} })),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      close: () => {
        ended = true;
        stream.close();
      },
    };
  }

  /** Connections made so far, calls on the wire, calls in line. */
  stats(): { readonly connects: number; readonly inFlight: number; readonly queued: number } {
    return { connects: this.#connects, inFlight: this.#gate.running, queued: this.#gate.queued };
  }

  /** Ends all calls and watches with errors. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#live) connection.close();
    this.#live.clear();
    this.#connection = undefined;
  }

  async #attempt<Request, Response>(
    method: Method<Request, Response>,
    bytes: Uint8Array,
    left: number,
  ): Promise<Response> {
    const connection = await this.#connect();
    let answer: Buffer;
    try {
      answer = await connection.unary(method.path, bytes, Math.ceil(left));
    } catch (error) {
      // Also a member that answers "no leader" or too late is left for another one.
      if (isTransient(error) && this.#options.endpoints.length > 1) this.#giveUp(connection);
      throw error;
    }
    try {
      return method.decode(answer);
    } catch (cause) {
      throw new EtcdError(
        grpcCode.internal,
        `etcd's answer cannot be read: ${(cause as Error).message}`,
        true,
        { cause },
      );
    }
  }

  /** The connection in use; connects, trying every member once, when there is none. */
  async #connect(): Promise<Connection> {
    if (this.#closed) throw answeredClosed();
    const current = this.#connection;
    if (current !== undefined) {
      const connection = await current;
      if (connection.usable) return connection;
      if (this.#connection === current) this.#connection = undefined;
      return await this.#connect();
    }
    // All callers share one attempt; a failed one is forgotten so that the next call tries again.
    const attempt = this.#tryMembers();
    this.#connection = attempt;
    attempt.catch(() => {
      if (this.#connection === attempt) this.#connection = undefined;
    });
    return await attempt;
  }

  async #tryMembers(): Promise<Connection> {
    const { endpoints, tls, clock } = this.#options;
    let failure: unknown;
    for (let tried = 0; tried < endpoints.length; tried++) {
      const endpoint = endpoints[this.#index % endpoints.length]!;
      try {
        const connectTimeoutMs = this.#options.connectTimeoutMs ?? 3_000;
        const connection = await Connection.open(endpoint, { clock, tls, connectTimeoutMs });
        if (this.#closed) {
          connection.close();
          throw answeredClosed();
        }
        this.#connects++;
        for (const old of this.#live) if (old.gone) this.#live.delete(old);
        this.#live.add(connection);
        return connection;
      } catch (error) {
        if (this.#closed) throw error;
        failure = error;
        this.#index = (this.#index + 1) % endpoints.length;
      }
    }
    throw failure;
  }

  /** Turns new calls to the next member. Calls under way on the old connection go on. */
  #giveUp(connection: Connection): void {
    const current = this.#connection;
    if (current === undefined) return;
    void current.then(
      (used) => {
        if (used !== connection || this.#connection !== current) return;
        this.#connection = undefined;
        this.#index = (this.#index + 1) % this.#options.endpoints.length;
        connection.retire();
      },
      () => undefined,
    );
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }
}

function answeredClosed(): EtcdError {
  return answered(grpcCode.failedPrecondition, "the etcd client is closed");
}

import http2 from "node:http2";
import type { Clock } from "#base/clock.ts";
import { answered, EtcdError, grpcCode } from "./grpc-error.ts";
import { FrameReader, frame } from "./grpc-frame.ts";

/** What `tls.connect` needs for https endpoints: PEM bytes. */
export interface TlsMaterial {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly tls: TlsMaterial;
  /** Milliseconds for TCP, TLS and HTTP/2 to come up. */
  readonly connectTimeoutMs: number;
}

/** Largest answer taken. etcd has no limit of its own; pages are asked for in sizes far below. */
const maxMessageBytes = 512 * 1_024 * 1_024;
/** Receive windows: one stream may fill this while the event loop is busy; a paused watch holds no more than this. */
const streamWindowBytes = 4 * 1_024 * 1_024;
const connectionWindowBytes = 32 * 1_024 * 1_024;
/** A connection with calls under way is probed this often (etcd refuses more than one ping per 5 s) ... */
const pingEveryMs = 10_000;
/** ... and given up when the answer takes longer than this. */
const pingTimeoutMs = 10_000;

/** Callbacks of one bidirectional stream. `onEnd` is called exactly once, last, and not after `close`. */
export interface StreamHandler {
  onMessage(message: Buffer): void;
  onEnd(error: EtcdError): void;
}

export interface GrpcStream {
  send(message: Uint8Array): void;
  /** Stops reading; flow control then stops etcd. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** One HTTP/2 connection to one etcd member. Ends once and for all; {@link EtcdClient} makes new ones. */
export class Connection {
  readonly #session: http2.ClientHttp2Session;
  readonly #clock: Clock;
  readonly #endpoint: string;
  #active = 0;
  /** No new calls; those under way go on. */
  #retired = false;
  #cancelPing: () => void = () => undefined;

  private constructor(session: http2.ClientHttp2Session, endpoint: string, clock: Clock) {
    this.#session = session;
    this.#endpoint = endpoint;
    this.#clock = clock;
    session.setLocalWindowSize(connectionWindowBytes);
    const retire = () => {
      this.#retired = true;
    };
    session.on("close", () => {
      this.#retired = true;
      this.#cancelPing();
    });
    session.on("goaway", retire);
    // Streams report the failure to their callers; without a listener the event would end the process.
    session.on("error", retire);
    this.#schedulePing();
  }

  /** Connects. Rejects with an {@link EtcdError} with `mayHaveHappened` false. */
  static open(endpoint: string, options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { ca, cert, key } = options.tls;
      const session = http2.connect(endpoint, {
        ...(endpoint.startsWith("https:") ? { ca, cert, key, minVersion: "TLSv1.2" } : {}),
        settings: { initialWindowSize: streamWindowBytes, enablePush: false },
      });
      const fail = (cause: Error | undefined) => {
        cancel();
        session.destroy();
        const text = `cannot connect to etcd at ${endpoint}: ${cause?.message ?? "closed"}`;
        reject(new EtcdError(grpcCode.unavailable, text, false, { cause }));
      };
      const onClose = () => fail(undefined);
      const cancel = options.clock.after(options.connectTimeoutMs, () => fail(new Error("timed out")));
      session.once("error", fail);
      session.once("close", onClose);
      // Not "connect" but the peer's settings: a port that accepts and stays silent is not etcd.
      session.once("remoteSettings", () => {
        cancel();
        session.off("close", onClose);
        resolve(new Connection(session, endpoint, options.clock));
        session.off("error", fail);
      });
    });
  }

  get usable(): boolean {
    return !this.#retired && !this.#session.closed && !this.#session.destroyed;
  }

  /** True once nothing of it is left. */
  get gone(): boolean {
    return this.#session.destroyed;
  }

  /** Takes no new calls, and ends when those under way have ended. */
  retire(): void {
    this.#retired = true;
    if (!this.#session.closed) this.#session.close();
  }

  /** One request, one answer. Rejects with {@link EtcdError}. */
  unary(path: string, message: Uint8Array, deadlineMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const messages: Buffer[] = [];
      const call = this.#open(
        path,
        { "grpc-timeout": `${deadlineMs}m` },
        (received) => messages.push(received),
        (error) => {
          cancel();
          const first = messages[0];
          if (error !== undefined) reject(error);
          else if (first === undefined)
            reject(new EtcdError(grpcCode.internal, "etcd's answer is empty", true));
          else resolve(first);
        },
      );
      const cancel = this.#clock.after(deadlineMs, () => {
        const text = `etcd at ${this.#endpoint} did not answer within ${deadlineMs} ms`;
        call.end(new EtcdError(grpcCode.deadlineExceeded, text, true), http2.constants.NGHTTP2_CANCEL);
      });
      call.stream?.end(frame(message));
    });
  }

  /** A stream of messages both ways. */
  stream(path: string, headers: Readonly<Record<string, string>>, handler: StreamHandler): GrpcStream {
    const { stream, end } = this.#open(path, headers, handler.onMessage, (error) => {
      if (!silent) handler.onEnd(error ?? new EtcdError(grpcCode.unavailable, "etcd ended the stream", true));
    });
    let silent = false;
    return {
      send: (message) => {
        if (stream?.writable === true) stream.write(frame(message));
      },
      pause: () => stream?.pause(),
      resume: () => stream?.resume(),
      close: () => {
        silent = true;
        end(undefined, http2.constants.NGHTTP2_CANCEL);
      },
    };
  }

  /** Ends the connection and, with errors, all calls on it. */
  close(): void {
    this.#retired = true;
    this.#cancelPing();
    this.#session.destroy();
  }

  #open(
    path: string,
    headers: Readonly<Record<string, string>>,
    onMessage: (message: Buffer) => void,
    onDone: (error: EtcdError | undefined) => void,
  ) {
    let done = false;
    let stream: http2.ClientHttp2Stream | undefined;
    /** First call wins: the outcome is told once. */
    const end = (error: EtcdError | undefined, rst?: number) => {
      if (done) return;
      done = true;
      if (stream !== undefined) {
        this.#active--;
        if (rst !== undefined) stream.close(rst);
      }
      onDone(error);
    };
    try {
      if (!this.usable) throw new Error("the connection is closed");
      stream = this.#session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
    } catch (cause) {
      const text = `etcd at ${this.#endpoint} is not connected: ${(cause as Error).message}`;
      // The caller has no handle yet: tell it after this turn.
      queueMicrotask(() => end(new EtcdError(grpcCode.unavailable, text, false, { cause })));
      return { stream: undefined, end };
    }
    this.#active++;
    const opened = stream;
    const reader = new FrameReader(maxMessageBytes);
    let status: EtcdError | "ok" | undefined;
    const readStatus = (fields: http2.IncomingHttpHeaders) => {
      if (fields["grpc-status"] === undefined) return;
      const code = Number(fields["grpc-status"]);
      status = code === grpcCode.ok ? "ok" : answered(code, decodeMessage(fields["grpc-message"]));
    };
    opened.on("response", (fields) => {
      readStatus(fields);
      if (fields[":status"] !== 200 && status === undefined) {
        const text = `etcd at ${this.#endpoint} answered HTTP ${fields[":status"]}`;
        end(new EtcdError(grpcCode.unavailable, text, true), http2.constants.NGHTTP2_CANCEL);
      }
    });
    opened.on("trailers", readStatus);
    opened.on("data", (chunk: Buffer) => {
      if (done) return;
      try {
        for (const message of reader.push(chunk)) if (!done) onMessage(message);
      } catch (error) {
        const known = error instanceof EtcdError;
        end(
          known
            ? error
            : new EtcdError(
                grpcCode.internal,
                `etcd's answer cannot be read: ${(error as Error).message}`,
                true,
              ),
          http2.constants.NGHTTP2_CANCEL,
        );
      }
    });
    opened.on("error", () => undefined); // "close" follows and tells it
    opened.on("close", () => {
      if (status === "ok" && reader.idle) return end(undefined);
      if (status instanceof EtcdError) return end(status);
      const refused = opened.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
      end(
        new EtcdError(grpcCode.unavailable, `the connection to etcd at ${this.#endpoint} was lost`, !refused),
      );
    });
    return { stream: opened, end };
  }

  /** Finds out that a peer is gone without a word (a cut cable, a stopped machine). */
  #schedulePing(): void {
    this.#cancelPing = this.#clock.after(pingEveryMs, () => {
      if (this.gone) return;
      if (this.#active === 0) return this.#schedulePing();
      const cancel = this.#clock.after(pingTimeoutMs, () => this.close());
      this.#session.ping((error) => {
        cancel();
        if (error === null && !this.gone) this.#schedulePing();
      });
    });
  }
}

/** `grpc-message` is percent-encoded UTF-8. */
function decodeMessage(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(", ") : (value ?? "no message");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Connection, ResponseStream } from "../exchange.ts";
import { anyNameStartsWith, BaseExchange } from "./base-exchange.ts";
import { readBody } from "./body.ts";
import type { TransportState } from "./state.ts";

const exchangeKey = Symbol("exchange");
interface OwnedStream extends ServerHttp2Stream {
  [exchangeKey]?: Http2Exchange;
}

const withoutBody = Object.freeze({ endStream: true });

// One function for all streams: a closure per request would cost more than the rest of the bookkeeping.
function onStreamClose(this: OwnedStream): void {
  this[exchangeKey]?.markClosed();
}
function onStreamError(): void {
  // 'close' follows; a stream error is the client's affair.
}

/** An exchange on the `stream` event of `node:http2`; the compatibility layer would halve the throughput. */
export class Http2Exchange extends BaseExchange {
  readonly httpVersion = "2";
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: Connection,
    state: TransportState,
  ) {
    super(String(headers[":method"] ?? ""), String(headers[":path"] ?? ""), connection, state);
    this.#stream = stream;
    this.#headers = headers;
    (stream as OwnedStream)[exchangeKey] = this;
    stream.on("close", onStreamClose);
    stream.on("error", onStreamError);
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return typeof value === "string" || value === undefined ? value : value.join(", ");
  }

  headerNames(): string[] {
    return Object.keys(this.#headers).filter((name) => !name.startsWith(":"));
  }

  hasHeaderPrefix(prefix: string): boolean {
    return anyNameStartsWith(this.#headers, prefix);
  }

  protected takeBody(limitBytes: number): Promise<Buffer> {
    const stream = this.#stream;
    if (this.#headers.expect === "100-continue" && !stream.headersSent && !stream.destroyed)
      stream.additionalHeaders({ ":status": 100 });
    return readBody(stream, this.#headers["content-length"], limitBytes, this.state.budget);
  }

  abort(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  get unsentBytes(): number {
    return this.#stream.writableLength;
  }

  protected send(status: number, body: Uint8Array | undefined): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.outgoing[":status"] = status;
    if (body === undefined) stream.respond(this.outgoing, withoutBody);
    else {
      stream.respond(this.outgoing);
      stream.end(body);
    }
    // A body that nobody asked for is read and dropped: unread bytes would keep the stream and its window.
    if (!stream.endAfterHeaders && !stream.readableEnded) stream.resume();
  }

  protected open(status: number): ResponseStream {
    const stream = this.#stream;
    this.outgoing[":status"] = status;
    if (!stream.destroyed && !stream.closed) stream.respond(this.outgoing);
    if (!stream.endAfterHeaders && !stream.readableEnded) stream.resume();
    return new Http2ResponseStream(stream);
  }
}

class Http2ResponseStream implements ResponseStream {
  readonly #stream: ServerHttp2Stream;
  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }
  write(chunk: Uint8Array | string): void {
    if (!this.#stream.destroyed && this.#stream.writable) this.#stream.write(chunk);
  }
  get queuedBytes(): number {
    return this.#stream.writableLength;
  }
  onDrain(callback: () => void): void {
    waitForDrain(this.#stream, callback);
  }
  end(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }
  abort(): void {
    // A code, not destroy(): the client must see a reset, and what is queued is dropped with the stream.
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

interface Drainable {
  readonly destroyed: boolean;
  readonly writableNeedDrain: boolean;
  on(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

export function waitForDrain(stream: Drainable, callback: () => void): void {
  if (stream.destroyed || !stream.writableNeedDrain) {
    setImmediate(callback);
    return;
  }
  const done = (): void => {
    stream.off("drain", done);
    stream.off("close", done);
    callback();
  };
  stream.on("drain", done);
  stream.on("close", done);
}

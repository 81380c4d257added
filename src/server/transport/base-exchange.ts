import { gzip } from "node:zlib";
import type { Connection, Exchange, HeaderValue, ResponseHeaders, ResponseStream } from "../exchange.ts";
import type { TransportState } from "./state.ts";

/** Bodies longer than this are compressed for clients that accept gzip (upstream's threshold). */
const GZIP_MIN_BYTES = 128 * 1024;
/** Level 1, as upstream: lists are many and repetitive. */
const GZIP_LEVEL = 1;
/** Answers longer than this are watched for clients that do not read them: they may not fit into one flow window. */
const WATCHED_ANSWER_BYTES = 16 * 1024;

export type OutgoingHeaders = Record<string, number | string | string[]>;

/** What HTTP/1.1 and HTTP/2 have in common: headers set ahead, one answer only, compression, close callbacks. */
export abstract class BaseExchange implements Exchange {
  abstract readonly httpVersion: "1.1" | "2";
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly connection: Connection;
  responded = false;
  closed = false;
  status = 0;
  /** The answer's headers; the transport adds the status. */
  protected readonly outgoing: OutgoingHeaders = {};
  protected readonly state: TransportState;
  #onClose: (() => void)[] | undefined;
  #body: Promise<Buffer> | undefined;

  constructor(method: string, url: string, connection: Connection, state: TransportState) {
    this.method = method;
    const question = url.indexOf("?");
    this.rawPath = question < 0 ? url : url.slice(0, question);
    this.rawQuery = question < 0 ? "" : url.slice(question + 1);
    this.connection = connection;
    this.state = state;
    state.open++;
  }

  abstract header(name: string): string | undefined;
  abstract headerNames(): string[];
  abstract hasHeaderPrefix(prefix: string): boolean;
  abstract abort(): void;
  /** Bytes of the answer that the client has not taken yet. */
  abstract get unsentBytes(): number;
  protected abstract takeBody(limitBytes: number): Promise<Buffer>;
  /** Sends status, `outgoing` and the body; ends the answer. */
  protected abstract send(status: number, body: Uint8Array | undefined): void;
  protected abstract open(status: number): ResponseStream;

  readBody(limitBytes: number): Promise<Buffer> {
    this.#body ??= this.takeBody(limitBytes);
    return this.#body;
  }

  setHeader(name: string, value: HeaderValue): void {
    this.outgoing[name] = value as string | string[];
  }

  respond(status: number, headers: ResponseHeaders, body?: Uint8Array | string): void {
    if (this.responded || this.closed) return;
    this.responded = true;
    this.status = status;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.#take(headers);
    if (bytes !== undefined && bytes.length > GZIP_MIN_BYTES && this.#acceptsGzip()) this.#compress(bytes);
    else this.#finish(bytes);
  }

  startStream(status: number, headers: ResponseHeaders): ResponseStream {
    if (this.responded || this.closed) return closedStream;
    this.responded = true;
    this.status = status;
    this.#take(headers);
    if (this.method === "HEAD") {
      this.send(status, undefined);
      return closedStream;
    }
    return this.open(status);
  }

  onClose(callback: () => void): void {
    if (this.closed) setImmediate(callback);
    else if (this.#onClose === undefined) this.#onClose = [callback];
    else this.#onClose.push(callback);
  }

  /** The transport says that the answer is complete or the client gone. */
  markClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.state.exchangeClosed(this);
    const callbacks = this.#onClose;
    if (callbacks === undefined) return;
    this.#onClose = undefined;
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        this.state.onBug(error);
      }
    }
  }

  #take(headers: ResponseHeaders): void {
    for (const name in headers) this.outgoing[name] = headers[name] as string | string[];
  }

  #finish(body: Uint8Array | undefined): void {
    if (this.closed) return;
    const length = body?.length ?? 0;
    if (this.status !== 204 && this.status !== 304) this.outgoing["content-length"] = length;
    if (length > WATCHED_ANSWER_BYTES) this.state.watchAnswer(this);
    this.send(this.status, this.method === "HEAD" || length === 0 ? undefined : body);
  }

  #acceptsGzip(): boolean {
    const accepted = this.header("accept-encoding");
    return accepted?.includes("gzip") === true && this.outgoing["content-encoding"] === undefined;
  }

  #compress(body: Uint8Array): void {
    gzip(body, { level: GZIP_LEVEL }, (error, compressed) => {
      if (error === null) {
        this.outgoing["content-encoding"] = "gzip";
        const vary = this.outgoing.vary;
        this.outgoing.vary = vary === undefined ? "Accept-Encoding" : `${vary}, Accept-Encoding`;
      }
      this.#finish(error === null ? compressed : body);
    });
  }
}

/** For answers that nobody hears. */
const closedStream: ResponseStream = {
  write() {},
  queuedBytes: 0,
  onDrain: (callback) => void setImmediate(callback),
  end() {},
  abort() {},
};

/** Node's header objects have no prototype, so every key is a header. */
export function anyNameStartsWith(headers: object, prefix: string): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true;
  return false;
}

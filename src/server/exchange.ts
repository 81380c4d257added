import type { ClientCertificate } from "#authn/client-certificate.ts";
import type { AuditNotes } from "./audit/notes.ts";

/**
 * One HTTP request and its answer, the same for HTTP/1.1 and HTTP/2. The transport makes it; filters and endpoints
 * use it; nothing above the transport touches `node:http` or `node:http2`.
 */

/** Header names are lower case. A list becomes repeated header lines. */
export type HeaderValue = string | readonly string[];
export interface ResponseHeaders {
  readonly [name: string]: HeaderValue;
}

/** What all exchanges of one client connection share. */
export interface Connection {
  readonly remoteAddress: string;
  /** Undefined when none was sent. Read from the TLS session on first use. */
  readonly clientCertificate: ClientCertificate | undefined;
  /** Lets the exchanges under way finish and takes no more on this connection (GOAWAY, `Connection: close`). */
  closeWhenIdle(): void;
}

/** A response body written piece by piece (watch, streamed lists). */
export interface ResponseStream {
  /** Queues bytes; never blocks, never throws. Ignored after the stream has closed. */
  write(chunk: Uint8Array | string): void;
  /** Bytes accepted by `write` and not yet handed to the socket: the measure by which slow readers are cut off. */
  readonly queuedBytes: number;
  /**
   * Calls back once when more may be written without the queue growing long: on the next turn when the queue is
   * short, else when it has emptied, or when the client has gone.
   */
  onDrain(callback: () => void): void;
  /** Ends the body properly. */
  end(): void;
  /** Cuts the client off: RST_STREAM on HTTP/2, a closed socket on HTTP/1.1. Queued bytes are dropped. */
  abort(): void;
}

export interface Exchange {
  readonly method: string;
  /** Percent-encoded as received, without the query; begins with `/`. */
  readonly rawPath: string;
  /** Without the question mark; empty when there is none. */
  readonly rawQuery: string;
  readonly httpVersion: "1.1" | "2";
  readonly connection: Connection;
  /** True as soon as an answer was begun. */
  readonly responded: boolean;
  /** True when the answer is complete or the client has gone. */
  readonly closed: boolean;
  /** The status that was answered, 0 before. */
  readonly status: number;
  /** Where the audit log remembers the request: what it is to be told of it. */
  readonly audit?: AuditNotes | undefined;

  /** A request header; `name` in lower case. Repeated lines are joined with `, `. */
  header(name: string): string | undefined;
  /** Names of all request headers, lower case. */
  headerNames(): string[];
  /** True when a request header's name begins so; `prefix` in lower case. */
  hasHeaderPrefix(prefix: string): boolean;

  /**
   * The whole body; the same bytes when it is asked for again, because the request is gone through once more.
   * @throws StatusError 413 when it is longer than `limitBytes`, 400 when the client ends it early; TextError 429
   * when all bodies being read at this moment take too much memory.
   */
  readBody(limitBytes: number): Promise<Buffer>;

  /** A header for the answer, whoever gives it; set before `respond` or `startStream`. */
  setHeader(name: string, value: HeaderValue): void;

  /**
   * Answers completely; a second call is ignored. Sets `content-length`, leaves the body out for HEAD, and compresses
   * bodies above 128 KiB for clients that accept gzip. `headers` win over those of `setHeader`.
   */
  respond(status: number, headers: ResponseHeaders, body?: Uint8Array | string): void;

  /** Begins an answer of unknown length. */
  startStream(status: number, headers: ResponseHeaders): ResponseStream;

  /** Calls back once when the answer is complete or the client has gone, at once on the next turn if that was before. */
  onClose(callback: () => void): void;

  /** Cuts the client off without an answer. */
  abort(): void;

  /** Where the audit log remembers the request: no answer will be given any more, if none was. */
  ended?(): void;
}

/** The longest request body (spec: `Request entity too large: limit is 3145728`). */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

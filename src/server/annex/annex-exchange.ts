import { bufferOf } from "#base/buffer-of.ts";
import { AuditNotes } from "#server/audit/notes.ts";
import type { Connection, Exchange, HeaderValue, ResponseHeaders, ResponseStream } from "#server/exchange.ts";
import type { AnnexRequest } from "./protocol.ts";

export interface AnnexAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Uint8Array | undefined;
}

/** A request as the annex has it: the answer goes back as one piece, or the client is cut off. */
export class AnnexExchange implements Exchange {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly httpVersion = "2";
  readonly connection: Connection = { remoteAddress: "", clientCertificate: undefined, closeWhenIdle() {} };
  responded = false;
  closed = false;
  status = 0;
  readonly audit: AuditNotes | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: Buffer;
  readonly #answer: (answer: AnnexAnswer | undefined) => void;
  readonly #outgoing = new Map<string, HeaderValue>();
  readonly #onClose: (() => void)[] = [];

  /** @param answer called once; without an answer the client is to be cut off */
  constructor(request: AnnexRequest, answer: (answer: AnnexAnswer | undefined) => void) {
    this.method = request.method;
    this.rawPath = request.rawPath;
    this.rawQuery = request.rawQuery;
    this.#headers = request.headers;
    this.#body = bufferOf(request.body);
    this.#answer = answer;
    this.audit = request.audit && new AuditNotes(request.audit);
  }

  header(name: string): string | undefined {
    return Object.hasOwn(this.#headers, name) ? this.#headers[name] : undefined;
  }

  headerNames(): string[] {
    return Object.keys(this.#headers);
  }

  hasHeaderPrefix(prefix: string): boolean {
    return this.headerNames().some((name) => name.startsWith(prefix));
  }

  readBody(): Promise<Buffer> {
    return Promise.resolve(this.#body);
  }

  setHeader(name: string, value: HeaderValue): void {
    this.#outgoing.set(name, value);
  }

  respond(status: number, headers: ResponseHeaders, body?: Uint8Array | string): void {
    if (this.closed && this.audit !== undefined) this.audit.code = status;
    if (this.responded || this.closed) return;
    this.responded = true;
    this.status = status;
    for (const [name, value] of Object.entries(headers)) this.#outgoing.set(name, value);
    this.#answer({
      status,
      headers: Object.fromEntries(this.#outgoing),
      body: typeof body === "string" ? Buffer.from(body) : body,
    });
    this.markClosed();
  }

  startStream(): ResponseStream {
    throw new Error("annex: no answer of unknown length is given here");
  }

  onClose(callback: () => void): void {
    if (this.closed) setImmediate(callback);
    else this.#onClose.push(callback);
  }

  abort(): void {
    if (this.closed) return;
    this.#answer(undefined);
    this.markClosed();
  }

  /** The answer is given, or nobody waits for it. */
  markClosed(): void {
    if (this.closed) return;
    this.closed = true;
    for (const callback of this.#onClose) callback();
  }
}

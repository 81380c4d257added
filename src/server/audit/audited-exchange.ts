import type { Connection, Exchange, HeaderValue, ResponseHeaders, ResponseStream } from "../exchange.ts";
import type { AuditNotes } from "./notes.ts";
import type { AuditRecord } from "./record.ts";

/** `refusal`: what is answered is that nobody could be authenticated, of which there is one event. */
export type AuditedKind = "ordinary" | "long-running" | "refusal";

/**
 * An exchange whose answer is told to the audit log (k8s.io/apiserver pkg/endpoints/filters/audit.go). In the blocking modes the answer
 * is held back until its event is written.
 */
export class AuditedExchange implements Exchange {
  readonly audit: AuditNotes;
  readonly unaudited: Exchange;
  readonly #record: AuditRecord;
  readonly #kind: AuditedKind;
  #responded = false;
  #complete = false;
  #status = 0;

  constructor(inner: Exchange, record: AuditRecord, kind: AuditedKind) {
    this.unaudited = inner;
    this.#record = record;
    this.#kind = kind;
    this.audit = record.notes;
  }

  get method(): string {
    return this.unaudited.method;
  }
  get rawPath(): string {
    return this.unaudited.rawPath;
  }
  get rawQuery(): string {
    return this.unaudited.rawQuery;
  }
  get httpVersion(): "1.1" | "2" {
    return this.unaudited.httpVersion;
  }
  get connection(): Connection {
    return this.unaudited.connection;
  }
  get responded(): boolean {
    return this.#responded || this.unaudited.responded;
  }
  get closed(): boolean {
    return this.unaudited.closed;
  }
  get status(): number {
    return this.unaudited.status;
  }

  header(name: string): string | undefined {
    return this.unaudited.header(name);
  }
  headerNames(): string[] {
    return this.unaudited.headerNames();
  }
  hasHeaderPrefix(prefix: string): boolean {
    return this.unaudited.hasHeaderPrefix(prefix);
  }
  readBody(limitBytes: number): Promise<Buffer> {
    return this.unaudited.readBody(limitBytes);
  }
  setHeader(name: string, value: HeaderValue): void {
    this.unaudited.setHeader(name, value);
  }
  onClose(callback: () => void): void {
    this.unaudited.onClose(callback);
  }
  abort(): void {
    this.unaudited.abort();
  }

  respond(status: number, headers: ResponseHeaders, body?: Uint8Array | string): void {
    if (this.#responded) return;
    this.#responded = true;
    this.#status = status;
    if (this.#kind !== "ordinary") void this.#record.stage("ResponseStarted", status);
    const written = this.#completed();
    if (written === undefined) this.unaudited.respond(status, headers, body);
    else void written.then(() => this.unaudited.respond(status, headers, body));
  }

  startStream(status: number, headers: ResponseHeaders): ResponseStream {
    const stream = this.unaudited.startStream(status, headers);
    if (this.#responded || !this.unaudited.responded) return stream;
    this.#responded = true;
    this.#status = status;
    if (this.#kind === "long-running") void this.#record.stage("ResponseStarted", status);
    this.unaudited.onClose(() => void this.#completed());
    return this.#kind === "ordinary" ? this.#pieces(stream) : stream;
  }

  /** Nothing more is done for the request. Where nothing was answered, the client has gone before. */
  ended(): void {
    if (this.#responded || this.#complete) return;
    this.#status = this.audit.code;
    if (this.#status === 0) {
      this.#status = 200;
      this.audit.answers({ status: "Success", message: "Connection closed early" });
    }
    if (this.#kind === "long-running") void this.#record.stage("ResponseStarted", this.#status);
    void this.#completed();
  }

  #completed(): Promise<boolean> | undefined {
    if (this.#complete) return undefined;
    this.#complete = true;
    if (this.#kind === "refusal") return undefined;
    const { panic } = this.audit;
    if (panic === undefined) return this.#record.stage("ResponseComplete", this.#status);
    this.audit.answers({
      status: "Failure",
      reason: "InternalError",
      message: `APIServer panic'd: ${panic}`,
    });
    return this.#record.stage("Panic", this.#status);
  }

  /** A large answer, sent piece by piece. */
  #pieces(stream: ResponseStream): ResponseStream {
    return {
      write: (chunk) => stream.write(chunk),
      get queuedBytes() {
        return stream.queuedBytes;
      },
      onDrain: (callback) => stream.onDrain(callback),
      end: () => {
        const written = this.#completed();
        if (written === undefined) stream.end();
        else void written.then(() => stream.end());
      },
      abort: () => stream.abort(),
    };
  }
}

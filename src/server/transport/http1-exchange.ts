import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connection, ResponseStream } from "../exchange.ts";
import { anyNameStartsWith, BaseExchange } from "./base-exchange.ts";
import { readBody } from "./body.ts";
import { waitForDrain } from "./http2-exchange.ts";
import type { TransportState } from "./state.ts";

/** An exchange over HTTP/1.1. */
export class Http1Exchange extends BaseExchange {
  readonly httpVersion = "1.1";
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    state: TransportState,
  ) {
    super(request.method ?? "", request.url ?? "", connection, state);
    this.#request = request;
    this.#response = response;
    // The socket's error is reported as 'close'; without listeners an 'error' would end the process.
    request.on("error", ignore);
    response.on("error", ignore);
    response.on("close", () => this.markClosed());
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === "string" || value === undefined ? value : value.join(", ");
  }

  headerNames(): string[] {
    return Object.keys(this.#request.headers);
  }

  hasHeaderPrefix(prefix: string): boolean {
    return anyNameStartsWith(this.#request.headers, prefix);
  }

  protected takeBody(limitBytes: number): Promise<Buffer> {
    const { headers } = this.#request;
    return readBody(this.#request, headers["content-length"], limitBytes, this.state.budget).catch(
      (error: unknown) => {
        // The rest of the body would have to be read before the next request on this connection.
        this.outgoing.connection = "close";
        throw error;
      },
    );
  }

  abort(): void {
    this.#response.destroy();
    this.#request.socket.destroy();
  }

  get unsentBytes(): number {
    return this.#response.writableLength;
  }

  protected send(status: number, body: Uint8Array | undefined): void {
    const response = this.#response;
    if (response.destroyed) return;
    response.writeHead(status, this.outgoing);
    if (body === undefined) response.end();
    else response.end(body);
  }

  protected open(status: number): ResponseStream {
    const response = this.#response;
    if (!response.destroyed) {
      response.writeHead(status, this.outgoing);
      // Sends the headers now. `flushHeaders` would send them as UTF-8, although each character of a value is one byte.
      response.write(noBytes);
    }
    return {
      write: (chunk) => {
        if (!response.destroyed && !response.writableEnded) response.write(chunk);
      },
      get queuedBytes() {
        return response.writableLength;
      },
      onDrain: (callback) => waitForDrain(response, callback),
      end: () => void response.end(),
      abort: () => this.abort(),
    };
  }
}

const noBytes = Buffer.alloc(0);

function ignore(): void {}

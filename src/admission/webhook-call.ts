/** One call of a webhook: a request and its answer, within limits (client-go rest/request.go). */

import type { IncomingMessage } from "node:http";
import { type Agent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { SecureContext } from "node:tls";
import { bufferOf } from "#base/buffer-of.ts";
import type { Clock } from "#base/clock.ts";
import { quote } from "#base/quote.ts";
import { parseJson, readJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import { jsonKind } from "#machinery/patch/json-patch-operations.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { Received } from "#registry/journal.ts";
import { answerErrorText, connectionErrorText, WebhookCallError } from "./webhook-errors.ts";
import type { WebhookTarget } from "./webhook-target.ts";

/** Of an answer's text in messages. */
const maxShownBytes = 2_048;

/** What a connection is made with. */
export interface WebhookConnection {
  readonly agent: Agent;
  readonly lookup: LookupFunction;
  readonly ca?: string;
  readonly secureContext?: SecureContext;
}

export interface CallLimits {
  readonly timeoutMs: number;
  /** Of the answer. */
  readonly maxBytes: number;
  /** Larger answers are not read here, if they can be kept: ElsewhereError. */
  readonly largestHere: number | undefined;
}

/** What a call has beside it. */
export interface CallMemory {
  /** Counts bytes in memory, negative ones when they are given back; false = too many. */
  account(bytes: number): boolean;
  /** What came back of the same call before: it is not made. */
  readonly known: Received | undefined;
  keep(received: Received): boolean;
}

export class WebhookCall {
  readonly #target: WebhookTarget;
  readonly #body: Buffer;
  readonly #limits: CallLimits;
  readonly #memory: CallMemory;
  readonly #chunks: Buffer[] = [];
  #received = 0;

  constructor(target: WebhookTarget, body: Buffer, limits: CallLimits, memory: CallMemory) {
    this.#target = target;
    this.#body = body;
    this.#limits = limits;
    this.#memory = memory;
  }

  /**
   * The answer, which is an object.
   * @throws WebhookCallError, ElsewhereError
   */
  async run(clock: Clock, connection: WebhookConnection): Promise<JsonObject> {
    const { known, keep } = this.#memory;
    if (known !== undefined) return this.#read(known);
    try {
      const received = await this.#receive(clock, connection);
      const largest = this.#limits.largestHere ?? Number.POSITIVE_INFINITY;
      if (keep(received) && "body" in received && received.body.length > largest) throw new ElsewhereError();
      return this.#read(received);
    } finally {
      this.#memory.account(-this.#received);
    }
  }

  async #receive(clock: Clock, connection: WebhookConnection): Promise<Received> {
    const abort = new AbortController();
    const cancel = clock.after(this.#limits.timeoutMs, () => abort.abort());
    try {
      const { statusCode = 0, headers } = await this.#send(connection, abort.signal);
      return { status: statusCode, type: headers["content-type"] ?? "", body: Buffer.concat(this.#chunks) };
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      return { failure: error.message };
    } finally {
      cancel();
    }
  }

  #error(why: string): WebhookCallError {
    return new WebhookCallError(`Post ${quote(this.#target.shown)}: ${why}`);
  }

  #send(connection: WebhookConnection, signal: AbortSignal, again = true): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { url, host } = this.#target;
      let answered = false;
      const request = httpsRequest({
        ...connection,
        method: "POST",
        host,
        port: url.port === "" ? 443 : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          "user-agent": "kube-apiserver-admission",
          accept: "application/json, */*",
          "content-type": "application/json",
          "content-length": this.#body.length,
        },
      });
      const late = (): void => {
        reject(this.#error("context deadline exceeded"));
        request.destroy();
      };
      if (signal.aborted) return late();
      signal.addEventListener("abort", late, { once: true });
      request.on("error", (error: NodeJS.ErrnoException) => {
        // A kept connection that the other side has closed meanwhile: nothing was read, so it may be tried once more.
        const stale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        if (again && stale && !signal.aborted) resolve(this.#send(connection, signal, false));
        else reject(this.#error(connectionErrorText(error)));
      });
      request.on("close", () => {
        signal.removeEventListener("abort", late);
        if (!answered) reject(this.#error("EOF"));
      });
      request.on("response", (response) => {
        answered = true;
        const broken = (why: string): void => {
          reject(
            new WebhookCallError(
              `unexpected error when reading response body. Please retry. Original error: ${why}`,
            ),
          );
          request.destroy();
        };
        response.on("data", (chunk: Buffer) => {
          this.#received += chunk.length;
          const fits = this.#memory.account(chunk.length);
          if (this.#received > this.#limits.maxBytes)
            broken(`the response is larger than ${this.#limits.maxBytes} bytes`);
          else if (!fits) broken("too many bytes of webhook responses are in memory");
          else this.#chunks.push(chunk);
        });
        // By then the connection is back in the pool: the next call of a series takes it.
        response.on("end", () => setImmediate(resolve, response));
        response.on("error", () => broken(signal.aborted ? "context deadline exceeded" : "unexpected EOF"));
      });
      request.end(this.#body);
    });
  }

  #read(received: Received): JsonObject {
    if ("failure" in received) throw new WebhookCallError(received.failure);
    const { status: code, type } = received;
    const body = bufferOf(received.body);
    if (code < 200 || code > 206) {
      const status = parsed(body);
      if (status?.kind === "Status" && status.status === "Failure" && typeof status.message === "string")
        throw new WebhookCallError(status.message.slice(0, maxShownBytes));
      const isText = type === "" || type.startsWith("text/");
      const text = body.subarray(0, maxShownBytes).toString("utf8").trim();
      throw new WebhookCallError(answerErrorText(code, isText ? text : "unknown"));
    }
    if (body.length === 0) {
      const shown = type === "" ? "application/json" : type;
      throw new WebhookCallError(`0-length response with status code: ${code} and content type: ${shown}`);
    }
    // As Go reads null into a struct.
    if (body.toString("latin1").trim() === "null") return {};
    const answer = parsed(body, (why) => {
      throw new WebhookCallError(`couldn't get version/kind; json parse error: ${why}`);
    });
    if (answer === undefined)
      throw new WebhookCallError(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(readJson(body))} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
      );
    return answer;
  }
}

function parsed(body: Buffer, onError?: (why: string) => never): JsonObject | undefined {
  try {
    const { value } = parseJson(body);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    return onError?.((error as Error).message);
  }
}

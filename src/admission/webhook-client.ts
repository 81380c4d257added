/** Calls webhooks over HTTPS (k8s.io/apiserver pkg/util/webhook/client.go, client-go rest/request.go). */
import { X509Certificate } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import type { Clock } from "#base/clock.ts";
import { Lru } from "#base/lru.ts";
import { quote } from "#base/quote.ts";
import { parseJson, readJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { jsonKind } from "#machinery/patch/json-patch-operations.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { EgressPolicy } from "./egress.ts";
import { guardedLookup, type Resolve, refusal, systemResolve } from "./guarded-lookup.ts";
import { answerErrorText, connectionErrorText, WebhookCallError } from "./webhook-errors.ts";

/** `clientConfig` of webhook configurations, `spec.conversion.webhook.clientConfig` of CRDs. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    /** Default 443. */
    readonly port?: number;
  };
  /** PEM in base64, as JSON shows it; absent: the system's roots. */
  readonly caBundle?: string;
}

export interface WebhookCallOptions {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /**
   * What goes on with the answer can be begun anew in another thread, so {@link WebhookClientOptions.largestHere} holds for it.
   */
  readonly movable?: boolean;
  /** Bytes that the answer may have beside four times those of the question; {@link maxResponseBytes} holds all the same. */
  readonly maxGrowthBytes?: number;
  /** Whose call it is: one caller cannot take all calls that may be under way. */
  readonly caller?: string;
}

export interface WebhookClient {
  /**
   * Sends one JSON object and answers with the JSON object of a 2xx answer. Redirects are not followed.
   * @throws WebhookCallError with the reason; upstream's text where upstream has the same reason
   * @throws ElsewhereError
   */
  post(config: WebhookClientConfig, body: JsonObject, options: WebhookCallOptions): Promise<JsonObject>;
  /** Ends the connections that are kept. */
  close(): void;
}

export interface WebhookClientOptions {
  readonly egress: EgressPolicy;
  readonly clock: Clock;
  /** Answers with more bytes are not read here: ElsewhereError. Default: all are. */
  readonly largestHere?: number | undefined;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

/** Calls under way, of all workspaces and of one. */
const maxCalls = 1_024;
const maxCallsOfCaller = 256;
/** Bytes of answers that are being received, of all calls. */
const maxBufferedBytes = 128 * 1_024 * 1_024;
/** Idle connections that are kept, of all addresses and of one, and how long. */
const maxIdle = 128;
const maxIdleOfAddress = 4;
const idleMs = 30_000;
/** Parsed CA bundles; about 20 KB each. */
const cachedContexts = 256;
/** Of an answer's text in messages. */
const maxShownBytes = 2_048;

export function createWebhookClient(options: WebhookClientOptions): WebhookClient {
  return new HttpsWebhookClient(options);
}

interface Target {
  readonly url: URL;
  /** As messages show it. */
  readonly shown: string;
  readonly host: string;
}

class HttpsWebhookClient implements WebhookClient {
  readonly #egress: EgressPolicy;
  readonly #clock: Clock;
  readonly #lookup: LookupFunction;
  readonly #agent = new BoundedAgent();
  readonly #contexts = new Lru<string, SecureContext>(cachedContexts);
  readonly #largestHere: number | undefined;
  readonly #callsOf = new Map<string, number>();
  #calls = 0;
  #buffered = 0;

  constructor({ egress, clock, largestHere, resolve = systemResolve() }: WebhookClientOptions) {
    this.#largestHere = largestHere;
    this.#egress = egress;
    this.#clock = clock;
    this.#lookup = guardedLookup(egress, resolve);
  }

  async post(
    config: WebhookClientConfig,
    body: JsonObject,
    options: WebhookCallOptions,
  ): Promise<JsonObject> {
    const target = targetOf(config, options.timeoutMs);
    const { caller = "" } = options;
    const ofCaller = this.#callsOf.get(caller) ?? 0;
    if (this.#calls >= maxCalls || ofCaller >= maxCallsOfCaller)
      throw new WebhookCallError(`Post ${quote(target.shown)}: too many webhook calls are under way`);
    this.#calls++;
    this.#callsOf.set(caller, ofCaller + 1);
    try {
      if (isIP(target.host) !== 0 && !this.#egress.allows(target.host))
        throw new WebhookCallError(
          `Post ${quote(target.shown)}: ${refusal(this.#egress, target.host, target.host).message}`,
        );
      const secureContext = this.#contextOf(config.caBundle);
      const question = Buffer.from(writeJson(body), "utf8");
      const { timeoutMs, maxResponseBytes, maxGrowthBytes, movable = false } = options;
      const grown = maxGrowthBytes === undefined ? maxResponseBytes : maxGrowthBytes + 4 * question.length;
      const limits = {
        timeoutMs,
        maxBytes: Math.min(maxResponseBytes, grown),
        largestHere: movable ? this.#largestHere : undefined,
      };
      const call = new Call(target, question, limits, (bytes) => {
        this.#buffered += bytes;
        return this.#buffered <= maxBufferedBytes;
      });
      return await call.run(this.#clock, {
        agent: this.#agent,
        lookup: this.#lookup,
        // `ca` names the pool that the connection belongs to; the parsed context is what is used.
        ...(secureContext === undefined ? {} : { ca: config.caBundle!, secureContext }),
      });
    } finally {
      this.#calls--;
      const left = this.#callsOf.get(caller)! - 1;
      if (left === 0) this.#callsOf.delete(caller);
      else this.#callsOf.set(caller, left);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #contextOf(caBundle = ""): SecureContext | undefined {
    if (caBundle === "") return undefined;
    const known = this.#contexts.get(caBundle);
    if (known !== undefined) return known;
    const pem = Buffer.from(caBundle, "base64").toString("latin1");
    const certificates = pem.match(pemCertificate)?.filter(isCertificate) ?? [];
    if (certificates.length === 0) {
      const why = "unable to load root certificates: unable to parse bytes as PEM block";
      throw new WebhookCallError(why, true);
    }
    // As Go's verifier: every certificate of the bundle is trusted for itself, also one that its holder did not sign
    // (envtest gives the serving certificate as the bundle).
    const context = createSecureContext({ ca: certificates, allowPartialTrustChain: true });
    this.#contexts.set(caBundle, context);
    return context;
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function targetOf({ url: text, service }: WebhookClientConfig, timeoutMs: number): Target {
  const timeout = `timeout=${Math.ceil(timeoutMs / 1_000)}s`;
  if (service !== undefined) {
    const { name, namespace, port = 443, path = "" } = service;
    const shown = `https://${name}.${namespace}.svc:${port}${path}?${timeout}`;
    throw new WebhookCallError(
      `Post ${quote(shown)}: service references are not supported, since nothing runs in a workspace that service "${namespace}/${name}" could lead to: use clientConfig.url`,
    );
  }
  if (text === undefined || text === "")
    throw new WebhookCallError("webhook configuration must have either service or URL", true);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.hostname === "")
    throw new WebhookCallError(`Unparsable URL: parse ${quote(text)}: not an https address`, true);
  url.search = timeout;
  url.hash = "";
  // As the client wrote it, not as URL normalises it.
  const shown = `${text.replace(/[?#].*$/s, "")}?${timeout}`;
  return { url, shown, host: url.hostname.replace(/^\[|\]$/g, "") };
}

interface Connection {
  readonly agent: Agent;
  readonly lookup: LookupFunction;
  readonly ca?: string;
  readonly secureContext?: SecureContext;
}

interface CallLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly largestHere: number | undefined;
}

/** One request and its answer, within its limits. */
class Call {
  readonly #target: Target;
  readonly #body: Buffer;
  readonly #limits: CallLimits;
  readonly #account: (bytes: number) => boolean;
  readonly #chunks: Buffer[] = [];
  #received = 0;

  /** `account` counts bytes in memory, negative ones when they are given back; false = too many. */
  constructor(target: Target, body: Buffer, limits: CallLimits, account: (bytes: number) => boolean) {
    this.#target = target;
    this.#body = body;
    this.#limits = limits;
    this.#account = account;
  }

  async run(clock: Clock, connection: Connection): Promise<JsonObject> {
    const abort = new AbortController();
    const cancel = clock.after(this.#limits.timeoutMs, () => abort.abort());
    try {
      const answer = await this.#send(connection, abort.signal);
      return this.#read(answer);
    } finally {
      cancel();
      this.#account(-this.#received);
    }
  }

  #error(why: string): WebhookCallError {
    return new WebhookCallError(`Post ${quote(this.#target.shown)}: ${why}`);
  }

  #send(connection: Connection, signal: AbortSignal, again = true): Promise<IncomingMessage> {
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
          const fits = this.#account(chunk.length);
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

  #read(response: IncomingMessage): JsonObject {
    const body = Buffer.concat(this.#chunks);
    const code = response.statusCode ?? 0;
    const type = response.headers["content-type"] ?? "";
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
    if (body.length > (this.#limits.largestHere ?? Number.POSITIVE_INFINITY)) throw new ElsewhereError();
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

/** As Go does, names are taken from the alternative names only, never from the subject. */
function checkNames(host: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname === undefined) {
    return Object.assign(new Error("no names"), { code: "ERR_NO_SUBJECT_ALTERNATIVE_NAMES" });
  }
  return checkServerIdentity(host, certificate);
}

/** Keeps few idle connections: those above the bounds are closed after their call. */
class BoundedAgent extends Agent {
  readonly #idle = new Map<Socket, () => void>();

  constructor() {
    super({
      keepAlive: true,
      maxFreeSockets: maxIdleOfAddress,
      timeout: idleMs,
      scheduling: "lifo",
      // Here, not in the request: Node keeps connections of requests with a check of their own apart.
      checkServerIdentity: checkNames,
    });
  }

  override keepSocketAlive(socket: Socket): boolean {
    // Node's types say void; its documentation says that false closes the socket.
    if (this.#idle.size >= maxIdle || (super.keepSocketAlive(socket) as unknown) === false) return false;
    const forget = (): void => void this.#idle.delete(socket);
    this.#idle.set(socket, forget);
    socket.once("close", forget);
    return true;
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    const forget = this.#idle.get(socket);
    if (forget !== undefined) socket.off("close", forget);
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }
}

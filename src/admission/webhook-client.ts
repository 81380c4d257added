/** Calls webhooks over HTTPS (k8s.io/apiserver pkg/util/webhook/client.go, client-go rest/request.go). */
import { X509Certificate } from "node:crypto";
import { isIP, type LookupFunction } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock } from "#base/clock.ts";
import { Lru } from "#base/lru.ts";
import { quote } from "#base/quote.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { Received } from "#registry/journal.ts";
import { BoundedAgent } from "./bounded-agent.ts";
import type { EgressPolicy } from "./egress.ts";
import { guardedLookup, type Resolve, refusal, systemResolve } from "./guarded-lookup.ts";
import { WebhookCall } from "./webhook-call.ts";
import { WebhookCallError } from "./webhook-errors.ts";
import { type WebhookClientConfig, webhookTarget } from "./webhook-target.ts";

export interface WebhookCallOptions {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** What the webhook has answered this question before. */
  readonly known?: Received | undefined;
  /**
   * Keeps what came back, so that what goes on with it can be begun anew in another thread; {@link WebhookClientOptions.largestHere}
   * holds then. False: there is no room for it.
   */
  keep?(received: Received): boolean;
  /** Bytes that the answer may have beside four times those of the question; {@link maxResponseBytes} holds all the same. */
  readonly maxGrowthBytes?: number;
  /** Whose call it is: one caller cannot take all calls that may be under way. */
  readonly caller?: string;
}

export interface WebhookClient {
  /**
   * Sends one JSON object, given as such or as its text, and answers with the JSON object of a 2xx answer. Redirects are not followed.
   * @throws WebhookCallError with the reason; upstream's text where upstream has the same reason
   * @throws ElsewhereError
   */
  post(
    config: WebhookClientConfig,
    body: JsonObject | string,
    options: WebhookCallOptions,
  ): Promise<JsonObject>;
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
/** Parsed CA bundles; about 20 KB each. */
const cachedContexts = 256;

export function createWebhookClient(options: WebhookClientOptions): WebhookClient {
  return new HttpsWebhookClient(options);
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
    body: JsonObject | string,
    options: WebhookCallOptions,
  ): Promise<JsonObject> {
    const target = webhookTarget(config, options.timeoutMs);
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
      const question = Buffer.from(typeof body === "string" ? body : writeJson(body), "utf8");
      const { timeoutMs, maxResponseBytes, maxGrowthBytes, known, keep = () => false } = options;
      const grown = maxGrowthBytes === undefined ? maxResponseBytes : maxGrowthBytes + 4 * question.length;
      const limits = {
        timeoutMs,
        maxBytes: Math.min(maxResponseBytes, grown),
        largestHere: this.#largestHere,
      };
      const account = (bytes: number): boolean => {
        this.#buffered += bytes;
        return this.#buffered <= maxBufferedBytes;
      };
      const call = new WebhookCall(target, question, limits, { account, known, keep });
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

import type { UserInfo } from "#authn/user-info.ts";
import { anonymousUser } from "#authn/user-info.ts";
import { Journal } from "#registry/journal.ts";
import type { ClusterTarget, Query, RequestContext } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { parseQuery } from "./query.ts";
import type { RequestInfo } from "./request-info.ts";
import { Warnings } from "./warnings.ts";

const outside: ClusterTarget = Object.freeze({ kind: "none" });
const unknownInfo: RequestInfo = Object.freeze({
  isResourceRequest: false,
  path: "",
  verb: "",
  apiPrefix: "",
  apiGroup: "",
  apiVersion: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
  parts: Object.freeze([]),
  deprecatedWatch: false,
});

/** The context while the filters fill it in. Endpoints see it as {@link RequestContext}. */
export class Request implements RequestContext {
  /** Audited from the filter of that name on. */
  exchange: Exchange;
  readonly startedAt: number;
  cluster: ClusterTarget = outside;
  /** The workspace the client named and nobody knows; answered after authentication. */
  unknownCluster = "";
  info: RequestInfo = unknownInfo;
  user: UserInfo = anonymousUser;
  auditId = "";
  longRunning = false;
  /** From `?timeout=`, when it is shorter than the general limit. */
  timeoutMs: number | undefined;
  #query: Query | undefined;
  #journal: Journal | undefined;
  #warnings: Warnings | undefined;
  #expired = false;
  #onExpired: (() => void)[] | undefined;

  /** @param journal of what was done before the request came here */
  constructor(exchange: Exchange, startedAt: number, journal?: Journal) {
    this.exchange = exchange;
    this.startedAt = startedAt;
    this.#journal = journal;
  }

  get journal(): Journal {
    this.#journal ??= Journal.recording();
    return this.#journal;
  }

  get query(): Query {
    this.#query ??= parseQuery(this.exchange.rawQuery);
    return this.#query;
  }

  get closed(): boolean {
    return this.#expired || this.exchange.closed;
  }

  warn(text: string): void {
    this.#warnings ??= new Warnings();
    if (this.#warnings.add(text)) this.exchange.setHeader("warning", this.#warnings.headers());
  }

  onClose(callback: () => void): void {
    let called = false;
    const once = (): void => {
      if (called) return;
      called = true;
      callback();
    };
    this.#onExpired ??= [];
    this.#onExpired.push(once);
    this.exchange.onClose(once);
  }

  /** The request's time is up. */
  expire(): void {
    this.#expired = true;
    for (const callback of this.#onExpired ?? []) callback();
    this.#onExpired = undefined;
  }
}

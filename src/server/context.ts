import type { UserInfo } from "#authn/user-info.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Journal } from "#registry/journal.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestInfo } from "./request-info.ts";

/** The workspace that a request is for. */
export type ClusterTarget =
  /** No `/clusters/` prefix: health, version, metrics. */
  | { readonly kind: "none" }
  /** `path` is what the client wrote, name or path. */
  | { readonly kind: "one"; readonly name: ClusterName; readonly path: string }
  /** `/clusters/*`. */
  | { readonly kind: "wildcard" };

/** Query values by name, read by the rules of Go's `url.ParseQuery`. Parsed on first use. */
export interface Query {
  /** The first value. */
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  has(name: string): boolean;
  names(): readonly string[];
}

/** All that the filters found out about a request; endpoints get it complete. */
export interface RequestContext {
  readonly exchange: Exchange;
  readonly cluster: ClusterTarget;
  readonly info: RequestInfo;
  readonly query: Query;
  readonly user: UserInfo;
  readonly auditId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Watch and the like: no request timeout, not counted as in flight. */
  readonly longRunning: boolean;
  /** What it has got from outside so far. */
  readonly journal: Journal;
  /** Adds a `Warning: 299 - "text"` header; repeated texts count once. Before the answer is begun. */
  warn(text: string): void;
  /** Calls back when the client has gone or the answer is complete, and when the request's time is up. */
  onClose(callback: () => void): void;
  /** True when nobody waits for the answer any more. */
  readonly closed: boolean;
}

/** Answers a request that passed all filters. A throw or rejection is answered as Status. */
export type Endpoint = (context: RequestContext) => void | Promise<void>;

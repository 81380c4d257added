import type { UserInfo } from "#authn/user-info.ts";

/** What a request wants to do, as authorizers see it (k8s.io/apiserver pkg/authorization/authorizer). */
export interface Attributes {
  readonly user: UserInfo;
  /** Kubernetes verb, or the lower-case HTTP method for non-resource requests. */
  readonly verb: string;
  readonly resourceRequest: boolean;
  readonly namespace: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** The path after the `/clusters/<name>` prefix. */
  readonly path: string;
  /** Logical cluster name, `*` for all of them, undefined for requests outside any workspace. */
  readonly cluster: string | undefined;
}

export interface Decision {
  readonly decision: "allow" | "deny" | "no-opinion";
  /** Empty or one sentence; on a refusal it is shown to the client. */
  readonly reason: string;
}

export interface Authorizer {
  /** Synchronous whenever the answer is at hand. */
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

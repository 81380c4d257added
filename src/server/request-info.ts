/**
 * What a path asks for, by the path grammar of Kubernetes (k8s.io/apiserver pkg/endpoints/request/requestinfo.go).
 * Strings are empty where a part is absent.
 */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  /** The path after the workspace prefix, percent-decoded once. */
  readonly path: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; the lower-case method for other paths. */
  readonly verb: string;
  /** `api` or `apis`. */
  readonly apiPrefix: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path segments from the resource on, percent-decoded. */
  readonly parts: readonly string[];
  /** The request came by the deprecated `/watch/` form of the path. */
  readonly deprecatedWatch: boolean;
}

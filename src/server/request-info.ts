import { badRequest } from "#machinery/errors/errors.ts";
import type { Query } from "./context.ts";

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

const noParts: readonly string[] = Object.freeze([]);
// The most that a field selector's `metadata.name` may have to count as a name: Kubernetes' longest names have 253.
const MAX_NAME_LENGTH = 253;

/**
 * `query` is called only where the grammar asks for it (collections).
 * @throws StatusError 400 for `/api/v1/watch` with nothing after it.
 */
export function parseRequestInfo(
  method: string,
  path: string,
  segments: readonly string[],
  query: () => Query,
): RequestInfo {
  const prefix = segments[0];
  const grouped = prefix === "apis";
  if (segments.length < (grouped ? 4 : 3) || (prefix !== "api" && !grouped))
    return nonResourceInfo(method, path);
  const apiGroup = grouped ? segments[1]! : "";
  const apiVersion = segments[grouped ? 2 : 1]!;
  let at = grouped ? 3 : 2;

  let verb = resourceVerb(method);
  const special = segments[at] === "watch" || segments[at] === "proxy";
  if (special) {
    verb = segments[at]!;
    if (segments.length === at + 1)
      throw badRequest(`unable to determine kind and namespace from url, ${path}`);
    at++;
  }

  let namespace = "";
  if (segments[at] === "namespaces" && segments.length > at + 1) {
    namespace = segments[at + 1]!;
    const next = segments[at + 2];
    if (next !== undefined && next !== "status" && next !== "finalize") at += 2;
  }
  const parts = at === 0 ? segments : segments.slice(at);
  const subresource = parts.length > 2 && verb !== "proxy" ? parts[2]! : "";
  let name = parts[1] ?? "";
  if (name === "") {
    if (verb === "get") {
      const options = query();
      verb = isWatch(options) ? "watch" : "list";
      name = selectedName(options.get("fieldSelector"));
    } else if (verb === "delete") verb = "deletecollection";
  }
  return {
    isResourceRequest: true,
    path,
    verb,
    apiPrefix: prefix,
    apiGroup,
    apiVersion,
    namespace,
    resource: parts[0]!,
    subresource,
    name,
    parts,
    deprecatedWatch: special && verb === "watch",
  };
}

const nonResourceInfo = (method: string, path: string): RequestInfo => ({
  isResourceRequest: false,
  path,
  verb: method.toLowerCase(),
  apiPrefix: "",
  apiGroup: "",
  apiVersion: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
  parts: noParts,
  deprecatedWatch: false,
});

function resourceVerb(method: string): string {
  switch (method) {
    case "GET":
    case "HEAD":
      return "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return "delete";
    default:
      return "";
  }
}

/** Any value counts but `false` and `0`; even none (apimachinery's conversion of booleans in queries). */
function isWatch(query: Query): boolean {
  const value = query.get("watch");
  if (value === undefined) return false;
  const lower = value.toLowerCase();
  return lower !== "false" && lower !== "0";
}

/** The name that a field selector asks for exactly; empty when it does not, or not in plain words. */
function selectedName(fieldSelector: string | undefined): string {
  if (fieldSelector === undefined || fieldSelector.includes("\\")) return "";
  for (const term of fieldSelector.split(",")) {
    if (!term.startsWith("metadata.name=")) continue;
    const value = term.slice(term.charAt(14) === "=" ? 15 : 14);
    const plain = value !== "." && value !== ".." && !/[/%=]/.test(value);
    return plain && value.length <= MAX_NAME_LENGTH ? value : "";
  }
  return "";
}

/** Watch and the subresources that stream: no time limit, not counted as in flight (kube-apiserver's long-running check). */
export function isLongRunning(info: RequestInfo): boolean {
  if (!info.isResourceRequest) return false;
  if (info.verb === "watch" || info.verb === "proxy") return true;
  switch (info.subresource) {
    case "attach":
    case "exec":
    case "proxy":
    case "log":
    case "portforward":
      return true;
    default:
      return false;
  }
}

import { randomUUID } from "node:crypto";
import type { Authentication, Authenticator } from "#authn/authenticator.ts";
import { anonymousUser, GROUP_MASTERS, GROUP_UNAUTHENTICATED } from "#authn/user-info.ts";
import type { Attributes, Authorizer, Decision } from "#authz/authorizer.ts";
import {
  badRequest,
  forbidden,
  methodNotSupported,
  notFound,
  unauthorized,
} from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { attributesOf, notAllowed } from "./access.ts";
import { type Auditor, decisionAnnotation, reasonAnnotation } from "./audit/auditor.ts";
import { parseRequestPath } from "./cluster-path.ts";
import type { ClusterTarget } from "./context.ts";
import type { Request } from "./request.ts";
import { isLongRunning, parseRequestInfo } from "./request-info.ts";
import { pageNotFound, TextError, tooManyRequestsText } from "./text-error.ts";

/**
 * One step between the transport and the endpoint: it fills the request in, or throws what the client gets, or answers
 * by itself. It is synchronous unless it must wait.
 */
export interface Filter {
  readonly name: string;
  readonly run: (request: Request) => void | Promise<void>;
}

export interface FilterOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** The logical cluster behind a name or path; undefined when there is none. */
  readonly resolveWorkspacePath: (path: string) => ClusterName | undefined | Promise<ClusterName | undefined>;
  /** True from the moment the server no longer wants new requests. */
  readonly isShuttingDown: () => boolean;
  /** Why credentials were refused, for the log. */
  readonly onAuthenticationFailure?: (reason: string, request: Request) => void;
  /** Absent: no request is remembered. */
  readonly auditor?: Auditor | undefined;
}

/** The list of filters, outermost first, each with the reason for its place. Around all of them is the recovery of `pipeline.ts`. */
export function createFilters(options: FilterOptions): readonly Filter[] {
  const { auditor } = options;
  return [
    // First, so that every answer, the earliest refusal too, can be found again by its id.
    { name: "audit-id", run: stampAuditId },
    // Before any work is done for a request that would have to be waited for.
    { name: "shutdown-gate", run: (request) => refuseDuringShutdown(request, options) },
    // What is asked, and where: authenticators and authorizers decide by it.
    { name: "workspace", run: (request) => readTarget(request, options) },
    // Who asks.
    { name: "authentication", run: (request) => authenticate(request, options) },
    // It needs the user, and must see refusals of authorization.
    ...(auditor === undefined ? [] : [{ name: "audit", run: (request: Request) => auditor.begin(request) }]),
    // To act as somebody else would change who is authorized; until that is served, it is refused, never ignored.
    { name: "impersonation", run: refuseImpersonation },
    // May they. After everything that decides on whose behalf and on what.
    { name: "authorization", run: (request) => authorize(request, options) },
    // Only those who may know are told that a workspace does not exist, or that a path is not served there.
    { name: "workspace-guard", run: guardWorkspace },
  ];
}

const MAX_AUDIT_ID_LENGTH = 128;
const CACHE_CONTROL = "no-cache, private";

function stampAuditId(request: Request): void {
  const given = request.exchange.header("audit-id");
  request.auditId =
    given !== undefined && given.length <= MAX_AUDIT_ID_LENGTH && /^[\x21-\x7e]+$/.test(given)
      ? given
      : randomUUID();
  request.exchange.setHeader("audit-id", request.auditId);
  request.exchange.setHeader("cache-control", CACHE_CONTROL);
}

const exemptFromShutdown = new Set(["/readyz", "/livez", "/healthz", "/metrics"]);

function refuseDuringShutdown({ exchange }: Request, { isShuttingDown }: FilterOptions): void {
  if (!isShuttingDown() || exemptFromShutdown.has(exchange.rawPath)) return;
  exchange.connection.closeWhenIdle();
  throw tooManyRequestsText("The apiserver is shutting down, please try again later.", 5);
}

const everywhere: ClusterTarget = Object.freeze({ kind: "wildcard" });

function readTarget(request: Request, { resolveWorkspacePath }: FilterOptions): void | Promise<void> {
  const { exchange } = request;
  const { cluster, path, segments } = parseRequestPath(exchange.rawPath);
  request.info = parseRequestInfo(exchange.method, path, segments, () => request.query);
  request.longRunning = isLongRunning(request.info);
  if (cluster.kind === "wildcard") request.cluster = everywhere;
  if (cluster.kind !== "named") return;
  const name = resolveWorkspacePath(cluster.path);
  if (name instanceof Promise) return name.then((late) => setCluster(request, cluster.path, late));
  setCluster(request, cluster.path, name);
}

function setCluster(request: Request, path: string, name: ClusterName | undefined): void {
  if (name === undefined) request.unknownCluster = path;
  else request.cluster = { kind: "one", name, path };
}

function authenticate(request: Request, options: FilterOptions): void | Promise<void> {
  const { exchange } = request;
  const answer = options.authenticator.authenticate({
    certificate: exchange.connection.clientCertificate,
    authorization: exchange.header("authorization"),
  });
  if (answer instanceof Promise) return answer.then((late) => setUser(request, late, options));
  setUser(request, answer, options);
}

function setUser(request: Request, answer: Authentication, options: FilterOptions): void {
  if (answer.kind === "user") {
    request.user = answer.user;
    if (!answer.user.groups.includes(GROUP_UNAUTHENTICATED)) return;
  } else if (answer.kind === "none") request.user = anonymousUser;
  // HTTP/2 is easily abused; who is nobody gets one request for each connection (CVE-2023-44487).
  if (request.exchange.httpVersion === "2") request.exchange.connection.closeWhenIdle();
  if (answer.kind !== "invalid") return;
  options.onAuthenticationFailure?.(answer.reason, request);
  options.auditor?.beginUnauthenticated(request);
  throw unauthorized();
}

function refuseImpersonation({ exchange }: Request): void {
  if (!exchange.hasHeaderPrefix("impersonate-")) return;
  throw badRequest("impersonation is not supported by this server");
}

function authorize(request: Request, { authorizer }: FilterOptions): void | Promise<void> {
  const attributes = attributesOf(request, request.unknownCluster);
  const decision = authorizer.authorize(attributes);
  if (decision instanceof Promise) return decision.then((late) => enforce(request, attributes, late));
  enforce(request, attributes, decision);
}

function enforce(request: Request, attributes: Attributes, { decision, reason }: Decision): void {
  // Public paths are public as such, but not below a workspace whose existence would show by them.
  const allowed = decision === "allow" && (request.unknownCluster === "" || isAdmin(request));
  const { audit } = request.exchange;
  audit?.annotate(decisionAnnotation, allowed ? "allow" : "forbid");
  audit?.annotate(reasonAnnotation, reason);
  if (allowed) return;
  request.exchange.setHeader("x-content-type-options", "nosniff");
  throw notAllowed(attributes, request.unknownCluster === "" ? reason : "");
}

const isAdmin = ({ user }: Request): boolean => user.groups.includes(GROUP_MASTERS);

/** Served for the process as a whole; below `/clusters/<name>` they would seem to tell about a workspace. */
const processPaths = new Set(["/metrics", "/metrics/slis"]);

function guardWorkspace({ info, cluster, unknownCluster, user }: Request): void {
  if (unknownCluster !== "")
    throw notFound({ group: "tenancy.kcp.io", resource: "workspaces" }, unknownCluster);
  if (cluster.kind === "none") {
    // kcp's shards, too, serve no API outside a workspace.
    if (info.isResourceRequest || isApiRoot(info.path)) throw pageNotFound();
    return;
  }
  if (processPaths.has(info.path))
    throw new TextError(501, "shard-level endpoint not available at workspace scope");
  if (cluster.kind !== "wildcard" || !info.isResourceRequest) return;
  if (!user.groups.includes(GROUP_MASTERS))
    throw forbidden({ user: user.name, verb: info.verb, path: "/clusters/*" });
  if (info.verb !== "list" && info.verb !== "watch")
    throw notInWildcard(info.apiGroup, info.resource, info.verb);
}

const isApiRoot = (path: string): boolean => /^\/(?:apis?|openapi)(?:\/|$)/.test(path);

function notInWildcard(group: string, resource: string, verb: string): StatusError {
  const { status } = methodNotSupported({ group, resource }, verb);
  return new StatusError({ ...status, message: `${status.message} in the \`*\` logical cluster` });
}

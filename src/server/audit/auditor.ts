/** The audit log's place in the list of filters: what of a request is remembered, and its first event. */
import type { UserInfo } from "#authn/user-info.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { attributesOf } from "../access.ts";
import type { Request } from "../request.ts";
import { TextError } from "../text-error.ts";
import { AuditedExchange, type AuditedKind } from "./audited-exchange.ts";
import type { AuditLog } from "./log.ts";
import { AuditNotes } from "./notes.ts";
import type { AuditEvaluator } from "./policy.ts";
import { type AuditFormat, AuditRecord } from "./record.ts";
import { requestUriOf, sourceIpsOf, userAgentOf } from "./request-facts.ts";

export interface AuditorOptions {
  readonly evaluate: AuditEvaluator;
  readonly log: AuditLog;
  readonly format: AuditFormat;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The path that a workspace has, whatever the client calls it. */
  readonly canonicalPath: (cluster: ClusterName) => string;
}

/** Annotations of kcp's (pkg/server/filters/filters.go). */
const workspaceAnnotation = "tenancy.kcp.io/workspace";
const clusterAnnotation = "kcp.io/cluster";
const pathAnnotation = "kcp.io/path";

/** Annotations of authorization (k8s.io/apiserver pkg/endpoints/filters/authorization.go). */
export const decisionAnnotation = "authorization.k8s.io/decision";
export const reasonAnnotation = "authorization.k8s.io/reason";

export class Auditor {
  readonly #options: AuditorOptions;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** From here on what becomes of the request is told to the log. @throws StatusError 500 when it must be and cannot */
  begin(request: Request): void | Promise<void> {
    const record = this.#audited(request, request.user, request.longRunning ? "long-running" : "ordinary");
    if (record === undefined) return;
    const ready = this.#options.log.whenReady();
    if (ready !== undefined) return ready.then(() => this.#received(request, record));
    return this.#received(request, record);
  }

  /** The request is about to be refused because nobody could be authenticated. */
  beginUnauthenticated(request: Request): void {
    this.#audited(request, undefined, "refusal");
  }

  #received(request: Request, record: AuditRecord): undefined | Promise<void> {
    const { log } = this.#options;
    return record.stage("RequestReceived", 0)?.then((written) => {
      if (written || log.mode !== "blocking-strict") return;
      log.counters.rejected();
      // Nothing more is told to a log that does not take it.
      const exchange = request.exchange as AuditedExchange;
      request.exchange = exchange.unaudited;
      const uri = JSON.stringify(requestUriOf(exchange));
      throw new TextError(500, `Internal Server Error: ${uri}: failed to store audit event`);
    });
  }

  #audited(request: Request, user: UserInfo | undefined, kind: AuditedKind): AuditRecord | undefined {
    const { evaluate, log, format, now } = this.#options;
    const attributes = attributesOf(request, request.unknownCluster);
    const audit = evaluate(attributes, user);
    log.counters.level(audit.level);
    if (audit.level === "None") return undefined;
    const { exchange, auditId, startedAt } = request;
    const notes = new AuditNotes(audit);
    this.#annotateWorkspace(request, notes);
    const facts = {
      auditId,
      requestUri: requestUriOf(exchange),
      userAgent: userAgentOf(exchange),
      sourceIps: sourceIpsOf(exchange),
      attributes,
      user,
      receivedAt: startedAt,
    };
    const record = new AuditRecord(facts, audit, notes, log, format, now);
    request.exchange = new AuditedExchange(exchange, record, kind);
    return record;
  }

  #annotateWorkspace({ cluster }: Request, notes: AuditNotes): void {
    if (cluster.kind !== "one") return;
    notes.annotate(pathAnnotation, this.#options.canonicalPath(cluster.name));
    notes.annotate(workspaceAnnotation, cluster.name);
    notes.annotate(clusterAnnotation, cluster.name);
  }
}

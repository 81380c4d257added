import type { UserInfo } from "#authn/user-info.ts";
import type { Attributes } from "#authz/authorizer.ts";
import { type AuditEvent, eventLine, legacyLine, type ObjectReference, withoutObjects } from "./event.ts";
import type { AuditLog } from "./log.ts";
import { type AuditNotes, maxObjectBytes, type ObjectIds } from "./notes.ts";
import type { AuditStage, RequestAudit } from "./policy.ts";

export interface AuditFormat {
  readonly format: "json" | "legacy";
  /** Bytes of a line beyond which objects are left out; undefined: only what no log should hold. */
  readonly maxEventBytes: number | undefined;
}

/** What does not change while a request is served. */
export interface RecordedRequest {
  readonly auditId: string;
  readonly requestUri: string;
  readonly userAgent: string;
  readonly sourceIps: readonly string[];
  readonly attributes: Attributes;
  readonly user: UserInfo | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** Bytes of a line with two objects of the largest size that notes keep. */
const largestEvent = 2 * maxObjectBytes + 4 * 1024 * 1024;

/** The events of one request, stage by stage. */
export class AuditRecord {
  readonly notes: AuditNotes;
  readonly #request: RecordedRequest;
  readonly #audit: RequestAudit;
  readonly #log: AuditLog;
  readonly #format: AuditFormat;
  readonly #now: () => number;

  constructor(
    request: RecordedRequest,
    audit: RequestAudit,
    notes: AuditNotes,
    log: AuditLog,
    format: AuditFormat,
    now: () => number,
  ) {
    this.notes = notes;
    this.#request = request;
    this.#audit = audit;
    this.#log = log;
    this.#format = format;
    this.#now = now;
  }

  /**
   * Makes the event of a stage. Undefined when nobody needs to wait for it, else it resolves when it is written, with false when it
   * could not be.
   * @param code the HTTP status; 0 before there is one
   */
  stage(stage: AuditStage, code: number): Promise<boolean> | undefined {
    if (this.#audit.omitStages.has(stage)) return undefined;
    this.#log.counters.event();
    let event = this.#event(stage, code);
    if (this.#format.format === "legacy") return this.#log.push(Buffer.from(legacyLine(event), "utf8"));
    if (this.notes.data().truncated) event = withoutObjects(event);
    let line = eventLine(event);
    const most = this.#format.maxEventBytes ?? largestEvent;
    if (line.length > most && this.notes.keepsRequest) line = eventLine(withoutObjects(event));
    if (line.length <= most) return this.#log.push(line);
    this.#log.lost("truncate", "event is too large even after truncating");
    return this.#log.mode === "batch" ? undefined : Promise.resolve(false);
  }

  #event(stage: AuditStage, code: number): AuditEvent {
    const { auditId, requestUri, userAgent, sourceIps, attributes, user, receivedAt } = this.#request;
    const { annotations, ids, requestObject, status, responseObject } = this.notes.data();
    return {
      level: this.#audit.level,
      auditId,
      stage,
      requestUri,
      verb: attributes.verb,
      user,
      sourceIps,
      userAgent,
      object: attributes.resourceRequest ? referenceOf(attributes, ids) : undefined,
      response: code === 0 ? undefined : { ...status, code },
      requestObject,
      responseObject,
      receivedAt,
      stageAt: stage === "RequestReceived" ? receivedAt : Math.max(receivedAt, this.#now()),
      annotations: new Map(annotations),
    };
  }
}

/** What the URL says, and what it leaves to the object. */
const referenceOf = (attributes: Attributes, ids: ObjectIds | undefined): ObjectReference => ({
  resource: attributes.resource,
  namespace: attributes.namespace || (ids?.namespace ?? ""),
  name: attributes.name || (ids?.name ?? ""),
  uid: ids?.uid ?? "",
  apiGroup: attributes.apiGroup,
  apiVersion: attributes.apiVersion,
  resourceVersion: ids?.resourceVersion ?? "",
  subresource: attributes.subresource,
});

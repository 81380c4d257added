import type { Metrics } from "../metrics.ts";
import type { AuditLevel } from "./policy.ts";

/** Metrics of the audit log, by kube-apiserver's names (k8s.io/apiserver pkg/audit/metrics.go). */
export interface AuditCounters {
  event(): void;
  /** An event that is not in the log. */
  error(plugin: "log" | "buffered" | "truncate"): void;
  /** Once for each request that the policy was asked about. */
  level(level: AuditLevel): void;
  rejected(): void;
}

export function auditCounters(metrics: Metrics): AuditCounters {
  const events = metrics.counter(
    "apiserver_audit_event_total",
    "Counter of audit events generated and sent to the audit backend.",
  );
  const errors = metrics.counter(
    "apiserver_audit_error_total",
    "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
    ["plugin"],
  );
  const levels = metrics.counter(
    "apiserver_audit_level_total",
    "Counter of policy levels for audit events (1 per request).",
    ["level"],
  );
  const rejected = metrics.counter(
    "apiserver_audit_requests_rejected_total",
    "Counter of apiserver requests rejected due to an error in audit logging backend.",
  );
  const all = { event: events.with([]), rejected: rejected.with([]) };
  return {
    event: () => void all.event.value++,
    error: (plugin) => void errors.with([plugin]).value++,
    level: (level) => void levels.with([level]).value++,
    rejected: () => void all.rejected.value++,
  };
}

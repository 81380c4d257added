/** The flags of the audit log (k8s.io/apiserver pkg/server/options/audit.go), from strings to values. */
import { type AuditMode, auditModes } from "#server/audit/log.ts";

/** Paths are absolute. */
export interface AuditFlags {
  readonly policyFile: string | undefined;
  /** Undefined: no log. */
  readonly log: AuditLogFlags | undefined;
}

export interface AuditLogFlags {
  /** `-` for standard output. */
  readonly path: string;
  /** 0: the file is never rotated. */
  readonly maxBytes: number;
  /** 0: no limit. */
  readonly maxBackups: number;
  readonly maxAgeDays: number;
  readonly compress: boolean;
  readonly format: "json" | "legacy";
  readonly mode: AuditMode;
  readonly bufferSize: number;
  /** Undefined: events are not shortened. */
  readonly maxEventBytes: number | undefined;
}

const mebibyte = 1024 * 1024;
const formats = ["legacy", "json"] as const;

/**
 * @param text a flag's value by its camel-cased name; undefined when it is absent or empty
 * @param path the same, made absolute
 * @throws Error with upstream's words where it has any
 */
export function parseAuditFlags(
  text: (name: string) => string | undefined,
  path: (name: string) => string | undefined,
): AuditFlags | undefined {
  const policyFile = path("auditPolicyFile");
  const log = parseLog(text, path);
  return policyFile === undefined && log === undefined ? undefined : { policyFile, log };
}

function parseLog(
  text: (name: string) => string | undefined,
  path: (name: string) => string | undefined,
): AuditLogFlags | undefined {
  const given = text("auditLogPath");
  if (given === undefined) return undefined;
  const mode = auditModes.find((one) => one === (text("auditLogMode") ?? "blocking"));
  if (mode === undefined)
    throw new Error(
      `invalid audit log mode ${text("auditLogMode")}, allowed modes are "${auditModes.join(",")}"`,
    );
  const format = formats.find((one) => one === (text("auditLogFormat") ?? "json"));
  if (format === undefined)
    throw new Error(
      `invalid audit log format ${text("auditLogFormat")}, allowed formats are "${formats.join(",")}"`,
    );
  const version = text("auditLogVersion") ?? "audit.k8s.io/v1";
  if (version !== "audit.k8s.io/v1")
    throw new Error(`invalid group version, allowed versions are ["audit.k8s.io/v1"]`);
  const bufferSize = integer("--audit-log-batch-buffer-size", text("auditLogBatchBufferSize") ?? "10000");
  if (mode === "batch" && bufferSize <= 0)
    throw new Error(`invalid audit batch log buffer size ${bufferSize}, must be a positive number`);
  const maxEventBytes = integer(
    "--audit-log-truncate-max-event-size",
    text("auditLogTruncateMaxEventSize") ?? "102400",
  );
  if (maxEventBytes <= 0)
    throw new Error(`invalid audit truncate log max event size ${maxEventBytes}, must be a positive number`);
  const truncates = boolean("--audit-log-truncate-enabled", text("auditLogTruncateEnabled"));
  return {
    path: given === "-" ? given : path("auditLogPath")!,
    maxBytes: natural("--audit-log-maxsize", text("auditLogMaxsize") ?? "100") * mebibyte,
    maxBackups: natural("--audit-log-maxbackup", text("auditLogMaxbackup") ?? "100"),
    maxAgeDays: natural("--audit-log-maxage", text("auditLogMaxage") ?? "366"),
    compress: boolean("--audit-log-compress", text("auditLogCompress")),
    format,
    mode,
    bufferSize,
    maxEventBytes: truncates ? maxEventBytes : undefined,
  };
}

function integer(flag: string, value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw new Error(`${flag} ${JSON.stringify(value)} is not a whole number`);
  return Number(value);
}

function natural(flag: string, value: string): number {
  const number = integer(flag, value);
  if (number < 0) throw new Error(`${flag} ${number} can't be a negative number`);
  return number;
}

function boolean(flag: string, value = "false"): boolean {
  if (value !== "true" && value !== "false")
    throw new Error(`${flag} ${JSON.stringify(value)} is not true or false`);
  return value === "true";
}

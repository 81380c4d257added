import type { AuditOptions } from "../api-server.ts";
import type { AuditMode } from "../audit/log.ts";
import { readAuditPolicy } from "../audit/policy-file.ts";
import type { Json } from "./live-server.ts";

/** One event, as far as tests look into it. */
export interface SeenEvent {
  readonly [member: string]: unknown;
  readonly auditID: string;
  readonly stage: string;
  readonly level: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requestObject?: Json;
  readonly responseObject?: Json;
}

/** For tests: an audit log in memory. */
export interface AuditFixture {
  readonly options: AuditOptions;
  /** All lines so far. */
  readonly lines: string[];
  /** Events of the request that was sent with this `Audit-ID`. */
  of(auditId: string): SeenEvent[];
  /** What every write of the log answers from now on. */
  failWith(error: Error | undefined): void;
}

/** @param rules of the policy, as YAML */
export function auditFixture(
  rules: string,
  more: Partial<AuditOptions> & { mode?: AuditMode } = {},
): AuditFixture {
  const { policy } = readAuditPolicy(
    Buffer.from(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}`),
  );
  const lines: string[] = [];
  let failure: Error | undefined;
  return {
    lines,
    options: {
      policy,
      mode: "blocking",
      bufferSize: 1_000,
      format: { format: "json", maxEventBytes: undefined },
      sink: {
        write(written) {
          if (failure === undefined) lines.push(...written.map(String));
          return Promise.resolve(written.map(() => failure));
        },
        close: () => Promise.resolve(),
      },
      ...more,
    },
    of: (auditId) =>
      lines.map((line) => JSON.parse(line) as SeenEvent).filter((event) => event.auditID === auditId),
    failWith(error) {
      failure = error;
    },
  };
}

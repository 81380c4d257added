import type { AuditSink } from "./log.ts";

/** The log on standard output (`--audit-log-path -`), which stays open. */
export const standardOutput = (out: NodeJS.WritableStream): AuditSink => ({
  write: (lines) =>
    new Promise((resolve) => {
      out.write(Buffer.concat(lines), (error) => resolve(lines.map(() => error ?? undefined)));
    }),
  close: () => Promise.resolve(),
});

import { readFile } from "node:fs/promises";
import type { AuditOptions } from "#server/api-server.ts";
import { openLogFile } from "#server/audit/log-file.ts";
import { readAuditPolicy } from "#server/audit/policy-file.ts";
import { standardOutput } from "#server/audit/standard-output.ts";
import type { AuditFlags } from "./audit-options.ts";
import type { Log } from "./log.ts";
import { CommandError } from "./terminal.ts";

/** Reads the policy and opens the log; undefined where nothing is to be remembered. Rejects with what is wrong with either. */
export async function openAudit(
  flags: AuditFlags | undefined,
  report: Log,
): Promise<AuditOptions | undefined> {
  const policy = flags?.policyFile === undefined ? undefined : await readPolicy(flags.policyFile, report);
  if (flags?.log === undefined) return undefined;
  const { path, format, mode, bufferSize, maxEventBytes } = flags.log;
  if (policy === undefined) {
    report("No audit policy file provided, no events will be recorded for log backend");
    return undefined;
  }
  const sink =
    path === "-"
      ? standardOutput(process.stdout)
      : await openLogFile({ ...flags.log, now: Date.now, report }).catch((error: unknown) => {
          throw new CommandError(`ensureLogFile: ${(error as Error).message}`);
        });
  return { policy, sink, mode, bufferSize, format: { format, maxEventBytes } };
}

async function readPolicy(path: string, report: Log): Promise<AuditOptions["policy"]> {
  const failed = (why: string): CommandError => new CommandError(`loading audit policy file: ${why}`);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw failed(`failed to read file path ${JSON.stringify(path)}: ${(error as Error).message}`);
  });
  try {
    const { policy, warning } = readAuditPolicy(bytes);
    if (warning !== undefined) report(warning);
    return policy;
  } catch (error) {
    throw failed(`${(error as Error).message}: from file ${path}`);
  }
}

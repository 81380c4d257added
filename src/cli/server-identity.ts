/** Who a server is among several on one etcd: its host's name, and a random part that is kept in the root directory. */
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

const identityFile = "server-identity";
const pattern = /^[0-9a-f-]{36}$/;

/**
 * The same at every start with one root directory on one host; whoever calls this holds the lock of that directory. A file
 * that cannot be used is written anew: another identity costs only the time until the lease of the last one has run out.
 */
export function serverIdentity(rootDirectory: string, host: string = hostname()): string {
  const path = join(rootDirectory, identityFile);
  const kept = readIdentity(path);
  if (kept !== undefined) return `${host}_${kept}`;
  const made = randomUUID();
  writeFileSync(path, `${made}\n`, { mode: 0o600 });
  return `${host}_${made}`;
}

function readIdentity(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return pattern.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import type { EgressPolicy } from "./egress.ts";
import { EgressError } from "./webhook-errors.ts";

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Lookups that wait or run at once; beyond it calls fail. */
const maxLookups = 1_024;
/** Running ones: the system's resolver blocks one of the process's few worker threads for each. */
const maxRunning = 2;

/** The system's resolver, with few questions at a time and one for those who ask the same. */
export function systemResolve(): Resolve {
  const asked = new Map<string, Promise<readonly LookupAddress[]>>();
  const waiting: (() => void)[] = [];
  let running = 0;
  const run = async (hostname: string): Promise<readonly LookupAddress[]> => {
    if (running >= maxRunning) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await systemLookup(hostname, { all: true });
    } finally {
      asked.delete(hostname);
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
  return (hostname) => {
    const known = asked.get(hostname);
    if (known !== undefined) return known;
    if (asked.size >= maxLookups) return Promise.reject(new Error("too many host names are being looked up"));
    const answer = run(hostname);
    asked.set(hostname, answer);
    return answer;
  };
}

/** The refusal of an address. */
export const refusal = (policy: EgressPolicy, host: string, address: string): EgressError =>
  new EgressError(
    `dial tcp: ${host === address ? address : `${host} (${address})`} may not be reached from this server: it allows webhooks at --webhook-egress=${policy.text}, and never at link-local or metadata addresses`,
  );

/**
 * A lookup for `net.connect` that hands on allowed addresses only. What is checked is what is connected to, so a name that
 * changes its address between check and use gains nothing.
 */
export function guardedLookup(policy: EgressPolicy, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const allowed = found.filter(({ address }) => isIP(address) !== 0 && policy.allows(address));
        const first = allowed[0];
        if (first === undefined)
          callback(refusal(policy, hostname, found[0]?.address ?? "no address"), "", 0);
        else if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 0),
    );
  };
}

/** What the audit log costs: the same requests to servers without it, with the level Metadata, and with RequestResponse. */
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectStatus } from "../lib/http2-client.ts";
import type { Report } from "../lib/report.ts";
import { type RunningServer, scratch, startMyriad } from "../lib/servers.ts";
import { type Clients, collection, configMap, loadWith, type Work } from "./requests.ts";

const levels = ["off", "Metadata", "RequestResponse"] as const;
const logFile = "audit.log";

interface Audited {
  readonly level: (typeof levels)[number];
  readonly server: RunningServer;
  readonly directory: string;
}

async function start(level: Audited["level"]): Promise<Audited> {
  const directory = scratch();
  const policy = join(directory, "policy.yaml");
  writeFileSync(policy, `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: ${level}}]\n`);
  const file = join(directory, logFile);
  const flags = ["--audit-policy-file", policy, "--audit-log-path", file, "--audit-log-maxsize", "0"];
  return {
    level,
    directory,
    server: await startMyriad({ directory: join(directory, "server"), flags: level === "off" ? [] : flags }),
  };
}

const clients: Clients = { connections: 32, width: 64 };

/** Kinds of requests; names differ from round to round, and those of the warming (indices below 0) from all others. */
function worksOf(base: string, round: number): Readonly<Record<string, Work>> {
  const name = (index: number): string => (index < 0 ? `warm-${round}-${-index}` : `c-${round}-${index}`);
  return {
    create: async (connection, index) => {
      expectStatus(await connection.request("POST", base, configMap(name(index), "1")), 201);
    },
    GET: async (connection, index) => {
      expectStatus(await connection.request("GET", `${base}/${name(index)}`), 200);
    },
    "merge patch": async (connection, index) => {
      const patch = JSON.stringify({ data: { value: `p${index}` } });
      const path = `${base}/${name(index)}`;
      expectStatus(await connection.request("PATCH", path, patch, "application/merge-patch+json"), 200);
    },
  };
}

/**
 * All servers run at once and take turns, each round in another order, so that what else goes on meets all of them. A ratio is the
 * median of the rounds'.
 * @param count of requests of each kind in a round
 */
export async function auditCosts(report: Report, rounds: number, count: number): Promise<void> {
  const all: Audited[] = [];
  for (const level of levels) all.push(await start(level));
  /** By kind and level, a rate for each round. */
  const rates = new Map<string, number[]>();
  const ratesOf = (kind: string, level: string): number[] => {
    const key = `${kind} ${level}`;
    if (!rates.has(key)) rates.set(key, []);
    return rates.get(key)!;
  };
  const kinds = Object.keys(worksOf("", 0));
  // The first round warms everything.
  for (let round = 0; round <= rounds; round++)
    for (const kind of kinds)
      for (let turn = 0; turn < all.length; turn++) {
        const { server, level } = all[(turn + round) % all.length]!;
        const work = worksOf(collection(server), round)[kind]!;
        const rate = (await loadWith(server, count, clients, work))["per CPU second"];
        if (round > 0) ratesOf(kind, level).push(rate);
      }
  for (const kind of kinds)
    for (const { level } of all) {
      const own = ratesOf(kind, level);
      const off = ratesOf(kind, "off");
      report.add(`${kind}, audit log`, level, {
        "per CPU second": median(own),
        "ratio to off": median(own.map((rate, index) => rate / off[index]!)),
      });
    }
  for (const { server, level, directory } of all) {
    await server.stop();
    if (level !== "off") {
      // Warming included.
      const requests = (rounds + 1) * kinds.length * (count + Math.min(count, clients.width * 20));
      report.add("audit log", level, {
        "bytes a request": statSync(join(directory, logFile)).size / requests,
      });
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

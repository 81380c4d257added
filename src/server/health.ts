import { quote } from "#base/quote.ts";
import type { Endpoint, RequestContext } from "./context.ts";
import { respondText } from "./respond-error.ts";

/** One thing that must be well. `check` throws, rejects or answers a text when it is not. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => undefined | string | Promise<undefined | string>;
}

/** Upstream's first check: the process answers. */
export const pingCheck: HealthCheck = { name: "ping", check: () => undefined };

export interface HealthOptions {
  /** In the order they are shown, for each of healthz, livez and readyz. */
  readonly healthz: readonly HealthCheck[];
  readonly livez: readonly HealthCheck[];
  readonly readyz: readonly HealthCheck[];
  /** Why a check failed; clients are not told. */
  readonly onFailure: (path: string, check: string, why: string) => void;
}

/**
 * The endpoints `/healthz`, `/livez`, `/readyz` and one for each check below them, by path
 * (k8s.io/apiserver pkg/server/healthz).
 */
export function healthEndpoints(options: HealthOptions): ReadonlyMap<string, Endpoint> {
  const endpoints = new Map<string, Endpoint>();
  for (const root of ["healthz", "livez", "readyz"] as const) {
    const checks = options[root];
    endpoints.set(`/${root}`, (context) => answerAll(context, root, checks, options.onFailure));
    for (const check of checks)
      endpoints.set(`/${root}/${check.name}`, async ({ exchange }) => {
        const why = await outcome(check);
        if (why === undefined) exchange.respond(200, { "content-type": "text/plain; charset=utf-8" }, "ok");
        else respondText(exchange, 500, `internal server error: ${why}\n`);
      });
  }
  return endpoints;
}

async function answerAll(
  { exchange, query }: RequestContext,
  root: string,
  checks: readonly HealthCheck[],
  onFailure: HealthOptions["onFailure"],
): Promise<void> {
  const excluded = new Set(query.getAll("exclude"));
  const unknown = new Set(excluded);
  let failed = false;
  let lines = "";
  for (const check of checks) {
    if (excluded.has(check.name)) {
      unknown.delete(check.name);
      lines += `[+]${check.name} excluded: ok\n`;
      continue;
    }
    const why = await outcome(check);
    if (why === undefined) lines += `[+]${check.name} ok\n`;
    else {
      failed = true;
      lines += `[-]${check.name} failed: reason withheld\n`;
      onFailure(`/${root}`, check.name, why);
    }
  }
  if (unknown.size > 0)
    lines += `warn: some health checks cannot be excluded: no matches for ${[...unknown].sort().map(quote).join(",")}\n`;
  if (failed) respondText(exchange, 500, `${lines}${root} check failed\n`);
  else if (query.has("verbose")) respondText(exchange, 200, `${lines}${root} check passed\n`);
  else respondText(exchange, 200, "ok");
}

async function outcome({ check }: HealthCheck): Promise<string | undefined> {
  try {
    return await check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

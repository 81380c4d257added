import type { Endpoint } from "./context.ts";
import { type HealthOptions, healthEndpoints } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { type VersionInfo, versionEndpoint } from "./version.ts";

export interface SystemEndpointOptions {
  readonly health: HealthOptions;
  readonly version: VersionInfo;
  readonly metrics: Metrics;
  /** Further paths that `/` lists, such as `/api/v1`. */
  readonly listedPaths: () => readonly string[];
}

/** Endpoints of the process rather than of an API, by exact path. The router asks here before it looks for an API. */
export function systemEndpoints(options: SystemEndpointOptions): ReadonlyMap<string, Endpoint> {
  const endpoints = new Map<string, Endpoint>(healthEndpoints(options.health));
  const version = versionEndpoint(options.version);
  endpoints.set("/version", version);
  endpoints.set("/metrics", ({ exchange }) =>
    exchange.respond(
      200,
      { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      options.metrics.render(),
    ),
  );
  const own = [...endpoints.keys()];
  const index: Endpoint = ({ exchange }) => {
    const paths = [...own, ...options.listedPaths()].sort();
    exchange.respond(200, { "content-type": "application/json" }, JSON.stringify({ paths }, null, 2));
  };
  endpoints.set("/version/", version);
  endpoints.set("/", index);
  endpoints.set("/index.html", index);
  return endpoints;
}

/** Memory and CPU of this process, by the names of Prometheus' client libraries. */
export function addProcessMetrics(metrics: Metrics, startedAtMs: number): void {
  metrics.observed("process_resident_memory_bytes", "Resident memory size in bytes.", () =>
    process.memoryUsage.rss(),
  );
  metrics.observed(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    "counter",
  );
  metrics.observed(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    () => startedAtMs / 1000,
  );
  metrics.observed(
    "nodejs_heap_size_used_bytes",
    "Used heap of the process in bytes.",
    () => process.memoryUsage().heapUsed,
  );
  metrics.observed(
    "nodejs_external_memory_bytes",
    "Memory outside the heap in bytes.",
    () => process.memoryUsage().external,
  );
}

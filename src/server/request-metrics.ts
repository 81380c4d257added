import type { RequestContext } from "./context.ts";
import type { Counter, Histogram, Metrics } from "./metrics.ts";

// Bounds of upstream's apiserver_request_duration_seconds.
const durations = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const labels = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"];
const verbs = new Map([
  ["get", "GET"],
  ["list", "LIST"],
  ["watch", "WATCH"],
  ["create", "POST"],
  ["update", "PUT"],
  ["patch", "PATCH"],
  ["apply", "APPLY"],
  ["delete", "DELETE"],
  ["deletecollection", "DELETECOLLECTION"],
  ["post", "POST"],
  ["put", "PUT"],
]);

interface Series {
  readonly byCode: Map<number, Counter>;
  readonly duration: Histogram;
  readonly values: readonly string[];
}

const mutating: ReadonlySet<string> = new Set(["create", "update", "patch", "delete", "deletecollection"]);
const applyType = "application/apply-patch+";

export interface RequestMetrics {
  /** A request's work begins; to be called when it has ended. */
  onServe(context: RequestContext): () => void;
  onDone(context: RequestContext): void;
}

/**
 * Counts requests as kube-apiserver does. Resources that `isKnownResource` does not know are counted together, so
 * neither workspaces nor clients make new series.
 */
export function requestMetrics(
  metrics: Metrics,
  now: () => number,
  isKnownResource: (group: string, version: string, resource: string) => boolean,
): RequestMetrics {
  const total = metrics.counter(
    "apiserver_request_total",
    "Requests by verb, resource, scope and HTTP code.",
    [...labels, "code"],
  );
  const duration = metrics.histogram(
    "apiserver_request_duration_seconds",
    "Time from the first byte of a request to the end of its answer, in seconds.",
    labels,
    durations,
  );
  const inFlight = metrics.gauge(
    "apiserver_current_inflight_requests",
    "Requests that are being worked on, but for watches, by whether they write.",
    ["request_kind"],
  );
  const writes = inFlight.with(["mutating"]);
  const reads = inFlight.with(["readOnly"]);
  const longRunning = metrics.gauge(
    "apiserver_longrunning_requests",
    "Watches that are open, by what they watch.",
    labels.filter((label) => label !== "dry_run"),
  );
  const cache = new Map<string, Series>();

  const seriesOf = (context: RequestContext): Series => {
    const { info } = context;
    const scope = scopeOf(context);
    const told = verbOf(context);
    const dryRun = dryRunOf(context);
    const key = info.isResourceRequest
      ? `${told} ${dryRun} ${info.apiGroup}/${info.apiVersion}/${info.resource}/${info.subresource} ${scope}`
      : told;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const verb = verbs.get(told) ?? "other";
    const served = info.isResourceRequest && isKnownResource(info.apiGroup, info.apiVersion, info.resource);
    const values = served
      ? [
          verb,
          dryRun,
          info.apiGroup,
          info.apiVersion,
          info.resource,
          subresourceOf(info.subresource),
          scope,
          "apiserver",
        ]
      : [verb, "", "", "", "", "", info.isResourceRequest ? scope : "", "apiserver"];
    const series = { byCode: new Map<number, Counter>(), duration: duration.with(values), values };
    // Only what is served is remembered by its path; the rest is looked up each time.
    if (served && values[5] === info.subresource) cache.set(key, series);
    return series;
  };

  return {
    onServe(context) {
      const [verb = "", , ...rest] = context.longRunning ? seriesOf(context).values : [];
      const gauge = context.longRunning
        ? longRunning.with([verb, ...rest])
        : mutating.has(context.info.verb)
          ? writes
          : reads;
      gauge.value++;
      return () => void gauge.value--;
    },
    onDone(context) {
      const series = seriesOf(context);
      const { status } = context.exchange;
      let counter = series.byCode.get(status);
      if (counter === undefined) {
        counter = total.with([...series.values, String(status)]);
        series.byCode.set(status, counter);
      }
      counter.value++;
      // A watch lasts as long as its client likes; its time says nothing.
      if (!context.longRunning) duration.observe(series.duration, (now() - context.startedAt) / 1000);
    },
  };
}

/** An apply is a verb of its own. */
function verbOf({ info, exchange }: RequestContext): string {
  if (info.verb !== "patch") return info.verb;
  return exchange.header("content-type")?.startsWith(applyType) === true ? "apply" : "patch";
}

/** What a client tells is `All` or wrong. */
function dryRunOf({ exchange, query }: RequestContext): string {
  if (!exchange.rawQuery.includes("dryRun=")) return "";
  const values = query.getAll("dryRun");
  return values.length === 0 ? "" : values.every((value) => value === "All") ? "All" : "invalid";
}

function scopeOf({ info }: RequestContext): string {
  if (info.name !== "" || info.verb === "create") return "resource";
  if (info.namespace !== "") return "namespace";
  return info.isResourceRequest ? "cluster" : "";
}

const subresources = new Set(["", "status", "finalize", "scale", "token", "approval", "eviction", "binding"]);
const subresourceOf = (name: string): string => (subresources.has(name) ? name : "other");

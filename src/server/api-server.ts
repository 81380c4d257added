/** Puts an API server together: the only place that constructs long-lived objects, and disposes them in reverse order. */

import { isIPv6 } from "node:net";
import { defaultEgressPolicy, type EgressPolicy } from "#admission/egress.ts";
import type { Authenticator } from "#authn/authenticator.ts";
import type { Authorizer } from "#authz/authorizer.ts";
import { bufferOf } from "#base/buffer-of.ts";
import type { Clock } from "#base/clock.ts";
import { giveBackMemory } from "#base/give-back-memory.ts";
import type { Controller } from "#controllers/controller.ts";
import { EventTtl } from "#controllers/event-ttl.ts";
import { LeaderElector } from "#controllers/leader.ts";
import { ControllerManager } from "#controllers/manager.ts";
import { serviceUnavailable } from "#machinery/errors/errors.ts";
import type { Registry } from "#registry/registry.ts";
import { defaultServiceRanges, type ServiceRanges } from "#registry/services/service-ranges.ts";
import type { Store } from "#storage/port.ts";
import { bootstrapWorkspaces } from "#workspaces/bootstrap.ts";
import { PathResolver } from "#workspaces/resolve-path.ts";
import { Annex } from "./annex/annex.ts";
import { withAnnex, workLimits } from "./annex/work-limits.ts";
import { Auditor } from "./audit/auditor.ts";
import { type AuditCounters, auditCounters } from "./audit/counters.ts";
import { AuditLog, type AuditMode, type AuditSink } from "./audit/log.ts";
import { type AuditPolicy, auditEvaluator } from "./audit/policy.ts";
import type { AuditFormat } from "./audit/record.ts";
import { composeApi } from "./compose-api.ts";
import type { Endpoint } from "./context.ts";
import { respondStatus } from "./endpoints/respond-status.ts";
import type { TokenAuthenticator } from "./endpoints/reviews.ts";
import { rethrowStoreError, translateStoreErrors } from "./endpoints/store-errors.ts";
import type { Exchange } from "./exchange.ts";
import { createFilters } from "./filters.ts";
import { type HealthOptions, pingCheck } from "./health.ts";
import { IdleCollector } from "./idle-collector.ts";
import { makeControllers } from "./make-controllers.ts";
import { Metrics } from "./metrics.ts";
import { Pipeline } from "./pipeline.ts";
import type { Request } from "./request.ts";
import { requestMetrics } from "./request-metrics.ts";
import { addProcessMetrics, systemEndpoints } from "./system-endpoints.ts";
import { createTransport, type TlsMaterial } from "./transport/transport.ts";
import { versionInfo } from "./version.ts";

export interface ApiServerOptions {
  /** Opened by the caller, closed by the server. */
  readonly store: Store;
  readonly clock: Clock;
  /** Unpredictable bytes. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsMaterial;
  /** The CA that clients verify the server by; published as `kube-root-ca.crt`. */
  readonly caPem: string;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly authenticateToken: TokenAuthenticator;
  /** Where webhooks of workspaces may be; default: loopback while `host` is loopback, else nowhere. */
  readonly webhookEgress?: EgressPolicy;
  /** Where Services of workspaces of type `kubernetes` get addresses and ports from. */
  readonly serviceRanges?: ServiceRanges;
  /** Admission plugins that are off by default. */
  readonly admissionPlugins?: readonly string[];
  /** Absent: no request is remembered. */
  readonly audit?: AuditOptions;
  /** Base of `spec.URL`, without a slash at the end; default: the address that is served. */
  readonly externalUrl?: string;
  /**
   * Who this server is among all that share its store: never two at once, and the same again after a restart, so that it
   * need not wait for a lease of its own. Default: a new one.
   */
  readonly identity?: string;
  /** Of this program. */
  readonly version: string;
  /** One line for the operator; `error` is a bug or a failing part of the machine. */
  readonly log: (message: string, error?: unknown) => void;
}

/** The audit log. Its sink is opened by the caller, closed by the server. */
export interface AuditOptions {
  readonly policy: AuditPolicy;
  readonly sink: AuditSink;
  readonly mode: AuditMode;
  /** Lines that may wait in mode batch. */
  readonly bufferSize: number;
  readonly format: AuditFormat;
}

export interface ApiServer {
  /** `https://127.0.0.1:6443` */
  readonly url: string;
  readonly registry: Registry;
  /** Controllers' work that is not at rest. */
  pendingWork(): number;
  /** Ends watches, waits for answered writes at most `graceMs`, then closes everything. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

const defaultGraceMs = 5_000;

/** Serves as soon as it resolves. Throws when the address cannot be listened on. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, caPem } = options;
  let externalUrl = options.externalUrl ?? "";
  let ready = false;
  let closing: Promise<void> | undefined;

  const { authorizer, authenticateToken } = options;
  const egress = options.webhookEgress ?? defaultEgressPolicy(options.host);
  const admissionPlugins = options.admissionPlugins ?? [];
  const serviceRanges = options.serviceRanges ?? defaultServiceRanges;
  const { registry, definitions, claims, services, endpoint, served, webhooks } = composeApi({
    store,
    clock,
    randomBytes: options.randomBytes,
    caPem,
    externalUrl: () => externalUrl,
    authorizer,
    authenticateToken,
    egress,
    admissionPlugins,
    serviceRanges,
    limits: workLimits,
    encodeElsewhere: async (workspace, task) => (await annex.task(workspace, "encode", task)).map(bufferOf),
    elsewhere: {
      limits: workLimits,
      read: (workspace, task) => annex.task(workspace, "read", task),
      process: (controller, item) => annex.task(`of ${controller}`, "process", { controller, item }),
    },
  });
  const { watches, yaml } = services;
  const annex: Annex = new Annex({
    store,
    clock,
    caPem,
    externalUrl: () => externalUrl,
    admissionPlugins,
    serviceRanges,
    sharedStore: sharesStore(store),
    authorizer,
    authenticateToken,
    egress,
    log: options.log,
  });
  const rest = withAnnex(endpoint, annex);
  const metrics = new Metrics();
  addProcessMetrics(metrics, clock.now());
  metrics.observedRecord("myriad_store", "A figure of the store engine.", () => store.stats());
  metrics.observed("myriad_open_watches", "Watches that clients hold open.", () => watches.size);
  const counters = auditCounters(metrics);
  const audit = options.audit && openAudit(options.audit, options, registry, counters);
  const system = systemEndpoints({
    version: versionInfo(options.version, {
      version: process.versions.node,
      platform: process.platform,
      arch: process.arch,
    }),
    metrics,
    health: healthOptions(() => (closing !== undefined ? "shutting down" : ready ? undefined : "starting")),
    listedPaths: () => ["/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3"],
  });
  const everything: Endpoint = (context) => {
    if (!context.info.isResourceRequest) {
      const own = system.get(context.info.path);
      if (own !== undefined) return own(context);
    }
    if (!ready) throw serviceUnavailable("the server is starting", 1);
    return rest(context);
  };

  const resolver = new PathResolver(store);
  const onBug = (error: unknown, request?: Request): void => {
    options.log(
      request === undefined
        ? "bug"
        : `bug while serving ${request.exchange.method} ${request.exchange.rawPath}`,
      error,
    );
  };
  const pipeline = new Pipeline({
    filters: createFilters({
      authenticator: options.authenticator,
      authorizer,
      resolveWorkspacePath: (path) => {
        const found = resolver.find(path);
        return found instanceof Promise ? found.catch(rethrowStoreError) : found;
      },
      isShuttingDown: () => closing !== undefined,
      auditor: audit?.auditor,
    }),
    endpoint: translateStoreErrors(everything),
    clock,
    writeStatus: (exchange, status) => respondStatus(services, exchange, status.code, status),
    onBug,
    ...requestMetrics(
      metrics,
      () => clock.now(),
      (group, version, resource) => served.find(group, version, resource) !== undefined,
    ),
  });
  const idle = new IdleCollector(clock, () => giveBackMemory(clock));
  const handle = (exchange: Exchange): void => {
    idle.onRequest();
    pipeline.handle(exchange);
  };
  const transport = createTransport({ tls: options.tls, handle, clock, onBug });
  const port = await transport.listen(options.host, options.port);
  const url = `https://${isIPv6(options.host) ? `[${options.host}]` : options.host}:${port}`;
  if (externalUrl === "") externalUrl = url;

  let running: Loops | undefined;
  const startLoops = (): Loops => {
    const all = makeControllers(
      { registry, definitions, claims },
      { caPem, externalUrl: () => externalUrl, serviceRanges },
    );
    const loops = startControllers(options, registry, all, () => closing !== undefined);
    running = loops;
    return {
      ...loops,
      async close() {
        await loops.close();
        if (running === loops) running = undefined;
      },
    };
  };
  const pendingWork = (): number => running?.pending() ?? 0;
  metrics.observed("myriad_controller_pending", "Controllers' work that is not at rest.", pendingWork);
  await bootstrapWorkspaces(registry, { externalUrl, caPem, serviceRanges });
  const election = sharesStore(store)
    ? new LeaderElector({
        store,
        clock,
        identity: options.identity ?? `${url}_${Buffer.from(options.randomBytes(8)).toString("hex")}`,
        start: startLoops,
        onError: (error) => options.log("the lease of the controllers could not be renewed", error),
      })
    : undefined;
  if (election === undefined) startLoops();
  else election.start();
  ready = true;

  return {
    url,
    registry,
    pendingWork,
    close(graceMs = defaultGraceMs) {
      closing ??= (async () => {
        idle.close();
        watches.close();
        await transport.close(graceMs);
        await annex.close();
        await yaml.close();
        await (election ?? running)?.close();
        webhooks.close();
        await audit?.log.close();
        await store.close();
      })();
      return closing;
    },
  };
}

function openAudit(
  { policy, format, ...log }: AuditOptions,
  { clock, log: report }: ApiServerOptions,
  registry: Registry,
  counters: AuditCounters,
): { auditor: Auditor; log: AuditLog } {
  const auditLog = new AuditLog({ ...log, counters, report });
  const auditor = new Auditor({
    evaluate: auditEvaluator(policy),
    log: auditLog,
    format,
    now: () => clock.now(),
    canonicalPath: (cluster) => registry.tenants.get(cluster)?.path ?? "",
  });
  return { auditor, log: auditLog };
}

/** The loops of a server that has nobody to agree with, or was elected. */
interface Loops {
  /** Work that is not at rest. */
  pending(): number;
  close(): Promise<void>;
}

function startControllers(
  { clock, log }: ApiServerOptions,
  registry: Registry,
  all: readonly Controller[],
  isClosing: () => boolean,
): Loops {
  const controllers = new ControllerManager({
    registry,
    clock,
    controllers: all,
    // What the annex was doing is broken off.
    onError: (controller, item, error) => {
      if (!isClosing()) log(`${controller}: ${item} will be tried again`, error);
    },
  });
  const eventTtl = new EventTtl(registry, clock, (error) =>
    log("expired events could not be removed", error),
  );
  controllers.start();
  eventTtl.start();
  return {
    pending: () => controllers.pending,
    async close() {
      await eventTtl.close();
      await controllers.close();
    },
  };
}

/** Whether other servers may work on the same store: where this process decides, its copy is fresh at once. */
function sharesStore(store: Store): boolean {
  const fresh = store.fresh();
  if (typeof fresh === "number") return false;
  fresh.catch(() => undefined);
  return true;
}

/** All three endpoints share their checks; only readiness depends on the start and the end. */
function healthOptions(notReady: () => string | undefined): HealthOptions {
  const live = [pingCheck];
  const readyz = [pingCheck, { name: "started", check: notReady }];
  // Starting and stopping are no news to the operator, and nothing else can fail.
  return { healthz: live, livez: live, readyz, onFailure: () => undefined };
}

/** Where options meet the server: opens files, makes certificates, builds the API server from its parts. */
import { randomBytes, randomFillSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { EgressPolicy } from "#admission/egress.ts";
import { unionAuthenticator } from "#authn/authenticator.ts";
import { parseTokenFile, tokenAuthenticator } from "#authn/token-file.ts";
import { x509Authenticator } from "#authn/x509.ts";
import { authorizerChain, privilegedGroupAuthorizer, publicInfoAuthorizer } from "#authz/chain.ts";
import { systemClock } from "#base/clock.ts";
import { pooledRandom } from "#base/random-pool.ts";
import { defaultServiceRanges, type ServiceRanges } from "#registry/services/service-ranges.ts";
import { type ApiServer, type AuditOptions, startApiServer } from "#server/api-server.ts";
import type { TokenAuthenticator } from "#server/endpoints/reviews.ts";
import { pkiDirectory } from "#server/pki/directory.ts";
import { ensurePki, type Pki, type PkiFiles } from "#server/pki/pki.ts";
import type { Store } from "#storage/port.ts";
import { type AdminCredentials, adminKubeconfig, kubeconfigYaml } from "./kubeconfig.ts";
import { createLog, type Log } from "./log.ts";
import { openAudit } from "./open-audit.ts";
import { openMemory, openStore } from "./open-store.ts";
import type { StartOptions } from "./options.ts";
import { packageVersion } from "./package-version.ts";
import { serverIdentity } from "./server-identity.ts";
import type { RunningServer } from "./start.ts";
import { CommandError } from "./terminal.ts";
import { writeFileAtomic } from "./write-file.ts";

const random = (size: number): Uint8Array => randomBytes(size);

/** Builds the server that the options describe, and writes the administrator's kubeconfig. */
export async function serve(options: StartOptions): Promise<RunningServer> {
  const log = createLog(options.verbosity);
  const [tls, clientCa, tokens] = await Promise.all([
    readTls(options.tls),
    options.clientCaFile === undefined ? undefined : readOption("--client-ca-file", options.clientCaFile),
    options.tokenAuthFile === undefined ? undefined : readOption("--token-auth-file", options.tokenAuthFile),
  ]);
  const pki = ensurePki({
    files: pkiDirectory(join(options.rootDirectory, "pki")),
    now: systemClock.now(),
    randomBytes: random,
    hosts: hostsOf(options),
  });
  // Clients trust our own authority, and whatever certificate the operator serves with.
  const ca = tls === undefined ? pki.ca : `${tls.cert.trimEnd()}\n${pki.ca}`;
  const audit = await openAudit(options.audit, log);
  const store = await openStore(options);
  const server = await start({
    store,
    log,
    pki: { ...pki, ca, serving: tls ?? pki.serving },
    clientCas: clientCa === undefined ? [pki.ca] : [pki.ca, clientCa],
    tokens,
    host: options.bindAddress,
    port: options.securePort,
    externalUrl: options.shardExternalUrl,
    webhookEgress: options.webhookEgress,
    admissionPlugins: options.admissionPlugins,
    serviceRanges: options.serviceRanges,
    audit,
    // The store's lock on the root directory keeps a second server from being the same.
    identity: options.store.engine === "etcd" ? serverIdentity(options.rootDirectory) : undefined,
  });
  const url = reachableUrl(server.url);
  const release = surviveBugs(log);
  try {
    const kubeconfig = adminKubeconfig(url, { ca, admin: pki.admin, shardAdmin: pki.shardAdmin });
    await writeFileAtomic(options.kubeconfigPath, kubeconfigYaml(kubeconfig), 0o600);
  } catch (error) {
    await server.close();
    throw new CommandError(`cannot write the kubeconfig: ${(error as Error).message}`);
  }
  return {
    url,
    close: () => server.close().finally(release),
    failed: new Promise(() => undefined),
  };
}

/**
 * The process never dies of a request: an error that nobody handled is a bug, and is told to the operator. What is stored
 * is safe in any case, because nothing is answered before it is durable. Answers a function that ends the guard.
 */
function surviveBugs(log: Log): () => void {
  const tell = (error: unknown): void => log("bug: an error that nobody handled", error);
  process.on("unhandledRejection", tell);
  process.on("uncaughtException", tell);
  return () => {
    process.off("unhandledRejection", tell);
    process.off("uncaughtException", tell);
  };
}

export interface ServerInMemory {
  readonly url: string;
  readonly credentials: AdminCredentials;
  close(): Promise<void>;
}

export interface MemoryOptions {
  /** Default: a free one. */
  readonly port?: number;
  readonly historyRetentionMs?: number;
}

/** A server on the memory engine, at loopback, that writes no file. */
export async function serveInMemory(options: MemoryOptions): Promise<ServerInMemory> {
  const pki = ensurePki({ files: memoryFiles(), now: systemClock.now(), randomBytes: random, hosts: [] });
  const server = await start({
    store: openMemory(options.historyRetentionMs),
    log: createLog(0),
    pki,
    clientCas: [pki.ca],
    tokens: undefined,
    host: "127.0.0.1",
    port: options.port ?? 0,
    externalUrl: undefined,
    webhookEgress: undefined,
    admissionPlugins: [],
    serviceRanges: defaultServiceRanges,
    audit: undefined,
    identity: undefined,
  });
  const { ca, admin, shardAdmin } = pki;
  return { url: server.url, credentials: { ca, admin, shardAdmin }, close: () => server.close(0) };
}

interface Parts {
  readonly store: Store;
  readonly log: Log;
  readonly pki: Pki;
  readonly clientCas: readonly string[];
  readonly tokens: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly externalUrl: string | undefined;
  readonly webhookEgress: EgressPolicy | undefined;
  readonly admissionPlugins: readonly string[];
  readonly serviceRanges: ServiceRanges;
  readonly audit: AuditOptions | undefined;
  readonly identity: string | undefined;
}

/** Starts the API server; where it cannot start, the store is closed again. */
async function start({
  store,
  log,
  pki,
  clientCas,
  tokens,
  host,
  port,
  externalUrl,
  webhookEgress,
  admissionPlugins,
  serviceRanges,
  audit,
  identity,
}: Parts): Promise<ApiServer> {
  try {
    const byToken = tokenAuthenticator(tokens === undefined ? new Map() : parseTokenFile(tokens));
    const authenticateToken: TokenAuthenticator = async (token) => {
      const answer = await byToken.authenticate({ certificate: undefined, authorization: `Bearer ${token}` });
      return answer.kind === "user" ? answer.user : undefined;
    };
    return await startApiServer({
      store,
      clock: systemClock,
      randomBytes: pooledRandom((target) => void randomFillSync(target)),
      host,
      port,
      tls: { ...pki.serving, clientCas },
      caPem: pki.ca,
      authenticator: unionAuthenticator([x509Authenticator(systemClock), byToken]),
      authorizer: authorizerChain([privilegedGroupAuthorizer, publicInfoAuthorizer]),
      authenticateToken,
      version: packageVersion(),
      ...(externalUrl !== undefined && { externalUrl }),
      ...(webhookEgress !== undefined && { webhookEgress }),
      admissionPlugins,
      serviceRanges,
      ...(audit !== undefined && { audit }),
      ...(identity !== undefined && { identity }),
      log,
    });
  } catch (error) {
    await audit?.sink.close();
    await store.close();
    throw explainListenError(error, host, port);
  }
}

function explainListenError(error: unknown, host: string, port: number): unknown {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "is in use by another process: stop it, or choose another --secure-port",
    EADDRNOTAVAIL: "is not an address of this machine: choose another --bind-address",
    EACCES: "may not be used by this user: choose a --secure-port above 1023",
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ""];
  return reason === undefined ? error : new CommandError(`${host} port ${port} ${reason}`);
}

const wildcardHosts: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "[::]": "[::1]" };

/** The address that a client on this machine connects to: nobody can connect to "all addresses". */
function reachableUrl(url: string): string {
  const { hostname: host, port } = new URL(url);
  return `https://${wildcardHosts[host] ?? host}:${port === "" ? "443" : port}`;
}

/** Names and addresses that the serving certificate has to be good for. */
function hostsOf({ bindAddress, shardBaseUrl, shardExternalUrl }: StartOptions): string[] {
  const urls = [shardBaseUrl, shardExternalUrl].filter((url) => url !== undefined);
  const named = urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
  const isWildcard = bindAddress === "0.0.0.0" || bindAddress === "::";
  if (!isWildcard) return [bindAddress, ...named];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [hostname(), ...addresses.filter(({ scopeid }) => !scopeid).map(({ address }) => address), ...named];
}

async function readTls(files: StartOptions["tls"]): Promise<{ key: string; cert: string } | undefined> {
  if (files === undefined) return undefined;
  const [cert, key] = await Promise.all([
    readOption("--tls-cert-file", files.certFile),
    readOption("--tls-private-key-file", files.keyFile),
  ]);
  return { cert, key };
}

async function readOption(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError(`${flag}: ${(error as Error).message}`);
  }
}

function memoryFiles(): PkiFiles {
  const files = new Map<string, string>();
  return { read: (name) => files.get(name), write: (name, text) => void files.set(name, text) };
}

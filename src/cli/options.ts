/**
 * The options of `myriad start`: strings from the command line in, one validated value out. Nothing here reads the
 * environment, the disk or the clock: the working directory is an argument, and files are named, not opened.
 */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { type EgressPolicy, parseEgressPolicy } from "#admission/egress.ts";
import { defaultPlugins, optionalPlugins } from "#admission/plugins.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import { type AuditFlags, parseAuditFlags } from "./audit-options.ts";
import { parseDurationMs } from "./duration.ts";
import { parseServiceRanges } from "./service-range-options.ts";

export type StoreOptions =
  | { readonly engine: "memory" }
  | { readonly engine: "embedded" }
  | {
      readonly engine: "etcd";
      /** `scheme://host:port`, at least one. */
      readonly servers: readonly string[];
      /** Without a trailing slash. */
      readonly prefix: string;
      readonly caFile?: string;
      readonly certFile?: string;
      readonly keyFile?: string;
    };

/** Paths are absolute. */
export interface StartOptions {
  readonly rootDirectory: string;
  readonly store: StoreOptions;
  readonly historyRetentionMs: number;
  readonly bindAddress: string;
  /** 0 takes a free port. */
  readonly securePort: number;
  readonly kubeconfigPath: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Without a trailing slash; undefined: made of the address and port that are served. */
  readonly shardBaseUrl?: string;
  readonly shardExternalUrl?: string;
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  /** Undefined: the server's default for its address. */
  readonly webhookEgress?: EgressPolicy;
  /** Admission plugins that are off by default. */
  readonly admissionPlugins: readonly string[];
  readonly serviceRanges: ServiceRanges;
  /** Undefined: no flag of it is given. */
  readonly audit?: AuditFlags;
  /** klog's levels. */
  readonly verbosity: number;
}

/** Flag values as commander hands them over, by camel-cased name. */
export type FlagValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The user gave a value that cannot be; `message` names the flag and quotes the value. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** Shorter histories would expire between two pages of one list. */
const minHistoryRetentionMs = 10_000;
const maxVerbosity = 10;

const quoted = (value: string): string => JSON.stringify(value);

/** Throws {@link OptionError} for the first value that is not acceptable. */
export function parseStartOptions(values: FlagValues, workingDirectory: string): StartOptions {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const path = (name: string): string | undefined => {
    const value = text(name);
    return value === undefined ? undefined : resolve(workingDirectory, value);
  };
  const rootDirectory = path("rootDirectory") ?? resolve(workingDirectory, ".myriad");
  const bindAddress = text("bindAddress") ?? "127.0.0.1";
  if (isIP(bindAddress) === 0)
    throw new OptionError(`--bind-address ${quoted(bindAddress)} is not an IP address`);
  const shardBaseUrl = parseUrl("--shard-base-url", text("shardBaseUrl"));
  const shardExternalUrl = parseUrl("--shard-external-url", text("shardExternalUrl")) ?? shardBaseUrl;
  const tls = parsePair(
    ["--tls-cert-file", path("tlsCertFile")],
    ["--tls-private-key-file", path("tlsPrivateKeyFile")],
  );
  const clientCaFile = path("clientCaFile");
  const tokenAuthFile = path("tokenAuthFile");
  const webhookEgress = parseEgress(text("webhookEgress"));
  const audit = auditFlags(text, path);
  return {
    rootDirectory,
    store: parseStore(values, text, path),
    historyRetentionMs: parseRetention(text("historyRetention") ?? "5m"),
    bindAddress,
    securePort: parseInteger("--secure-port", text("securePort") ?? "6443", 65_535),
    kubeconfigPath: path("kubeconfigPath") ?? resolve(rootDirectory, "admin.kubeconfig"),
    ...(tls !== undefined && { tls }),
    ...(shardBaseUrl !== undefined && { shardBaseUrl }),
    ...(shardExternalUrl !== undefined && { shardExternalUrl }),
    ...(clientCaFile !== undefined && { clientCaFile }),
    ...(tokenAuthFile !== undefined && { tokenAuthFile }),
    ...(webhookEgress !== undefined && { webhookEgress }),
    admissionPlugins: parsePlugins(listOf(values.enableAdmissionPlugins)),
    serviceRanges: serviceRangesOf(text),
    ...(audit !== undefined && { audit }),
    verbosity: parseInteger("-v", text("v") ?? "0", maxVerbosity),
  };
}

function parseInteger(flag: string, value: string, max: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > max) {
    throw new OptionError(`${flag} ${quoted(value)} is not a whole number from 0 to ${max}`);
  }
  return number;
}

function parseRetention(value: string): number {
  const milliseconds = parseDurationMs(value);
  if (milliseconds === undefined) {
    throw new OptionError(`--history-retention ${quoted(value)} is not a duration such as 5m or 1h30m`);
  }
  if (milliseconds < minHistoryRetentionMs) {
    throw new OptionError(
      `--history-retention ${quoted(value)} is shorter than ${minHistoryRetentionMs / 1_000}s`,
    );
  }
  return milliseconds;
}

function parseUrl(flag: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new OptionError(`${flag} ${quoted(value)} is not an https:// address`);
  }
  return value.replace(/\/+$/, "");
}

function parsePair(
  [certFlag, certFile]: readonly [string, string | undefined],
  [keyFlag, keyFile]: readonly [string, string | undefined],
): { certFile: string; keyFile: string } | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile !== undefined) throw new OptionError(`${certFlag} needs ${keyFlag}`);
  if (keyFile !== undefined) throw new OptionError(`${keyFlag} needs ${certFlag}`);
  return undefined;
}

function parseEgress(value: string | undefined): EgressPolicy | undefined {
  if (value === undefined) return undefined;
  const policy = parseEgressPolicy(value);
  if (policy === undefined)
    throw new OptionError(
      `--webhook-egress ${quoted(value)} is not none, loopback, public, all or address ranges such as 10.0.0.0/8`,
    );
  return policy;
}

function serviceRangesOf(text: Lookup): ServiceRanges {
  try {
    return parseServiceRanges(text("serviceClusterIpRange"), text("serviceNodePortRange"));
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function auditFlags(text: Lookup, path: Lookup): AuditFlags | undefined {
  try {
    return parseAuditFlags(text, path);
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

/** The optional ones among the plugins; naming one that is on anyway changes nothing. */
function parsePlugins(names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (!optionalPlugins.includes(name) && !defaultPlugins.includes(name))
      throw new OptionError(
        `--enable-admission-plugins plugin ${quoted(name)} is unknown; there are ${[...defaultPlugins, ...optionalPlugins].join(", ")}`,
      );
  }
  return names.filter((name) => optionalPlugins.includes(name));
}

/** Values of a flag that may be given several times, and hold several between commas. */
function listOf(given: FlagValues[string] = []): string[] {
  return (typeof given === "string" ? [given] : given)
    .flatMap((value) => value.split(","))
    .map((value) => value.trim())
    .filter((value) => value !== "");
}

type Lookup = (name: string) => string | undefined;

function parseStore(values: FlagValues, text: Lookup, path: Lookup): StoreOptions {
  const servers = listOf(values.etcdServers);
  const engine = text("store");
  if (engine !== undefined && engine !== "embedded" && engine !== "memory") {
    throw new OptionError(
      `--store ${quoted(engine)} is not embedded or memory (for etcd, give --etcd-servers)`,
    );
  }
  const pair = parsePair(["--etcd-certfile", path("etcdCertfile")], ["--etcd-keyfile", path("etcdKeyfile")]);
  const caFile = path("etcdCafile");
  const usesEtcd = servers.length > 0 && !(servers.length === 1 && servers[0] === "embedded");
  if (!usesEtcd) {
    if (caFile !== undefined || pair !== undefined) {
      throw new OptionError("--etcd-cafile, --etcd-certfile and --etcd-keyfile need --etcd-servers");
    }
    return { engine: engine ?? "embedded" };
  }
  if (engine !== undefined) throw new OptionError(`--store ${engine} and --etcd-servers exclude each other`);
  for (const server of servers) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    const isEndpoint =
      url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "";
    if (!isEndpoint)
      throw new OptionError(`--etcd-servers: ${quoted(server)} is not of the form http(s)://host:port`);
  }
  const prefix = (text("etcdPrefix") ?? "/registry").replace(/\/+$/, "");
  if (!prefix.startsWith("/"))
    throw new OptionError(`--etcd-prefix ${quoted(prefix)} does not begin with a slash`);
  return {
    engine: "etcd",
    servers: servers.map((server) => server.replace(/\/$/, "")),
    prefix,
    ...(caFile !== undefined && { caFile }),
    ...pair,
  };
}

/** What every command of the plugin starts from: the kubeconfig, its current context, and a client for it. */
import { resolve } from "node:path";
import { CommandError, type Terminal } from "../terminal.ts";
import { type Client, connect } from "./client.ts";
import { type Fields, type KubeconfigFiles, kubeconfigPaths, loadKubeconfig } from "./kubeconfig-file.ts";
import { clusterUrl, parseClusterUrl, resolvePath } from "./path.ts";

/** kubectl's connection flags, as commander hands them over. */
export interface ConnectionFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly user?: string;
  readonly server?: string;
  readonly token?: string;
  readonly certificateAuthority?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly tlsServerName?: string;
  /** Another workspace than the current one, absolute or relative to it. */
  readonly workspace?: string;
}

export interface Session {
  readonly terminal: Terminal;
  readonly paths: readonly string[];
  readonly files: KubeconfigFiles;
  readonly contextName: string;
  readonly context: Fields;
  /** The context's cluster entry as it stands in the file. */
  readonly clusterEntry: Fields;
  /** The server's address, with flags applied. */
  readonly server: string;
  /** Made at the first use: printing the current workspace asks no server. */
  client(): Promise<Client>;
  close(): void;
}

export async function openSession(flags: ConnectionFlags, terminal: Terminal): Promise<Session> {
  const paths = kubeconfigPaths(flags.kubeconfig, terminal);
  const files = await loadKubeconfig(paths, flags.kubeconfig !== undefined);
  const contextName = flags.context ?? files.currentContext;
  const context = files.entry("contexts", contextName);
  if (context === undefined)
    throw new CommandError(`current ${JSON.stringify(contextName)} context not found`);
  const clusterName = String(context.cluster ?? "");
  const clusterEntry = files.entry("clusters", clusterName);
  if (clusterEntry === undefined)
    throw new CommandError(`cluster ${JSON.stringify(clusterName)} not found in kubeconfig`);
  const cluster = withFlags(clusterEntry, {
    server: flags.server,
    "certificate-authority":
      flags.certificateAuthority && resolve(terminal.workingDirectory, flags.certificateAuthority),
    "insecure-skip-tls-verify": flags.insecureSkipTlsVerify,
    "tls-server-name": flags.tlsServerName,
  });
  const userName = flags.user ?? String(context.user ?? "");
  const user = withFlags(files.entry("users", userName) ?? {}, { token: flags.token });
  const server = chooseServer(String(cluster.server ?? ""), flags.workspace);
  let client: Promise<Client> | undefined;
  return {
    terminal,
    paths,
    files,
    contextName,
    context,
    clusterEntry,
    server,
    client: () => {
      client ??= connect({ cluster, user });
      return client;
    },
    close: () => void client?.then((open) => open.close()).catch(() => undefined),
  };
}

/** The base address and path of the workspace in use. Throws where the kubeconfig points to none. */
export function currentWorkspace(session: Session): { base: string; path: string } {
  const url = parseClusterUrl(session.server);
  if (url === undefined)
    throw new CommandError(`current URL ${JSON.stringify(session.server)} does not point to a workspace`);
  return url;
}

function chooseServer(server: string, workspace: string | undefined): string {
  if (workspace === undefined) return server;
  const url = parseClusterUrl(server);
  if (url === undefined)
    throw new CommandError(`current URL ${JSON.stringify(server)} does not point to a workspace`);
  const resolved = resolvePath(url.path, workspace);
  if ("error" in resolved) throw new CommandError(resolved.error);
  return clusterUrl(url.base, resolved.path);
}

function withFlags(fields: Fields, flags: Fields): Fields {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  const copy: Record<string, unknown> = { ...fields };
  // A file given by flag is not overruled by data that the entry embeds.
  for (const [name] of given) delete copy[`${name}-data`];
  return { ...copy, ...Object.fromEntries(given) };
}

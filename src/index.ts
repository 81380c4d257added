/**
 * The package's public face: a whole server in this process, for tests and tools.
 *
 * ```ts
 * import { startServer } from "myriad";
 *
 * await using server = await startServer();
 * const workspace = await server.createWorkspace();
 * // any Kubernetes client, with workspace.kubeconfigYaml
 * ```
 */
import { randomBytes } from "node:crypto";
import {
  type AdminCredentials,
  adminKubeconfig,
  type Kubeconfig,
  kubeconfigYaml,
  workspaceKubeconfig,
} from "#cli/kubeconfig.ts";
import { serveInMemory } from "#cli/serve.ts";
import { type Client, connect, createWorkspace } from "#cli/ws/client.ts";
import { clusterUrl, parseClusterUrl } from "#cli/ws/path.ts";

export type { Kubeconfig } from "#cli/kubeconfig.ts";

export interface ServerOptions {
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number;
  /** How long older revisions stay readable and watchable, in milliseconds; default: five minutes. */
  readonly historyRetentionMs?: number;
}

export interface WorkspaceOptions {
  /** Workspace type: `universal` (default) or `kubernetes`; with the workspace that defines it, `root:universal`. */
  readonly type?: string;
  /** Path of the parent; default: `root`. */
  readonly parent?: string;
}

/** A workspace, ready to use: a Kubernetes endpoint of its own. */
export interface ServedWorkspace {
  readonly name: string;
  /** `root:team`. */
  readonly path: string;
  /** Name of the logical cluster behind the path; `/clusters/<cluster>` is the same endpoint. */
  readonly cluster: string;
  /** Endpoint, as a client's server address. */
  readonly url: string;
  /** Points at this workspace, as the administrator. */
  readonly kubeconfig: Kubeconfig;
  readonly kubeconfigYaml: string;
}

export interface RunningServer extends AsyncDisposable {
  /** Base address, without a path: `https://127.0.0.1:40123`. */
  readonly url: string;
  /** The administrator's, with the contexts `root` (current), `base`, `system:admin` and `shard-base`. */
  readonly kubeconfig: Kubeconfig;
  readonly kubeconfigYaml: string;
  /**
   * Creates a workspace and answers when it is ready. Without a name it gets a random one. Rejects with the server's
   * message when the name is taken or not allowed, or the parent does not exist.
   */
  createWorkspace(name?: string, options?: WorkspaceOptions): Promise<ServedWorkspace>;
  /** Ends watches and connections; the data is gone. Nothing is left behind: no file, no port, no timer. Idempotent. */
  close(): Promise<void>;
}

/** Starts a server on the memory engine and loopback; it serves when the promise resolves. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const { url, credentials, close } = await serveInMemory(options);
  const kubeconfig = adminKubeconfig(url, credentials);
  const client = await connect({ cluster: kubeconfig.clusters[0]!.cluster, user: kubeconfig.users[0]!.user });
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    client.close();
    closed ??= close();
    return closed;
  };
  return {
    url,
    kubeconfig,
    kubeconfigYaml: kubeconfigYaml(kubeconfig),
    createWorkspace: (name, workspaceOptions) => create(client, url, credentials, name, workspaceOptions),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

async function create(
  client: Client,
  url: string,
  credentials: AdminCredentials,
  name = `ws-${randomBytes(8).toString("hex")}`,
  { type, parent = "root" }: WorkspaceOptions = {},
): Promise<ServedWorkspace> {
  const colon = type?.lastIndexOf(":") ?? -1;
  const workspace = await createWorkspace(client, clusterUrl(url, parent), {
    apiVersion: "tenancy.kcp.io/v1alpha1",
    kind: "Workspace",
    metadata: { name },
    spec:
      type === undefined
        ? {}
        : { type: { name: type.slice(colon + 1), path: colon < 0 ? "root" : type.slice(0, colon) } },
  });
  const path = parseClusterUrl(workspace.spec?.URL ?? "")?.path ?? `${parent}:${name}`;
  const kubeconfig = workspaceKubeconfig(url, credentials, path);
  return {
    name,
    path,
    cluster: workspace.spec?.cluster ?? path,
    url: clusterUrl(url, path),
    kubeconfig,
    kubeconfigYaml: kubeconfigYaml(kubeconfig),
  };
}

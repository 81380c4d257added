/** `kubectl ws <where>`: enters a workspace by pointing the kubeconfig's current context at it. */
import { CommandError } from "../terminal.ts";
import { ApiError, type Client, getWorkspace, hasAccess } from "./client.ts";
import { changeKubeconfig, type Fields } from "./kubeconfig-file.ts";
import { baseName, clusterUrl, parentPath, parseClusterUrl, resolvePath, rootOf } from "./path.ts";
import { printCurrent, type WorkspaceType } from "./print-current.ts";
import { currentWorkspace, type Session } from "./session.ts";

/** kcp's names: other tools look for them. */
const currentContextName = "workspace.kcp.io/current";
const previousContextName = "workspace.kcp.io/previous";

export async function useWorkspace(session: Session, where: string, short: boolean): Promise<void> {
  const { terminal } = session;
  let name = asTyped(where, terminal.homeDirectory);
  if ((name === "root" || name.startsWith("root:")) && !short) {
    terminal.err(
      "Note: Using 'root:' to define an absolute path is no longer supported. Instead, use ':root' to specify an absolute path.\n",
    );
  }
  if (name === "root" || name.startsWith("root:")) name = `:${name}`;
  if (name === "-") return swapContexts(session, short);
  if (name === ".") return printCurrent(terminal, session.server, short);
  const { base, path } = currentWorkspace(session);
  if (name === ":") return enter(session, clusterUrl(base, rootOf(path)), short);
  if (name === "~" || name.startsWith("~:")) name = `:${await homePath(session, base)}${name.slice(1)}`;
  const resolved = resolvePath(path, name);
  if ("error" in resolved) throw new CommandError(resolved.error.replace(/: .*$/, `: ${where}`));
  const type = await checkWorkspace(await session.client(), base, resolved.path);
  await enter(session, clusterUrl(base, resolved.path), short, type);
}

/** Slashes are colons, and a shell has turned `~` into the home directory. */
function asTyped(where: string, home: string): string {
  const isHome = home !== "" && (where === home || where.startsWith(`${home}/`));
  return (isHome ? `~${where.slice(home.length)}` : where).replaceAll("/", ":");
}

/** The workspace's type, where it is known. Throws when there is no such workspace, or no way in. */
async function checkWorkspace(client: Client, base: string, path: string): Promise<WorkspaceType> {
  const allowed = await hasAccess(client, clusterUrl(base, path));
  const parent = parentPath(path);
  let type: WorkspaceType = path === "root" ? { name: "root" } : undefined;
  let missing = false;
  if (parent !== "") {
    try {
      type = (await getWorkspace(client, clusterUrl(base, parent), baseName(path))).spec?.type;
    } catch (error) {
      // Somebody may be let in without being let into the parent: only a clear "not found" counts.
      missing = error instanceof ApiError && error.code === 404;
    }
  }
  if (allowed) return type;
  const quoted = JSON.stringify(path);
  throw new CommandError(missing ? `workspace ${quoted} not found` : `access to workspace ${quoted} denied`);
}

async function homePath(session: Session, base: string): Promise<string> {
  const home = await getWorkspace(await session.client(), clusterUrl(base, "root"), "~");
  const url = parseClusterUrl(home.spec?.URL ?? "");
  if (url === undefined)
    throw new CommandError(`invalid home workspace URL ${JSON.stringify(home.spec?.URL ?? "")}`);
  return url.path;
}

/** Makes `server` the current workspace and remembers where we were. */
async function enter(session: Session, server: string, short: boolean, type?: WorkspaceType): Promise<void> {
  const clusters = new Map<string, Fields>([[currentContextName, { ...session.clusterEntry, server }]]);
  const contexts = new Map<string, Fields>([
    [currentContextName, { ...session.context, cluster: currentContextName }],
  ]);
  let previous = session.context;
  if (session.context.cluster === currentContextName) {
    // The entry is about to be overwritten, so the way back needs one of its own.
    previous = { ...session.context, cluster: previousContextName };
    clusters.set(previousContextName, session.clusterEntry);
  }
  contexts.set(previousContextName, previous);
  await changeKubeconfig(session.paths, { clusters, contexts, currentContext: currentContextName });
  await printCurrent(session.terminal, server, short, type);
}

async function swapContexts(session: Session, short: boolean): Promise<void> {
  const { files, context, clusterEntry } = session;
  const previous = files.entry("contexts", previousContextName);
  if (previous === undefined) throw new CommandError("no previous workspace found in kubeconfig");
  const previousCluster = files.entry("clusters", String(previous.cluster ?? ""));
  if (previousCluster === undefined) {
    throw new CommandError(`cluster ${JSON.stringify(previous.cluster)} not found in kubeconfig`);
  }
  const clusters = new Map<string, Fields>();
  let toPrevious = context;
  let toCurrent = previous;
  if (context.cluster === currentContextName) {
    toPrevious = { ...context, cluster: previousContextName };
    clusters.set(previousContextName, clusterEntry);
  }
  if (previous.cluster === previousContextName) {
    toCurrent = { ...previous, cluster: currentContextName };
    clusters.set(currentContextName, previousCluster);
  }
  const contexts = new Map([
    [currentContextName, toCurrent],
    [previousContextName, toPrevious],
  ]);
  await changeKubeconfig(session.paths, { clusters, contexts, currentContext: currentContextName });
  await printCurrent(session.terminal, String(previousCluster.server ?? ""), short);
}

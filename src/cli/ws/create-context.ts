/** `kubectl ws create-context [name]`: a context of its own for the current workspace. */
import { CommandError } from "../terminal.ts";
import { changeKubeconfig } from "./kubeconfig-file.ts";
import { currentWorkspace, type Session } from "./session.ts";

export interface CreateContextOptions {
  /** Default: the workspace's path. */
  readonly name?: string | undefined;
  readonly overwrite: boolean;
  /** The workspace's address; default: the current one. */
  readonly server?: string | undefined;
  readonly keepCurrent: boolean;
}

export async function createContext(session: Session, options: CreateContextOptions): Promise<void> {
  const { path } = currentWorkspace(session);
  const name = options.name ?? path;
  const existed = session.files.entry("contexts", name) !== undefined;
  if (existed && !options.overwrite) {
    throw new CommandError(
      `context ${JSON.stringify(name)} already exists in kubeconfig, use --overwrite to update it`,
    );
  }
  await changeKubeconfig(session.paths, {
    clusters: new Map([[name, { ...session.clusterEntry, server: options.server ?? session.server }]]),
    contexts: new Map([[name, { ...session.context, cluster: name }]]),
    ...(!options.keepCurrent && { currentContext: name }),
  });
  const switched = !options.keepCurrent && session.files.currentContext !== name;
  await session.terminal.out(
    `${existed ? "Updated" : "Created"} context ${JSON.stringify(name)}${switched ? " and switched to it" : ""}.\n`,
  );
}

/** `kubectl create workspace <name>`, also as `kubectl ws create <name>`. */
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../terminal.ts";
import { ApiError, type Client, createWorkspace, getWorkspace, type Workspace } from "./client.ts";
import { createContext } from "./create-context.ts";
import { clusterUrl } from "./path.ts";
import { typeText, type WorkspaceType } from "./print-current.ts";
import { currentWorkspace, type Session } from "./session.ts";
import { useWorkspace } from "./use.ts";

export interface CreateOptions {
  readonly name: string;
  /** `universal`, or with the workspace that defines it: `root:universal`. */
  readonly type?: string;
  readonly enter?: boolean;
  readonly ignoreExisting?: boolean;
  readonly createContext?: string;
}

const readyTimeoutMs = 60_000;
const readyPauseMs = 500;

export async function createAndEnter(session: Session, options: CreateOptions): Promise<void> {
  const { base, path } = currentWorkspace(session);
  const parent = clusterUrl(base, path);
  const type = parseType(options.type);
  if (options.ignoreExisting === true && type !== undefined && type.path?.split(":", 1)[0] !== "root") {
    throw new CommandError("--ignore-existing must not be used with non-absolute type path");
  }
  const client = await session.client();
  const { workspace, existed } = await createOrGet(client, parent, options, type);
  const reference = `Workspace ${JSON.stringify(options.name)} (type ${typeText(workspace.spec?.type)})`;
  if (existed) refuseOtherType(options.name, type, workspace.spec?.type);
  const isReady = workspace.status?.phase === "Ready";
  if (existed)
    await session.terminal.out(
      `${reference} already exists.${isReady ? "" : " Waiting for it to be ready..."}\n`,
    );
  else if (!isReady) await session.terminal.out(`${reference} created. Waiting for it to be ready...\n`);
  const ready = isReady ? workspace : await waitUntilReady(client, parent, options.name);
  await session.terminal.out(`${reference} is ready to use.\n`);
  if (options.createContext !== undefined) {
    await createContext(session, {
      name: options.createContext,
      overwrite: options.ignoreExisting === true,
      server: ready.spec?.URL,
      keepCurrent: options.enter !== true,
    });
  } else if (options.enter === true) {
    await useWorkspace(session, options.name, false);
  }
}

function parseType(text: string | undefined): WorkspaceType {
  if (text === undefined || text === "") return undefined;
  const colon = text.lastIndexOf(":");
  const name = text.slice(colon + 1).toLowerCase();
  return colon < 0 ? { name } : { name, path: text.slice(0, colon) };
}

async function createOrGet(
  client: Client,
  parent: string,
  { name, ignoreExisting }: CreateOptions,
  type: WorkspaceType,
): Promise<{ workspace: Workspace; existed: boolean }> {
  const workspace = {
    apiVersion: "tenancy.kcp.io/v1alpha1",
    kind: "Workspace",
    metadata: { name },
    spec: type === undefined ? {} : { type },
  };
  try {
    return { workspace: await createWorkspace(client, parent, workspace), existed: false };
  } catch (error) {
    const exists = error instanceof ApiError && error.reason === "AlreadyExists";
    if (!exists || ignoreExisting !== true) throw error;
    return { workspace: await getWorkspace(client, parent, name), existed: true };
  }
}

function refuseOtherType(name: string, wanted: WorkspaceType, found: WorkspaceType): void {
  if (wanted === undefined || (wanted.name === found?.name && wanted.path === found?.path)) return;
  throw new CommandError(
    `workspace ${JSON.stringify(name)} cannot be created with type ${typeText(wanted)}, ` +
      `it already exists with different type ${typeText(found)}`,
  );
}

async function waitUntilReady(client: Client, parent: string, name: string): Promise<Workspace> {
  for (let waited = 0; waited < readyTimeoutMs; waited += readyPauseMs) {
    const workspace = await getWorkspace(client, parent, name);
    if (workspace.status?.phase === "Ready") return workspace;
    await delay(readyPauseMs);
  }
  throw new CommandError(`workspace ${JSON.stringify(name)} is not ready after ${readyTimeoutMs / 1_000} s`);
}

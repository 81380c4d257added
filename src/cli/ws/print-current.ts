import type { Terminal } from "../terminal.ts";
import type { Workspace } from "./client.ts";
import { joinPath, parseClusterUrl } from "./path.ts";

export type WorkspaceType = NonNullable<Workspace["spec"]>["type"];

/** `root:universal`, as kcp names a type. */
export const typeText = (type: WorkspaceType): string => joinPath(type?.path ?? "", type?.name ?? "");

/** Says which workspace `server` points to. Short: only the path, for shell prompts, and nothing when there is none. */
export async function printCurrent(
  terminal: Terminal,
  server: string,
  short: boolean,
  type?: WorkspaceType,
): Promise<void> {
  const url = parseClusterUrl(server);
  if (short) {
    if (url !== undefined) await terminal.out(`${url.path}\n`);
    return;
  }
  if (url === undefined) await terminal.out(`Current workspace is the URL ${JSON.stringify(server)}.\n`);
  else
    await terminal.out(
      `Current workspace is '${url.path}'${type === undefined ? "" : ` (type ${typeText(type)})`}.\n`,
    );
}

/** `kubectl ws tree`: the current workspace and everything below it, drawn as kcp draws it. */

import { CommandError } from "../terminal.ts";
import { ApiError, listWorkspaces } from "./client.ts";
import { baseName, clusterUrl, joinPath, parseClusterUrl } from "./path.ts";
import type { Session } from "./session.ts";

interface Node {
  readonly label: string;
  readonly children: Node[];
}

/** Deeper trees are cut off: a server that answers in circles must not keep us. */
const maxDepth = 100;

export async function printTree(session: Session, full: boolean): Promise<void> {
  const url = parseClusterUrl(session.server);
  if (url === undefined) {
    await session.terminal.out(
      `current context URL ${JSON.stringify(session.server)} does not point directly to a workspace\n`,
    );
    return;
  }
  const name = full ? url.path : baseName(url.path);
  const root = {
    label: name,
    children: await readChildren(session, url.base, url.path, full ? name : "", 0),
  };
  await session.terminal.out(`${drawTree([root])}\n`);
}

async function readChildren(
  session: Session,
  base: string,
  path: string,
  prefix: string,
  depth: number,
): Promise<Node[]> {
  const nodes: Node[] = [];
  if (depth === maxDepth) return nodes;
  try {
    for await (const { metadata, spec } of listWorkspaces(await session.client(), clusterUrl(base, path))) {
      // One that is being deleted may already be closed to us.
      if (metadata.deletionTimestamp !== undefined) continue;
      const name = joinPath(prefix, metadata.name);
      if (spec?.mount !== undefined) {
        nodes.push({ label: `${name} [m]`, children: [] });
        continue;
      }
      const child = parseClusterUrl(spec?.URL ?? "");
      if (child === undefined) {
        throw new CommandError(
          `current config context URL ${JSON.stringify(spec?.URL ?? "")} does not point to workspace`,
        );
      }
      const childPrefix = prefix === "" ? "" : name;
      nodes.push({
        label: name,
        children: await readChildren(session, base, child.path, childPrefix, depth + 1),
      });
    }
  } catch (error) {
    // A server without the tenancy API has no children to show.
    if (!(error instanceof ApiError && error.code === 404)) throw error;
  }
  return nodes;
}

/** The layout of the Go library treeprint, which kcp uses. */
function drawTree(roots: readonly Node[]): string {
  const lines = ["."];
  const draw = (nodes: readonly Node[], indent: string): void => {
    nodes.forEach(({ label, children }, index) => {
      const isLast = index === nodes.length - 1;
      lines.push(`${indent}${isLast ? "└──" : "├──"} ${label}`);
      draw(children, `${indent}${isLast ? "    " : "│   "}`);
    });
  };
  draw(roots, "");
  return `${lines.join("\n")}\n`;
}

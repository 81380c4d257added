/**
 * Workspace paths as a client sees them: `root:org:team`, relative to where the kubeconfig points. Pure text; the server
 * resolves paths to logical clusters. Rules: kcp's `logicalcluster.Path` and its kubectl plugin (spec section 1.23).
 */

/** A server address and the workspace path behind `/clusters/`. */
export interface ClusterUrl {
  /** The address without `/clusters/...` and what follows. */
  readonly base: string;
  readonly path: string;
}

const segment = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const pathPattern = new RegExp(`^${segment}(?::${segment})*$`);
/** Longer ones cannot be resolved anyway; the pattern's cost stays bounded. */
const maxPathLength = 4_096;

export const isValidPath = (path: string): boolean =>
  path.length <= maxPathLength && (path === "*" || pathPattern.test(path));

/** Splits a kubeconfig's server address; undefined when it points to no workspace. */
export function parseClusterUrl(server: string): ClusterUrl | undefined {
  const match = /^(.*?)\/clusters\/([^/?#]*)/.exec(server);
  if (match === null || !URL.canParse(server)) return undefined;
  const path = match[2]!;
  return isValidPath(path) ? { base: match[1]!, path } : undefined;
}

export const clusterUrl = (base: string, path: string): string =>
  `${base.replace(/\/+$/, "")}/clusters/${path}`;

/** `root:org` of `root:org:team`; empty for a first segment. `system:` names are one segment each. */
export function parentPath(path: string): string {
  if (path.startsWith("system:")) return "";
  return path.slice(0, Math.max(0, path.lastIndexOf(":")));
}

/** `team` of `root:org:team`. */
export const baseName = (path: string): string =>
  path.startsWith("system:") ? path : path.slice(path.lastIndexOf(":") + 1);

/** The first segment: the root that `:` goes to. */
export const rootOf = (path: string): string => (path.startsWith("system:") ? path : path.split(":", 1)[0]!);

export const joinPath = (parent: string, name: string): string =>
  parent === "" ? name : `${parent}:${name}`;

export type Resolved = { readonly path: string } | { readonly error: string };

/**
 * Where `name` leads from `current`: absolute with a leading colon, else relative; `.` stays, `..` goes up. Slashes are
 * colons, as people type them.
 */
export function resolvePath(current: string, name: string): Resolved {
  const text = name.replaceAll("/", ":");
  const absolute = text.startsWith(":") ? text.slice(1) : joinPath(current, text);
  let path = "";
  for (const part of absolute.startsWith("system:") ? [absolute] : absolute.split(":")) {
    if (part === ".") continue;
    if (part !== "..") {
      path = joinPath(path, part);
      continue;
    }
    if (path === "") return { error: "cannot go up from root" };
    path = parentPath(path);
  }
  return path !== "*" && isValidPath(path) ? { path } : { error: `invalid workspace path: ${name}` };
}

import { quote } from "#base/quote.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import { pageNotFound, TextError } from "./text-error.ts";

/** What stands after `/clusters/`, by its syntax only. */
export type ClusterSyntax =
  | { readonly kind: "none" }
  /** A logical cluster's name, or a path of names joined with colons. */
  | { readonly kind: "named"; readonly path: string }
  | { readonly kind: "wildcard" };

export interface RequestPath {
  readonly cluster: ClusterSyntax;
  /** The rest of the path, percent-decoded once; begins with `/`, keeps a closing slash. */
  readonly path: string;
  /** Its segments, decoded; never empty strings, `.` or `..`, never with a slash or control character in them. */
  readonly segments: readonly string[];
}

/** Longest path that is looked at; longer ones answer 414. The longest API path has about 1,300 characters. */
export const MAX_PATH_LENGTH = 8192;
/** Longest workspace path, in characters: 16 levels of the longest names. */
const MAX_CLUSTER_PATH_LENGTH = 1024;

// kcp-dev/logicalcluster path.go: each part is a DNS label.
const part = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const clusterPathPattern = new RegExp(`^${part}(?::${part})*$`);
// The only escapes accepted in the workspace's segment: those that URL libraries write for its two special
// characters (Go's net/url sends `*` as %2A, JavaScript's encodeURIComponent sends `:` as %3A).
const clusterEscapes = /%2a|%3a/gi;

const noCluster: ClusterSyntax = Object.freeze({ kind: "none" });
const wildcard: ClusterSyntax = Object.freeze({ kind: "wildcard" });

/** True for `root`, `root:org:team`, `system:admin`; not for `*`. */
export const isClusterPath = (text: string): boolean =>
  text.length <= MAX_CLUSTER_PATH_LENGTH && clusterPathPattern.test(text);

/**
 * Takes a request's path apart: the workspace it names, and the segments of the rest. Nothing is normalised: a path
 * with empty, `.` or `..` segments, with an encoded slash, or with an encoded prefix has one meaning here and another
 * in some proxy before us, so it is refused.
 * @throws StatusError 400 for malformed paths, TextError 404 for a second `/clusters/`, 414 for over-long paths.
 */
export function parseRequestPath(rawPath: string): RequestPath {
  if (rawPath.length > MAX_PATH_LENGTH) throw new TextError(414, "request URI too long");
  if (rawPath.charCodeAt(0) !== 0x2f) throw malformed(rawPath, "it does not begin with a slash");
  if (!isVisibleAscii(rawPath)) throw malformed(rawPath, "it has characters that must be percent-encoded");
  if (!rawPath.startsWith("/clusters/")) return restOf(rawPath, 0, noCluster);
  const end = rawPath.indexOf("/", 10);
  const segment = end < 0 ? rawPath.slice(10) : rawPath.slice(10, end);
  const cluster = parseCluster(segment);
  if (end < 0) return restOf("/", 0, cluster);
  const rest = restOf(rawPath, end, cluster);
  if (rest.segments[0] === "clusters") throw pageNotFound();
  return rest;
}

function parseCluster(segment: string): ClusterSyntax {
  const text = segment.includes("%") ? segment.replace(clusterEscapes, unescapeCluster) : segment;
  if (text === "*") return wildcard;
  if (!isClusterPath(text)) {
    const shown = text.length <= MAX_CLUSTER_PATH_LENGTH ? text : `${text.slice(0, 64)}...`;
    throw badRequest(`invalid cluster: ${quote(shown)} does not match the regex`);
  }
  return { kind: "named", path: text };
}

const unescapeCluster = (encoded: string): string => (encoded[1] === "2" ? "*" : ":");

function restOf(raw: string, start: number, cluster: ClusterSyntax): RequestPath {
  const rest = start === 0 ? raw : raw.slice(start);
  if (rest === "/") return { cluster, path: rest, segments: [] };
  const closing = rest.charCodeAt(rest.length - 1) === 0x2f;
  const segments = rest.slice(1, closing ? -1 : undefined).split("/");
  const encoded = rest.includes("%");
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!;
    const decoded = encoded && segment.includes("%") ? decodeSegment(segment, raw) : segment;
    if (decoded === "") throw malformed(raw, "it has an empty segment");
    if (decoded === "." || decoded === "..") throw malformed(raw, "it has a relative segment");
    segments[i] = decoded;
  }
  // Only the literal prefix names a workspace; `/%63lusters/x` must not look like one to anybody.
  if (encoded && cluster.kind === "none" && segments[0] === "clusters")
    throw malformed(raw, "its prefix is encoded");
  return { cluster, path: encoded ? `/${segments.join("/")}${closing ? "/" : ""}` : rest, segments };
}

function decodeSegment(segment: string, rawPath: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    throw malformed(rawPath, "it has an invalid percent-encoding");
  }
  if (decoded.includes("/")) throw malformed(rawPath, "it has an encoded slash");
  for (let i = 0; i < decoded.length; i++) {
    const code = decoded.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) throw malformed(rawPath, "it has an encoded control character");
  }
  return decoded;
}

function isVisibleAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return true;
}

const malformed = (rawPath: string, why: string) =>
  badRequest(
    `the path ${quote(rawPath.length <= 256 ? rawPath : `${rawPath.slice(0, 256)}...`)} is malformed: ${why}`,
  );

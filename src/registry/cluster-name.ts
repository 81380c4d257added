import type { Brand } from "#base/brand.ts";

/**
 * Name of a logical cluster: the tenant segment of a key. Only {@link parseClusterName} and
 * {@link generateClusterName} make one, so a string that came with a request cannot become part of a key unchecked.
 */
export type ClusterName = Brand<string, "ClusterName">;

/** The workspace that every other one descends from; it exists from the first start. */
export const rootCluster = "root" as ClusterName;

/** A name that a workspace may have below its parent; it may look like a cluster's and be none. */
export const isWorkspaceName = (text: string): boolean => clusterNamePattern.test(text);

/** What a request is about: one logical cluster, or (admins only) all of them. */
export type ClusterScope = ClusterName | "*";

/** Where the server keeps what is its own; never the parent or child of anything. */
export const systemAdminCluster = "system:admin" as ClusterName;

// kcp-dev/logicalcluster: a name is `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, and `system:<such a name>` for the server's own.
const clusterNamePattern = /^(?:system:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Keys have this word where a cluster's name may stand (`keys.ts`). */
const reservedName = "customresources";

/** A cluster name, or undefined when the text is none. */
export function parseClusterName(text: string): ClusterName | undefined {
  return clusterNamePattern.test(text) && text !== reservedName ? (text as ClusterName) : undefined;
}

const timeDigits = 8; // base 36 milliseconds: enough until the year 2059
const randomDigits = 8; // 41 random bits
const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * A new name of 16 characters, as kcp's look, that sorts by time of creation: what fresh workspaces hold is then
 * inserted side by side in every range. `randomBytes` must be unpredictable.
 */
export function generateClusterName(nowMs: number, randomBytes: (size: number) => Uint8Array): ClusterName {
  const time = Math.max(0, Math.floor(nowMs)).toString(36).padStart(timeDigits, "0").slice(-timeDigits);
  // 64 random bits reduced to 36^8 values: the bias is below 2^-22.
  let bits = Buffer.from(randomBytes(8)).readBigUInt64BE();
  let random = "";
  for (let i = 0; i < randomDigits; i++) {
    random += alphabet[Number(bits % 36n)];
    bits /= 36n;
  }
  return (time + random) as ClusterName;
}

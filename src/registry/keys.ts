/**
 * The only place where a workspace becomes bytes.
 *
 * `/registry/<group, "core" for the empty one>/<resource>/<cluster>/[<namespace>/]<name>` (ARCHITECTURE.md, "Keys"), and for
 * kinds that workspaces define themselves `/registry/<group>/<resource>/customresources/<cluster>/[<namespace>/]<name>`.
 * Every prefix ends in "/", so `root` never matches `root2`; segments are refused when empty or when they hold a slash
 * or NUL, so no name can reach into another range.
 */
import type { GroupResource } from "#machinery/meta/object.ts";
import { type Key, type KeyRange, type Partition, prefixRange } from "#storage/port.ts";
import type { ClusterName, ClusterScope } from "./cluster-name.ts";

export const registryPrefix = "/registry/";
/** Stands before the cluster in keys of kinds that workspaces define; no cluster is called so. */
const customSegment = "customresources";
const customMark = `/${customSegment}/`;
const customSegmentMark = `${customSegment}/`;

/** Where an object lives. `namespace` is "" for cluster-scoped objects. */
export interface ObjectLocation {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
}

/** Prefix of all objects of a resource in all workspaces: `/registry/core/secrets/`. */
export function collectionPrefix({ group, resource }: GroupResource): string {
  return `${registryPrefix}${segment(group === "" ? "core" : group)}/${segment(resource)}/`;
}

/** The same for a resource that workspaces define: it never meets a built-in one of the same name. */
export const customCollectionPrefix = (of: GroupResource): string =>
  `${collectionPrefix(of)}${customSegment}/`;

/** Which resource a collection of {@link customCollectionPrefix} is of; undefined for collections of built-in kinds. */
export function customResourceOf(collection: string): GroupResource | undefined {
  if (!collection.endsWith(customMark)) return undefined;
  const [, , group = "", resource = ""] = collection.split("/");
  return { group, resource };
}

/** Whether a key below a built-in resource's collection is one of a resource of that name that a workspace defines. */
export const isCustomKey = (collection: string, key: string): boolean =>
  key.startsWith(customSegmentMark, collection.length);

/** Key of one object. */
export function objectKey(collection: string, at: ObjectLocation): Key {
  const tenant = `${collection}${segment(at.cluster)}/`;
  return (
    at.namespace === "" ? tenant + segment(at.name) : `${tenant}${segment(at.namespace)}/${segment(at.name)}`
  ) as Key;
}

/** Prefix that a list or watch reads: all clusters, one cluster, or one namespace of one cluster. */
export function listPrefix(collection: string, cluster: ClusterScope, namespace: string): string {
  if (cluster === "*") return collection;
  const tenant = `${collection}${segment(cluster)}/`;
  return namespace === "" ? tenant : `${tenant}${segment(namespace)}/`;
}

export const listRange = (collection: string, cluster: ClusterScope, namespace: string): KeyRange =>
  prefixRange(listPrefix(collection, cluster, namespace));

/** The reverse of {@link objectKey}. The key must be one of the collection's. */
export function parseObjectKey(collection: string, namespaced: boolean, key: string): ObjectLocation {
  const clusterEnd = key.indexOf("/", collection.length);
  const cluster = key.slice(collection.length, clusterEnd) as ClusterName;
  const namespaceEnd = namespaced ? key.indexOf("/", clusterEnd + 1) : -1;
  // A kind that a workspace defined may have had another scope before: then the key tells.
  if (namespaceEnd < 0) return { cluster, namespace: "", name: key.slice(clusterEnd + 1) };
  return { cluster, namespace: key.slice(clusterEnd + 1, namespaceEnd), name: key.slice(namespaceEnd + 1) };
}

/** Collection and tenant of a key below `/registry/`, without knowing the resource; undefined for any other key. */
export function partitionOf(key: string): Partition | undefined {
  if (!key.startsWith(registryPrefix)) return undefined;
  const groupEnd = key.indexOf("/", registryPrefix.length);
  const resourceEnd = groupEnd < 0 ? -1 : key.indexOf("/", groupEnd + 1);
  if (resourceEnd < 0) return undefined;
  const custom = key.startsWith(customMark, resourceEnd);
  const collectionEnd = custom ? resourceEnd + customMark.length : resourceEnd + 1;
  const tenantEnd = key.indexOf("/", collectionEnd);
  if (tenantEnd < 0) return undefined;
  return { collection: key.slice(0, collectionEnd), tenant: key.slice(collectionEnd, tenantEnd) };
}

/** Whether a name can stand in a key. */
export const isSegment = (text: string): boolean =>
  text !== "" && text !== "." && text !== ".." && !/[/\0]/.test(text);

function segment(text: string): string {
  if (!isSegment(text)) throw new RangeError(`not a key segment: ${JSON.stringify(text)}`);
  return text;
}

/** Conditions under which an object may come into being; they hold at commit, because they are compared in its transaction. */
import { forbiddenResource, notFound } from "#machinery/errors/errors.ts";
import type { Comparison, Key } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { collectionPrefix, objectKey } from "./keys.ts";
import type { Registry } from "./registry.ts";
import type { Resource } from "./resource.ts";
import { storedMetadata } from "./stored-metadata.ts";
import { logicalClusters } from "./tenants.ts";

export const namespaces = { group: "", resource: "namespaces" } as const;
const namespaceCollection = collectionPrefix(namespaces);
const deletionMark = Buffer.from('"deletionTimestamp":"');

/**
 * The workspace exists and is not being deleted. Content of a workspace that is going away could outlive it otherwise.
 * @throws StatusError 403
 */
export function workspaceGuard(
  registry: Registry,
  resource: Resource,
  cluster: ClusterName,
  name: string,
): Comparison {
  const tenant = registry.tenants.get(cluster);
  if (tenant === undefined) throw notFound(logicalClusters, cluster);
  if (tenant.deleting) {
    const why = `unable to create new content in logical cluster ${cluster} because it is being terminated`;
    throw forbiddenResource(resource, name, why);
  }
  return { key: tenant.key, revision: tenant.revision };
}

/**
 * A write that admission has let in meets another workspace or namespace than admission saw: there may be a new policy, quota or
 * webhook, or the namespace has other labels. It is to be admitted anew, from its first webhook on.
 */
export class SurroundingsChangedError extends Error {
  override readonly name = "SurroundingsChangedError";
}

/**
 * The workspace is as admission sees it: what changes its rules touches it ({@link touchWorkspace}), so that no server lets a write in by
 * rules that are others already.
 */
export function rulesGuard(registry: Registry, cluster: ClusterName, written: Key): Comparison[] {
  const tenant = registry.tenants.get(cluster);
  return tenant === undefined || tenant.key === written
    ? []
    : [{ key: tenant.key, revision: tenant.revision }];
}

/**
 * The namespace exists and is not terminating (admission plugin NamespaceLifecycle).
 * @throws StatusError 404 `namespaces "x" not found`, 403 with cause NamespaceTerminating
 */
export function namespaceGuard(
  registry: Registry,
  resource: Resource,
  at: { readonly cluster: ClusterName; readonly namespace: string; readonly name: string },
): Comparison {
  const key: Key = objectKey(namespaceCollection, { cluster: at.cluster, namespace: "", name: at.namespace });
  const open = registry.openNamespaces.get(key);
  if (open !== undefined && registry.store.revisionOf(key) === open.revision) return open;
  const entry = registry.store.get(key);
  if (entry === undefined) throw notFound(namespaces, at.namespace);
  if (entry.value.includes(deletionMark)) {
    if (storedMetadata(entry.value)?.deletionTimestamp !== undefined) {
      const text = `namespace ${at.namespace} is being terminated`;
      throw forbiddenResource(
        resource,
        at.name,
        `unable to create new content in namespace ${at.namespace} because it is being terminated`,
        [{ reason: "NamespaceTerminating", message: text, field: "metadata.namespace" }],
      );
    }
  }
  const guard: Comparison = { key, revision: entry.revision };
  registry.openNamespaces.set(key, guard);
  return guard;
}

/** The first start: the root workspace and the server's own logical cluster. */

import { type ClusterName, rootCluster, systemAdminCluster } from "#registry/cluster-name.ts";
import { companionPut } from "#registry/create.ts";
import type { Registry } from "#registry/registry.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import { noRevision } from "#storage/port.ts";
import { freshWorkspaceContent } from "./fresh-workspace.ts";
import { defaultWorkspaceType, rootWorkspaceType, type WorkspaceType } from "./types.ts";

export interface BootstrapOptions {
  readonly externalUrl: string;
  readonly caPem: string;
  readonly serviceRanges: ServiceRanges;
}

const systemUser = { name: "system:apiserver", uid: "", groups: ["system:masters"], extra: {} } as const;

/** Creates what is missing; safe to run at every start, by several servers at once. */
export async function bootstrapWorkspaces(registry: Registry, options: BootstrapOptions): Promise<void> {
  await registry.store.fresh();
  await ensure(registry, options, rootCluster, rootWorkspaceType);
  await ensure(registry, options, systemAdminCluster, defaultWorkspaceType);
  // Another server may have done it, and the local copy not know yet.
  await registry.store.fresh();
}

async function ensure(
  registry: Registry,
  { externalUrl, caPem, serviceRanges }: BootstrapOptions,
  cluster: ClusterName,
  type: WorkspaceType,
): Promise<void> {
  if (registry.tenants.get(cluster) !== undefined) return;
  const nowMs = registry.clock.now();
  const operations = freshWorkspaceContent({
    cluster,
    path: cluster,
    type,
    url: `${externalUrl}/clusters/${cluster}`,
    createdBy: systemUser,
    owner: undefined,
    caPem,
    serviceRanges,
    nowMs,
  }).map((companion) => companionPut(registry, companion, nowMs));
  // Lost to another server that did the same: its content is as good.
  await registry.store.commit({
    compare: [{ key: registry.tenants.keyOf(cluster), revision: noRevision }],
    operations,
  });
}

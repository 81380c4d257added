/** The kinds of a workspace: what they look like and how they are named (kcp: tenancy.kcp.io and core.kcp.io v1alpha1). */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { rootCluster } from "#registry/cluster-name.ts";

export const workspaces = { group: "tenancy.kcp.io", resource: "workspaces" } as const;
export {
  logicalClusterName,
  logicalClusters,
  pathAnnotation,
  workspaceTypeAnnotation,
} from "#registry/tenants.ts";

/** JSON user info of the creator, on the Workspace. */
export const ownerAnnotation = "experimental.tenancy.kcp.io/owner";
export const clusterNameAnnotation = "internal.tenancy.kcp.io/cluster";
/** Holds the Workspace until its LogicalCluster is gone. */
export const logicalClusterFinalizer = "core.kcp.io/logicalcluster";
/** Holds the LogicalCluster until its content is gone. */
export const logicalClusterDeletionFinalizer = "core.kcp.io/logicalcluster-deletion";
/** Carries the phase, so that it can be selected. */
export const phaseLabel = "tenancy.kcp.io/phase";

export interface WorkspaceType {
  readonly name: string;
  readonly path: string;
}

/** What a new workspace is when its parent's type says nothing else. */
export const defaultWorkspaceType: WorkspaceType = { name: "universal", path: "root" };
/** All built-in kinds as plain data, for charts and tools that expect a whole cluster. */
export const kubernetesWorkspaceType: WorkspaceType = { name: "kubernetes", path: "root" };
export const rootWorkspaceType: WorkspaceType = { name: "root", path: "root" };

/** Types that a Workspace may name. */
export const creatableTypes: readonly WorkspaceType[] = [
  defaultWorkspaceType,
  kubernetesWorkspaceType,
  { name: "organization", path: "root" },
  { name: "team", path: "root" },
];

export const typeText = (type: WorkspaceType): string => `${type.path}:${type.name}`;
export const sameType = (a: WorkspaceType, b: WorkspaceType): boolean =>
  a.name === b.name && a.path === b.path;

/** The fields of a Workspace that the server reads. */
export interface WorkspaceSpec {
  type?: { name?: string; path?: string };
  location?: unknown;
  cluster?: string;
  URL?: string;
  mount?: unknown;
}

export const workspaceSpec = (workspace: KubeObject): WorkspaceSpec =>
  (workspace.spec ?? {}) as WorkspaceSpec;

/** A condition as kcp's conditions library writes it. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
  readonly severity?: string;
}

/** Canonical path of a child: the root workspace's path is its name. */
export const childPath = (parentPath: string, name: string): string => `${parentPath}:${name}`;

export const isRoot = (cluster: ClusterName): boolean => cluster === rootCluster;

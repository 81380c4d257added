import type { ResourceInfo, Verb } from "#api/resource.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { logicalClusterType, workspaceType } from "./types.ts";

const all: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];
const statusVerbs: readonly Verb[] = ["get", "patch", "update"];

/** kcp's kinds: cluster-scoped, of category `kcp`, one version, with a status. */
function kcpResource(
  group: string,
  resource: string,
  kind: string,
  type: TypeName,
  shortNames: string[],
): ResourceInfo {
  const version = "v1alpha1";
  return {
    group,
    resource,
    singular: kind.toLowerCase(),
    namespaced: false,
    shortNames,
    categories: ["kcp"],
    versions: [
      {
        version,
        kind,
        type,
        verbs: all,
        subresources: [{ name: "status", group, version, kind, verbs: statusVerbs }],
      },
    ],
    storageVersion: version,
    virtual: false,
  };
}

export const kcpResources = (): readonly ResourceInfo[] => [
  kcpResource("core.kcp.io", "logicalclusters", "LogicalCluster", logicalClusterType, []),
  kcpResource("tenancy.kcp.io", "workspaces", "Workspace", workspaceType, ["ws"]),
];

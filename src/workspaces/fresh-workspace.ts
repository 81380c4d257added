/** All that a fresh workspace holds, as companions of one transaction (kcp: "What a fresh universal workspace holds"). */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import type { Companion, Requester } from "#registry/strategy.ts";
import { timestamp } from "#registry/system-fields.ts";
import { kubernetesServiceContent, serviceCidrContent } from "./kubernetes-service.ts";
import {
  type Condition,
  kubernetesWorkspaceType,
  logicalClusterDeletionFinalizer,
  logicalClusterName,
  logicalClusters,
  pathAnnotation,
  sameType,
  typeText,
  type WorkspaceType,
  workspaceTypeAnnotation,
} from "./types.ts";

export interface FreshWorkspace {
  readonly cluster: ClusterName;
  readonly path: string;
  readonly type: WorkspaceType;
  readonly url: string;
  readonly createdBy: Requester["user"];
  /** The Workspace that owns it; undefined for the root workspace and the system's own. */
  readonly owner: { readonly cluster: ClusterName; readonly name: string; readonly uid: string } | undefined;
  /** The server's CA, for `kube-root-ca.crt`. */
  readonly caPem: string;
  /** Told by the ServiceCIDR of workspaces of type `kubernetes`. */
  readonly serviceRanges: ServiceRanges;
  readonly nowMs: number;
}

/** Every workspace has these from the start, and always. */
const systemNamespaces: readonly string[] = ["default", "kube-system"];

export function freshWorkspaceContent(fresh: FreshWorkspace): Companion[] {
  const { cluster } = fresh;
  const content: Companion[] = [
    { resource: logicalClusters, cluster, namespace: "", object: logicalCluster(fresh) },
  ];
  for (const name of systemNamespaces) {
    content.push(
      {
        resource: { group: "", resource: "namespaces" },
        cluster,
        namespace: "",
        object: namespaceObject(name),
      },
      ...namespaceContent(cluster, name, fresh.caPem),
    );
  }
  if (sameType(fresh.type, kubernetesWorkspaceType))
    content.push(
      ...kubernetesServiceContent(cluster, fresh.url),
      serviceCidrContent(cluster, fresh.serviceRanges, fresh.nowMs),
    );
  if (fresh.owner !== undefined) {
    content.push({
      resource: { group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
      cluster,
      namespace: "",
      object: adminBinding(fresh.createdBy.name),
    });
  }
  return content;
}

/** What every namespace holds from the start (Kubernetes: the service account and root CA publisher controllers). */
export function namespaceContent(cluster: ClusterName, namespace: string, caPem: string): Companion[] {
  return [
    {
      resource: { group: "", resource: "serviceaccounts" },
      cluster,
      namespace,
      object: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } },
    },
    {
      resource: { group: "", resource: "configmaps" },
      cluster,
      namespace,
      object: rootCaConfigMap(caPem),
    },
  ];
}

export const rootCaConfigMapName = "kube-root-ca.crt";

const rootCaConfigMap = (caPem: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: rootCaConfigMapName },
  data: { "ca.crt": caPem },
});

function namespaceObject(name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}

function logicalCluster(fresh: FreshWorkspace): KubeObject {
  const { owner, createdBy } = fresh;
  return {
    apiVersion: "core.kcp.io/v1alpha1",
    kind: "LogicalCluster",
    metadata: {
      name: logicalClusterName,
      annotations: { [pathAnnotation]: fresh.path, [workspaceTypeAnnotation]: typeText(fresh.type) },
      ...(owner === undefined ? {} : { finalizers: [logicalClusterDeletionFinalizer] }),
    },
    spec: {
      ...(owner === undefined
        ? {}
        : {
            owner: {
              apiVersion: "tenancy.kcp.io/v1alpha1",
              resource: "workspaces",
              name: owner.name,
              cluster: owner.cluster,
              uid: owner.uid,
            },
            createdBy: userInfo(createdBy),
          }),
    },
    status: {
      URL: fresh.url,
      phase: "Ready",
      conditions: readyConditions(fresh.nowMs, ["WorkspaceInitialized"]),
    },
  };
}

/** The creator's own rights; read once RBAC is there, and shown until then. */
function adminBinding(userName: string): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "workspace-admin" },
    subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: userName }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
  };
}

export const readyConditions = (nowMs: number, types: readonly string[]): Condition[] =>
  types.map((type) => ({ type, status: "True", lastTransitionTime: timestamp(nowMs) }));

/** The id of the credential tells nothing about who the user is. */
const credentialId = "authentication.kubernetes.io/credential-id";

export function userInfo(user: Requester["user"]): Record<string, unknown> {
  const { [credentialId]: _credential, ...extra } = user.extra;
  // Everyone who could create anything is in this group.
  const groups = user.groups.filter((group) => group !== "system:authenticated");
  return {
    username: user.name,
    ...(user.uid === "" ? {} : { uid: user.uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

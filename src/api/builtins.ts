/** Which resources a workspace serves, by its type. */
import { bundledCatalogue, type CatalogueSource } from "./catalogue.ts";
import { kcpResources } from "./kcp/resources.ts";
import type { ResourceInfo, ResourceVersion, Verb } from "./resource.ts";
import { builtinScale } from "./scale.ts";

/** What kcp serves in every workspace (spec kcp.md 1.16). */
const universal: ReadonlySet<string> = new Set([
  "/namespaces",
  "/configmaps",
  "/secrets",
  "/events",
  "/limitranges",
  "/resourcequotas",
  "/serviceaccounts",
  "admissionregistration.k8s.io/mutatingadmissionpolicies",
  "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingadmissionpolicies",
  "admissionregistration.k8s.io/validatingadmissionpolicybindings",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
  "apiextensions.k8s.io/customresourcedefinitions",
  "authentication.k8s.io/selfsubjectreviews",
  "authentication.k8s.io/tokenreviews",
  "authorization.k8s.io/localsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
  "authorization.k8s.io/subjectaccessreviews",
  "certificates.k8s.io/certificatesigningrequests",
  "coordination.k8s.io/leases",
  "events.k8s.io/events",
  "rbac.authorization.k8s.io/clusterrolebindings",
  "rbac.authorization.k8s.io/clusterroles",
  "rbac.authorization.k8s.io/rolebindings",
  "rbac.authorization.k8s.io/roles",
]);

/** These need a node or a scheduler behind them; there is none. */
const nodeSubresources: ReadonlySet<string> = new Set([
  "attach",
  "binding",
  "exec",
  "log",
  "portforward",
  "proxy",
]);
const nodeResources: ReadonlySet<string> = new Set(["/bindings", "/componentstatuses"]);

const key = ({ group, resource }: ResourceInfo): string => `${group}/${resource}`;

/** Workspace type `universal`: in upstream's order of groups, then kcp's. */
export const universalResources = (source: CatalogueSource = bundledCatalogue()): readonly ResourceInfo[] => [
  ...releaseResources(source).filter((info) => universal.has(key(info))),
  ...kcpResources(),
];

/** Workspace type `kubernetes`: every resource of the release that can be plain data, then kcp's. */
export const kubernetesResources = (
  source: CatalogueSource = bundledCatalogue(),
): readonly ResourceInfo[] => [
  ...releaseResources(source).filter((info) => !nodeResources.has(key(info))),
  ...kcpResources(),
];

interface ResourcesDocument {
  readonly release: string;
  readonly groups: readonly { readonly group: string; readonly resources: readonly ResourceData[] }[];
}

interface ResourceData {
  readonly resource: string;
  readonly singular: string;
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersion: string;
  readonly storageVersionHash?: string;
  readonly versions: readonly {
    readonly version: string;
    readonly kind: string;
    readonly type: string;
    readonly verbs: readonly Verb[];
    readonly subresources?: readonly {
      readonly name: string;
      readonly group?: string;
      readonly version?: string;
      readonly kind: string;
      readonly verbs: readonly Verb[];
    }[];
  }[];
}

function releaseResources(source: CatalogueSource): ResourceInfo[] {
  const { groups } = source("resources") as ResourcesDocument;
  return groups.flatMap(({ group, resources }) => resources.map((data) => resourceInfo(group, data)));
}

function resourceInfo(group: string, data: ResourceData): ResourceInfo {
  const versions: ResourceVersion[] = data.versions.map(
    ({ version, kind, type, verbs, subresources = [] }) => ({
      version,
      kind,
      type,
      verbs,
      subresources: subresources
        .filter((sub) => !nodeSubresources.has(sub.name))
        .map((sub) => ({
          name: sub.name,
          group: sub.group ?? group,
          version: sub.version ?? version,
          kind: sub.kind,
          verbs: sub.verbs,
          ...(sub.kind === "Scale" && { scale: builtinScale(group, data.resource) }),
        })),
    }),
  );
  return {
    group,
    resource: data.resource,
    singular: data.singular,
    namespaced: data.namespaced === true,
    shortNames: data.shortNames ?? [],
    categories: data.categories ?? [],
    versions,
    storageVersion: data.storageVersion,
    ...(data.storageVersionHash !== undefined && { storageVersionHash: data.storageVersionHash }),
    // A resource that can only be created has nothing to get: a review.
    virtual: versions.every((version) => !version.verbs.includes("get")),
  };
}

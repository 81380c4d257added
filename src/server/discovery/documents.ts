/** What a client learns about a server before it uses it (spec 4.1). Pure; one set of documents per workspace type. */
import { createHash } from "node:crypto";
import type { ResourceInfo, ResourceVersion, Subresource } from "#api/resource.ts";
import { type GroupFacts, groupsOf, type VersionFacts } from "./versions.ts";

export interface AggregatedDocument {
  readonly body: Buffer;
  /** With its quotes. */
  readonly etag: string;
}

/** JSON bodies of all discovery paths. */
export interface DiscoveryDocuments {
  /** `/api` without aggregation; `serverAddress` is `host:port` as the client reaches the server. */
  coreVersions(serverAddress: string): Buffer;
  /** `/apis` without aggregation. */
  readonly groups: Buffer;
  /** `/apis/{group}`; undefined: 404. */
  group(name: string): Buffer | undefined;
  /** `/api/{version}` (empty group) and `/apis/{group}/{version}`; undefined: 404. */
  resources(group: string, version: string): Buffer | undefined;
  readonly aggregatedCore: AggregatedDocument;
  readonly aggregatedGroups: AggregatedDocument;
}

const buffer = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`, "utf8");

/** Makes all documents of what a workspace type serves. */
export function discoveryDocuments(resources: readonly ResourceInfo[]): DiscoveryDocuments {
  const all = groupsOf(resources);
  const core = all.filter(({ group }) => group === "");
  const named = all.filter(({ group }) => group !== "");
  const byGroup = new Map(
    named.map((facts) => [facts.group, buffer({ kind: "APIGroup", apiVersion: "v1", ...apiGroup(facts) })]),
  );
  const byVersion = new Map<string, Buffer>();
  for (const { versions } of all)
    for (const facts of versions) byVersion.set(facts.groupVersion, buffer(resourceList(facts)));
  return {
    coreVersions: (serverAddress) =>
      buffer({
        kind: "APIVersions",
        versions: core.flatMap(({ versions }) => versions.map(({ version }) => version)),
        serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
      }),
    groups: buffer({ kind: "APIGroupList", apiVersion: "v1", groups: named.map(apiGroup) }),
    group: (name) => byGroup.get(name),
    resources: (group, version) => byVersion.get(group === "" ? version : `${group}/${version}`),
    aggregatedCore: aggregated(core),
    aggregatedGroups: aggregated(named),
  };
}

function apiGroup({ group, versions }: GroupFacts) {
  const all = versions.map(({ groupVersion, version }) => ({ groupVersion, version }));
  return { name: group, versions: all, preferredVersion: all[0] };
}

/** Subresources are entries of their own, `deployments/scale`; names in order. */
function resourceList({ groupVersion, resources }: VersionFacts) {
  const entries = resources.flatMap(({ info, version }) => [
    resourceEntry(info, version),
    ...version.subresources.map((subresource) => subresourceEntry(info, version, subresource)),
  ]);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: entries };
}

const resourceEntry = (info: ResourceInfo, { kind, verbs }: ResourceVersion) => ({
  name: info.resource,
  singularName: info.singular,
  namespaced: info.namespaced,
  kind,
  verbs,
  ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
  ...(info.categories.length > 0 && { categories: info.categories }),
  ...(info.storageVersionHash !== undefined && { storageVersionHash: info.storageVersionHash }),
});

const subresourceEntry = (info: ResourceInfo, { version }: ResourceVersion, subresource: Subresource) => ({
  name: `${info.resource}/${subresource.name}`,
  singularName: "",
  namespaced: info.namespaced,
  ...(isForeign(info.group, version, subresource) && {
    group: subresource.group,
    version: subresource.version,
  }),
  kind: subresource.kind,
  verbs: subresource.verbs,
});

/** A kind of another group or version is named in full; the resource's own is left empty, as upstream does. */
const isForeign = (group: string, version: string, subresource: Subresource): boolean =>
  subresource.group !== group || subresource.version !== version;

/** `APIGroupDiscoveryList` of apidiscovery.k8s.io/v2. */
function aggregated(groups: readonly GroupFacts[]): AggregatedDocument {
  const items = groups.map(({ group, versions }) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versions.map(({ version, resources }) => ({
      version,
      resources: resources.map(({ info, version: served }) => aggregatedResource(info, served)),
      freshness: "Current",
    })),
  }));
  const body = buffer({
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items,
  });
  const digest = createHash("sha512").update(body).digest("hex").toUpperCase();
  return { body, etag: `"${digest}"` };
}

const aggregatedResource = (info: ResourceInfo, { version, kind, verbs, subresources }: ResourceVersion) => ({
  resource: info.resource,
  responseKind: { group: "", version: "", kind },
  scope: info.namespaced ? "Namespaced" : "Cluster",
  singularResource: info.singular,
  verbs,
  ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
  ...(info.categories.length > 0 && { categories: info.categories }),
  ...(subresources.length > 0 && {
    subresources: subresources.map((subresource) => {
      const foreign = isForeign(info.group, version, subresource);
      return {
        subresource: subresource.name,
        responseKind: {
          group: foreign ? subresource.group : "",
          version: foreign ? subresource.version : "",
          kind: subresource.kind,
        },
        verbs: subresource.verbs,
      };
    }),
  }),
});

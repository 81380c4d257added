/** What a client learns about a server before it uses it (spec 4.1); made when it is first asked for. */
import { createHash } from "node:crypto";
import type { ResourceInfo, ResourceVersion, Subresource } from "#api/resource.ts";
import { Pacer } from "#base/pacer.ts";
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
  groups(): Buffer;
  /** `/apis/{group}`; undefined: 404. */
  group(name: string): Buffer | undefined;
  /** `/api/{version}` (empty group) and `/apis/{group}/{version}`; undefined: 404. */
  resources(group: string, version: string): Buffer | undefined;
  aggregatedCore(): Promise<AggregatedDocument>;
  aggregatedGroups(): Promise<AggregatedDocument>;
}

const buffer = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`, "utf8");

/**
 * The documents of what a workspace serves: built-in resources in the order of their groups, then its own. Groups of its own
 * come by name behind the others, as API services of equal priority do upstream.
 */
export function discoveryDocuments(
  builtin: readonly ResourceInfo[],
  own: readonly ResourceInfo[] = [],
): DiscoveryDocuments {
  const all = lazily(() =>
    groupsOf([...builtin, ...own.toSorted((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0))]),
  );
  const core = () => all().filter(({ group }) => group === "");
  const named = () => all().filter(({ group }) => group !== "");
  const byGroup = lazily(() => new Map(all().map((facts) => [facts.group, facts])));
  const bodies = new Map<string, Buffer>();
  const kept = (name: string, make: () => Buffer): Buffer => {
    let body = bodies.get(name);
    if (body === undefined) {
      body = make();
      bodies.set(name, body);
    }
    return body;
  };
  return {
    coreVersions: (serverAddress) =>
      buffer({
        kind: "APIVersions",
        versions: core().flatMap(({ versions }) => versions.map(({ version }) => version)),
        serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
      }),
    groups: () =>
      kept("", () => buffer({ kind: "APIGroupList", apiVersion: "v1", groups: named().map(apiGroup) })),
    group(name) {
      const facts = name === "" ? undefined : byGroup().get(name);
      if (facts === undefined) return undefined;
      return kept(name, () => buffer({ kind: "APIGroup", apiVersion: "v1", ...apiGroup(facts) }));
    },
    resources(group, version) {
      const facts = byGroup()
        .get(group)
        ?.versions.find((one) => one.version === version);
      if (facts === undefined) return undefined;
      return kept(`${group}/${version}`, () => buffer(resourceList(facts)));
    },
    aggregatedCore: lazily(() => aggregated(core())),
    aggregatedGroups: lazily(() => aggregated(named(), new Set(own))),
  };
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
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

/**
 * `APIGroupDiscoveryList` of apidiscovery.k8s.io/v2; other requests have their turn while a large one is made. `own`: kinds that
 * a workspace defines, whose group and version are told once more, as upstream does.
 */
async function aggregated(
  groups: readonly GroupFacts[],
  own: ReadonlySet<ResourceInfo> = new Set(),
): Promise<AggregatedDocument> {
  const pacer = new Pacer();
  const items: string[] = [];
  for (const group of groups) {
    items.push(JSON.stringify(await aggregatedGroup(group, own, pacer)));
    await pacer.turn();
  }
  const head = JSON.stringify({
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
  });
  const body = Buffer.from(`${head.slice(0, -1)},"items":[${items.join(",")}]}\n`, "utf8");
  const digest = createHash("sha512").update(body).digest("hex").toUpperCase();
  return { body, etag: `"${digest}"` };
}

async function aggregatedGroup(
  { group, versions }: GroupFacts,
  own: ReadonlySet<ResourceInfo>,
  pacer: Pacer,
) {
  const shown = [];
  for (const { version, resources } of versions) {
    const all = [];
    for (const { info, version: served } of resources) {
      all.push(aggregatedResource(info, served, own.has(info)));
      await pacer.turn();
    }
    shown.push({ version, resources: all, freshness: "Current" });
  }
  return { metadata: group === "" ? {} : { name: group }, versions: shown };
}

const aggregatedResource = (
  info: ResourceInfo,
  { version, kind, verbs, subresources }: ResourceVersion,
  inFull: boolean,
) => ({
  resource: info.resource,
  responseKind: { group: inFull ? info.group : "", version: inFull ? version : "", kind },
  scope: info.namespaced ? "Namespaced" : "Cluster",
  singularResource: info.singular,
  verbs,
  ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
  ...(info.categories.length > 0 && { categories: info.categories }),
  ...(subresources.length > 0 && {
    subresources: subresources.map((subresource) => {
      const foreign = inFull || isForeign(info.group, version, subresource);
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

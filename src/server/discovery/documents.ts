/** What a client learns about a server before it uses it (spec 4.1); made when it is first asked for. */
import type { ResourceInfo, ResourceVersion, Subresource } from "#api/resource.ts";
import { Pacer } from "#base/pacer.ts";
import { SlicedText } from "./sliced-text.ts";
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
  /** `/api/{version}` (empty group) and `/apis/{group}/{version}`; undefined: 404. A long one is made in slices. */
  resources(group: string, version: string): Buffer | Promise<Buffer> | undefined;
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
  const all = lazily(() => groupsOf([...builtin, ...byGroupName(own)]));
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
      const name = `${group}/${version}`;
      if (facts.resources.length <= longList) return kept(name, () => buffer(resourceList(facts)));
      return bodies.get(name) ?? longResourceList(facts).then((body) => kept(name, () => body));
    },
    aggregatedCore: lazily(() => aggregated(core())),
    aggregatedGroups: lazily(() => aggregated(named(), new Set(own))),
  };
}

/** By the names of their groups, otherwise as they are; the groups are few, the resources may be many. */
function byGroupName(resources: readonly ResourceInfo[]): ResourceInfo[] {
  const groups = new Map<string, ResourceInfo[]>();
  for (const info of resources) {
    const known = groups.get(info.group);
    if (known === undefined) groups.set(info.group, [info]);
    else known.push(info);
  }
  return [...groups.keys()].sort().flatMap((group) => groups.get(group)!);
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

/** Longer lists are made in slices. */
const longList = 200;

/** Upstream's list of the core group never had an apiVersion. */
const listHead = ({ groupVersion }: VersionFacts) => ({
  kind: "APIResourceList",
  ...(groupVersion.includes("/") && { apiVersion: "v1" }),
  groupVersion,
});

/** Subresources are entries of their own, `deployments/scale`. */
function entriesOf({ info, version }: VersionFacts["resources"][number]) {
  return [
    resourceEntry(info, version),
    ...version.subresources.map((subresource) => subresourceEntry(info, version, subresource)),
  ];
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

const resourceList = (facts: VersionFacts) => ({
  ...listHead(facts),
  resources: facts.resources.flatMap(entriesOf).sort(byName),
});

/** The body of {@link resourceList}. */
async function longResourceList(facts: VersionFacts): Promise<Buffer> {
  const pacer = new Pacer();
  const entries: ReturnType<typeof entriesOf> = [];
  for (const resource of facts.resources) {
    entries.push(...entriesOf(resource));
    await pacer.turn();
  }
  entries.sort(byName);
  const out = new SlicedText(pacer);
  await out.add(`${JSON.stringify(listHead(facts)).slice(0, -1)},"resources":[`);
  for (let i = 0; i < entries.length; i++) await out.add((i > 0 ? "," : "") + JSON.stringify(entries[i]));
  await out.add("]}\n");
  return out.bytes();
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
  const out = new SlicedText(new Pacer());
  const head = { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {} };
  await out.add(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  let comma = "";
  for (const { group, versions } of groups) {
    const metadata = group === "" ? {} : { name: group };
    await out.add(`${comma}{"metadata":${JSON.stringify(metadata)},"versions":[`);
    for (let i = 0; i < versions.length; i++) {
      const { version, resources } = versions[i]!;
      await out.add(`${i > 0 ? "," : ""}{"version":${JSON.stringify(version)},"resources":[`);
      for (let k = 0; k < resources.length; k++) {
        const { info, version: served } = resources[k]!;
        const resource = aggregatedResource(info, served, own.has(info));
        await out.add((k > 0 ? "," : "") + JSON.stringify(resource));
      }
      await out.add('],"freshness":"Current"}');
    }
    await out.add("]}");
    comma = ",";
  }
  await out.add("]}\n");
  return { body: out.bytes(), etag: `"${out.sha512()}"` };
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

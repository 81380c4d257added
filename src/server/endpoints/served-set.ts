import type { ResourceInfo, ResourceVersion, Subresource } from "#api/resource.ts";
import type { JsonObject } from "#machinery/json/value.ts";

/** A resource in one version, as a path names it. */
export interface ServedResource {
  readonly info: ResourceInfo;
  readonly version: ResourceVersion;
}

/**
 * One served version of a kind that the workspace defines itself. Members that hold much are read when asked for: a
 * workspace may have ten thousand of these.
 */
export interface CustomServed {
  /** The facts of the resource; the same object for all its versions. */
  readonly info: ResourceInfo;
  readonly version: string;
  readonly listKind: string;
  /** Tells the content of everything else here: equal hashes make equal documents. Cheap to read. */
  readonly contentHash: string;
  /** `spec.versions[].schema.openAPIV3Schema`, descriptions included; read from the store. */
  openApiSchema(): JsonObject | undefined;
  /** `spec.preserveUnknownFields`, only true in definitions from before v1. */
  readonly preserveUnknownFields: boolean;
  /** JSON paths of `selectableFields`, such as `.spec.color`. */
  readonly selectableFields: readonly string[];
}

const versionsOf = new WeakMap<ResourceInfo, ReadonlyMap<string, ResourceVersion>>();

/** The facts of a version; a definition may have thousands of them. */
export function versionOf({ info, version }: Pick<CustomServed, "info" | "version">): ResourceVersion {
  let known = versionsOf.get(info);
  if (known === undefined) {
    known = new Map(info.versions.map((one) => [one.version, one]));
    versionsOf.set(info, known);
  }
  return known.get(version)!;
}

/** What a workspace adds to what its type serves. */
export interface CustomAddition {
  /** The set of the workspace's type. */
  readonly base: ServedSet;
  /** In the order of the definitions. */
  readonly served: readonly CustomServed[];
}

/**
 * What a workspace serves. There is one set for each type of workspaces, and sets with additions for workspaces that define
 * kinds; those are made for a state of the workspace and never change.
 */
export class ServedSet {
  readonly name: string;
  readonly resources: readonly ResourceInfo[];
  readonly custom: CustomAddition | undefined;
  #byPath: Map<string, ServedResource> | undefined;
  #groups: Set<string> | undefined;

  constructor(name: string, resources: readonly ResourceInfo[], custom?: CustomAddition) {
    this.name = name;
    this.resources = resources;
    this.custom = custom;
  }

  /** Whether resources of the group are built in: upstream's router then answers for all paths of the group. */
  hasGroup(group: string): boolean {
    this.#groups ??= new Set(this.resources.map((info) => info.group));
    return this.#groups.has(group);
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    this.#byPath ??= byPath(this.resources);
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }
}

function byPath(resources: readonly ResourceInfo[]): Map<string, ServedResource> {
  const paths = new Map<string, ServedResource>();
  for (const info of resources) {
    for (const version of info.versions)
      paths.set(`${info.group}/${version.version}/${info.resource}`, { info, version });
  }
  return paths;
}

/** Subresources whose requests are of the object itself; beside them, those that are a Scale. The others need machinery. */
const servedSubresources: readonly string[] = ["status", "finalize", "approval"];

/** The facts without the subresources that this server does not serve: discovery must not promise them. */
export function withServedSubresources(info: ResourceInfo): ResourceInfo {
  const served = (subresource: Subresource): boolean =>
    subresource.scale !== undefined || servedSubresources.includes(subresource.name);
  return {
    ...info,
    versions: info.versions.map((version) => ({
      ...version,
      subresources: version.subresources.filter(served),
    })),
  };
}

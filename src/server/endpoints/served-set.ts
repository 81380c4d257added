import type { ResourceInfo, ResourceVersion, Subresource } from "#api/resource.ts";

/** A resource in one version, as a path names it. */
export interface ServedResource {
  readonly info: ResourceInfo;
  readonly version: ResourceVersion;
}

/** What the workspaces of one type serve. There are as many sets as types, not as many as workspaces. */
export class ServedSet {
  readonly name: string;
  readonly resources: readonly ResourceInfo[];
  readonly #byPath = new Map<string, ServedResource>();

  constructor(name: string, resources: readonly ResourceInfo[]) {
    this.name = name;
    this.resources = resources;
    for (const info of resources) {
      for (const version of info.versions) {
        this.#byPath.set(`${info.group}/${version.version}/${info.resource}`, { info, version });
      }
    }
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }
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

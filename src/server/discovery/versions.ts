import type { ResourceInfo, ResourceVersion } from "#api/resource.ts";
import { compareVersions } from "#machinery/names/versions.ts";

/** One group as discovery shows it. */
export interface GroupFacts {
  /** Empty for the core group. */
  readonly group: string;
  /** Preferred version first. */
  readonly versions: readonly VersionFacts[];
}

export interface VersionFacts {
  readonly version: string;
  /** `v1` or `apps/v1`. */
  readonly groupVersion: string;
  readonly resources: readonly { readonly info: ResourceInfo; readonly version: ResourceVersion }[];
}

/** Groups in the order of their first resource; versions in Kubernetes' order; resources by name. */
export function groupsOf(resources: readonly ResourceInfo[]): readonly GroupFacts[] {
  const groups = new Map<string, Map<string, { info: ResourceInfo; version: ResourceVersion }[]>>();
  for (const info of resources) {
    const versions =
      groups.get(info.group) ?? new Map<string, { info: ResourceInfo; version: ResourceVersion }[]>();
    groups.set(info.group, versions);
    for (const version of info.versions) {
      const served = versions.get(version.version) ?? [];
      versions.set(version.version, served);
      served.push({ info, version });
    }
  }
  return [...groups].map(([group, versions]) => ({
    group,
    versions: [...versions]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, served]) => ({
        version,
        groupVersion: group === "" ? version : `${group}/${version}`,
        resources: served.sort((a, b) => (a.info.resource < b.info.resource ? -1 : 1)),
      })),
  }));
}

import type { ResourceInfo, ResourceVersion } from "#api/resource.ts";

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

const stability: readonly (string | undefined)[] = ["alpha", "beta", undefined];

/**
 * Kubernetes-aware order (k8s.io/apimachinery/pkg/version): v2, v1, v1beta2, v1beta1, v1alpha1, then other names by
 * the alphabet. Negative when `a` comes first.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) {
    if (left !== undefined) return -1;
    if (right !== undefined) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parse(version: string): { major: number; stability: number; minor: number } | undefined {
  const match = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/.exec(version);
  if (match === null) return undefined;
  return { major: Number(match[1]), stability: stability.indexOf(match[2]), minor: Number(match[3] ?? 0) };
}

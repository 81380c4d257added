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

/** Names in use in a workspace: asked of the store's index of accepted names, and of the built-in kinds it serves. */
import type { ResourceInfo } from "#api/resource.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { acceptedNameTerm } from "#registry/key-space.ts";
import { collectionPrefix, parseObjectKey } from "#registry/keys.ts";
import type { Store } from "#storage/port.ts";
import type { NameClaims } from "./names.ts";
import { customResourceDefinitions } from "./types.ts";

const collection = collectionPrefix(customResourceDefinitions);

/** `builtins`: what the workspace serves besides what it defines. `definition` is the one that asks. */
export function nameClaims(
  store: Store,
  cluster: ClusterName,
  definition: string,
  builtins: readonly ResourceInfo[],
): NameClaims {
  const indexed = (group: string, type: "resource" | "kind", name: string): boolean => {
    const term = acceptedNameTerm(cluster, group, type, name);
    return store
      .indexEntries(term, `${term}\0`, 2)
      .some(({ key }) => parseObjectKey(collection, false, key).name !== definition);
  };
  return {
    resource: (group, name) =>
      builtins.some(
        (info) =>
          info.group === group &&
          (info.resource === name || info.singular === name || info.shortNames.includes(name)),
      ) || indexed(group, "resource", name),
    kind: (group, name) =>
      builtins.some(
        (info) =>
          info.group === group && info.versions.some(({ kind }) => kind === name || `${kind}List` === name),
      ) || indexed(group, "kind", name),
  };
}

/** The types of a workspace's kinds, as their schemas are published (k8s.io/apiserver pkg/cel/openapi/resolver). */
import { celTypeOfCatalogue } from "#machinery/cel/catalogue-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { GroupVersionKind } from "#machinery/meta/object.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Registry } from "#registry/registry.ts";
import type { CustomType, Resource } from "#registry/resource.ts";
import { ConfigurationError, paramResource } from "./params.ts";
import type { TypeSource } from "./type-check.ts";

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

export function knownTypes(registry: Registry, types: TypeResolver, cluster: ClusterName): TypeSource {
  return {
    kindOf: (resource, version) =>
      registry
        .resourceIn(cluster, resource, version)
        ?.info.versions.find((served) => served.version === version)?.kind,
    typeOf(kind) {
      const resource = resourceOf(registry, cluster, kind);
      if (resource === undefined) return undefined;
      const custom = resource.custom?.get(kind.version);
      if (custom !== undefined) return customCelType(custom, types, kind.kind);
      const served = resource.info.versions.find(({ version }) => version === kind.version);
      return served === undefined ? undefined : celTypeOfCatalogue(served.type, types, kind.kind);
    },
  };
}

/** What is published of a custom kind: its own schema, and all of metadata. */
export const customCelType = (
  custom: Pick<CustomType, "celType">,
  types: TypeResolver,
  name: string,
): CelType | undefined =>
  custom.celType({
    typeName: name,
    isResourceRoot: true,
    metadata: (path) => celTypeOfCatalogue(objectMeta, types, path),
  });

function resourceOf(
  registry: Registry,
  cluster: ClusterName,
  { group, version, kind }: GroupVersionKind,
): Resource | undefined {
  try {
    const apiVersion = group === "" ? version : `${group}/${version}`;
    return paramResource(registry, cluster, { apiVersion, kind }).resource;
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

import type { Columns } from "#api/columns/types.ts";
import type { ResourceInfo, ResourceVersion } from "#api/resource.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import { collectionPrefix } from "./keys.ts";
import type { Strategy } from "./strategy.ts";

/** What one version of a kind that is defined by data brings along; built-in kinds have the catalogue instead. */
export interface CustomType {
  /** Decoding (with pruning), and defaulting. */
  readonly compiled: CompiledType;
  /** For server-side apply and OpenAPI; metadata refers to the catalogue's ObjectMeta. */
  readonly schema: Schema;
  readonly columns: Columns;
}

/** A resource as the registry serves it: the facts, its key prefix (computed once) and its strategy. */
export interface Resource extends GroupResource {
  readonly info: ResourceInfo;
  /** `/registry/core/secrets/` */
  readonly collection: string;
  readonly namespaced: boolean;
  readonly strategy: Strategy;
  readonly storage: ResourceVersion;
  /** The kind has a status subresource, so the main endpoint ignores `status`. */
  readonly hasStatus: boolean;
  /** Types by version, of kinds that a workspace defines itself (CRDs, later exported APIs). */
  readonly custom?: ReadonlyMap<string, CustomType>;
}

/**
 * The kind is a custom resource to clients, as kcp's kinds are there: no protobuf, no strategic merge patch, and items of
 * lists keep their type.
 */
export const isCustomKind = (resource: Resource): boolean =>
  resource.custom !== undefined || resource.group.endsWith("kcp.io");

/** Throws when the facts are inconsistent: that is a bug of the catalogue. */
export function makeResource(info: ResourceInfo, strategy: Strategy): Resource {
  const storage = info.versions.find((version) => version.version === info.storageVersion);
  if (storage === undefined) throw new Error(`${info.resource}.${info.group}: storage version is not served`);
  return {
    info,
    group: info.group,
    resource: info.resource,
    collection: collectionPrefix(info),
    namespaced: info.namespaced,
    strategy,
    storage,
    hasStatus: storage.subresources.some((subresource) => subresource.name === "status"),
  };
}

/** The same object as another version of its kind shows it. Never changes its argument. */
export function convertTo(resource: Resource, object: KubeObject, version: string): KubeObject {
  const apiVersion = apiVersionOf(resource.group, version);
  if (object.apiVersion === apiVersion) return object;
  const converted = resource.strategy.convert?.(object, version) ?? object;
  return { ...converted, apiVersion };
}

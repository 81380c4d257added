import type { Columns } from "#api/columns/types.ts";
import type { ResourceInfo, ResourceVersion } from "#api/resource.ts";
import type { SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import type { Comparison } from "#storage/port.ts";
import { collectionPrefix } from "./keys.ts";
import { decodeStored, type StoredObject } from "./stored-object.ts";
import type { StoredAs, Strategy } from "./strategy.ts";

/** What one version of a kind that is defined by data brings along; built-in kinds have the catalogue instead. */
export interface CustomType {
  /** Decoding (with pruning), and defaulting. */
  readonly compiled: CompiledType;
  /** For server-side apply and OpenAPI; metadata refers to the catalogue's ObjectMeta. */
  readonly schema: Schema;
  /** What expressions see of objects. */
  celType(options: SchemaTypeOptions): CelType | undefined;
  readonly columns: Columns;
}

/** Types by version. */
export interface CustomTypes {
  get(version: string): CustomType | undefined;
}

/**
 * How objects of a kind that a workspace defines lie in the store, seen from one of its versions; or those of a kind that
 * shares its objects with another. The registry works with them in that version throughout; the stored one may be another.
 */
export interface StoredForm {
  /** The stored bytes are what this version shows: no conversion, nothing to default or to prune. */
  shownAsStored(stored: StoredObject): boolean;
  /** To bring objects of other schemas up to the present ones may take long, however small they are: they must be compiled. */
  readonly costly: boolean;
  /** Somebody may have to be asked: {@link decode} and {@link encode} may answer promises. */
  readonly asynchronous: boolean;
  /** The objects in this version, in the same order, one call for all. */
  decode(stored: readonly StoredObject[]): readonly KubeObject[] | Promise<readonly KubeObject[]>;
  /** An object of any version as another one shows it; the given one is not changed. */
  convert(object: KubeObject, version: string): KubeObject | Promise<KubeObject>;
  /** The bytes to store of an object in this version. */
  encode(object: KubeObject): Buffer | Promise<Buffer>;
  /** False: the definition is another one now, so this view of it shows nothing right any more. Cheap. */
  isCurrent(): boolean;
  /**
   * The definition that the object was made by, to compare in the transaction of each write.
   * @throws DefinitionChangedError, StatusError 403 for a creation while the definition is going away
   */
  guard(name: string, creation: boolean): readonly Comparison[];
}

/** The definition is another one than the request began with: what was decoded by it must be decoded anew. */
export class DefinitionChangedError extends Error {
  override readonly name = "DefinitionChangedError";
}

/** For what is read on a fresh copy by a view that was found before. @throws DefinitionChangedError */
export function mustBeCurrent({ form }: Resource): void {
  if (form?.isCurrent() === false) throw new DefinitionChangedError();
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
  readonly custom?: CustomTypes;
  /** Of kinds that a workspace defines itself, and of those that show another's objects. `storage` is then the version that this is a view of. */
  readonly form?: StoredForm;
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
  const { storedAs } = strategy;
  return {
    info,
    group: info.group,
    resource: info.resource,
    collection: collectionPrefix(storedAs?.resource ?? info),
    namespaced: info.namespaced,
    strategy,
    storage,
    hasStatus: storage.subresources.some((subresource) => subresource.name === "status"),
    ...(storedAs !== undefined && { form: formOf(storedAs) }),
  };
}

const formOf = ({ fromStored, toStored }: StoredAs): StoredForm => ({
  shownAsStored: () => false,
  costly: false,
  asynchronous: false,
  decode: (stored) => stored.map((one) => fromStored(decodeStored(one))),
  // Such kinds have one version.
  convert: (object) => object,
  encode: (object) => canonicalBytes(toStored(object)),
  isCurrent: () => true,
  guard: () => [],
});

/**
 * The same object as another version of its kind shows it. Never changes its argument. Kinds that workspaces define are
 * converted on their way from and to the store only.
 */
export function convertTo(resource: Resource, object: KubeObject, version: string): KubeObject {
  if (resource.form !== undefined) return object;
  const apiVersion = apiVersionOf(resource.group, version);
  if (object.apiVersion === apiVersion) return object;
  const converted = resource.strategy.convert?.(object, version) ?? object;
  return { ...converted, apiVersion };
}

/** The kind that errors about an object name: of objects that lie among those of another group, that group's. */
export const errorKind = ({ group, storage, strategy }: Resource): { group: string; kind: string } => ({
  group: strategy.storedAs?.resource.group ?? group,
  kind: storage.kind,
});

import type { TypeName } from "#machinery/schema/types.ts";
import type { ScaleDescription } from "./scale.ts";

/** A verb of discovery. */
export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

/** A subresource such as `status`, `finalize`, `scale`, `token`; `kind` names the type its requests and answers have. */
export interface Subresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly Verb[];
  /** It is an autoscaling/v1 Scale, made of these fields. */
  readonly scale?: ScaleDescription;
}

/** One served version of a resource. */
export interface ResourceVersion {
  readonly version: string;
  readonly kind: string;
  /** Kind of its lists, where it is not the kind with `List` behind. */
  readonly listKind?: string;
  /** Schema of the object in this version. */
  readonly type: TypeName;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
}

/** A resource as the API serves it, in all its versions. Facts only, from the catalogue. */
export interface ResourceInfo {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, lower case. */
  readonly resource: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Newest stable first. */
  readonly versions: readonly ResourceVersion[];
  /** The version that is written to the store. */
  readonly storageVersion: string;
  /** Discovery's opaque mark of the storage version, as upstream publishes it. */
  readonly storageVersionHash?: string;
  /** Review kinds are answered, never stored. */
  readonly virtual: boolean;
}

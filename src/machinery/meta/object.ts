import type { JsonValue } from "#machinery/json/value.ts";

/** An API object in memory: JSON with the three fields every kind has. Fields are read through typed helpers. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    ownerReferences?: OwnerReference[];
    managedFields?: JsonValue[];
  };
  [field: string]: unknown;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface GroupVersionKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** `v1` or `apps/v1`. */
export const apiVersionOf = (group: string, version: string): string =>
  group === "" ? version : `${group}/${version}`;

/** Splits `apps/v1`; undefined when malformed (more than one slash, empty version). */
export function parseApiVersion(apiVersion: string): { group: string; version: string } | undefined {
  const parts = apiVersion.split("/");
  if (parts.length === 1 && parts[0] !== "") return { group: "", version: parts[0]! };
  if (parts.length === 2 && parts[0] !== "" && parts[1] !== "")
    return { group: parts[0]!, version: parts[1]! };
  return undefined;
}

/** `configmaps` or `foos.example.com`, as error messages name a resource. */
export const groupResourceName = ({ group, resource }: GroupResource): string =>
  group === "" ? resource : `${resource}.${group}`;

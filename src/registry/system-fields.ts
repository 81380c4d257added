/** The metadata that the server owns. */
import { badRequest } from "#machinery/errors/errors.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { clusterAnnotation } from "./stored-object.ts";

/** RFC 3339 in UTC with whole seconds, as meta/v1 Time is written. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000);
  if (second !== latest.second) latest = { second, text: `${new Date(nowMs).toISOString().slice(0, 19)}Z` };
  return latest.text;
}

/** Hundreds of writes ask within a second. */
let latest = { second: Number.NaN, text: "" };

/** A random (version 4) UUID. */
export function makeUid(randomBytes: (size: number) => Uint8Array): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Drops what a client may not set on a new object (rest.WipeObjectMetaSystemFields), and what is derived from the key. */
export function wipeSystemFields(object: KubeObject): void {
  const { metadata } = object;
  delete metadata.uid;
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete (metadata as { selfLink?: unknown }).selfLink;
  dropDerivedAnnotation(object);
}

/**
 * Puts an object where the request wants it. One that leaves its namespace out goes there, too; the endpoint has refused others, so
 * that another one here is the work of admission.
 * @throws StatusError 400
 */
export function placeIn(namespace: string, metadata: KubeObject["metadata"]): void {
  if (namespace === "") {
    delete metadata.namespace;
    return;
  }
  if ((metadata.namespace ?? "") !== "" && metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  metadata.namespace = namespace;
}

/** An empty list of managed fields means that there are none. */
export function dropEmptyManaged({ metadata }: KubeObject): void {
  if (metadata.managedFields?.length === 0) delete metadata.managedFields;
}

/** `kcp.io/cluster` is told from the key; clients send it back because they read it. */
export function dropDerivedAnnotation(object: KubeObject): void {
  const { annotations } = object.metadata;
  if (annotations === undefined || !Object.hasOwn(annotations, clusterAnnotation)) return;
  const { [clusterAnnotation]: _derived, ...rest } = annotations;
  if (Object.keys(rest).length === 0) delete object.metadata.annotations;
  else object.metadata.annotations = rest;
}

/** Marks an object as being deleted: `deletionTimestamp`, no grace, a new generation where one is kept. */
export function markDeleted(object: KubeObject, nowMs: number): void {
  const { metadata } = object;
  metadata.deletionTimestamp = timestamp(nowMs);
  metadata.deletionGracePeriodSeconds = 0;
  if (metadata.generation !== undefined) metadata.generation += 1;
}

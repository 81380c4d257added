/**
 * The move from client-side to server-side apply: `kubectl apply` left its last configuration in an annotation
 * (apimachinery managedfields/internal/lastapplied*.go).
 */

import { byteLength } from "#base/bytes.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { readJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import { compareTyped } from "./compare.ts";
import type { ManagedKind } from "./field-manager.ts";
import { goValueJson } from "./go-text.ts";
import { toFieldSet } from "./to-field-set.ts";
import type { Conflict } from "./updater.ts";
import { validateTyped } from "./validate.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";
/** The manager of `kubectl apply --server-side`; only with this name does the annotation count. */
export const serverSideKubectl = "kubectl";
/** As validation allows for all annotations together. */
const maxAnnotationsBytes = 256 * 1024;

/** Tells which conflicts remain: not those about fields that client-side apply wrote and that still are as it wrote them. */
export function lastAppliedAllows(kind: ManagedKind, live: JsonObject): (conflict: Conflict) => boolean {
  const owned = ownedByLastApplied(kind, live);
  return ({ path }) => owned?.has(path) !== true;
}

function ownedByLastApplied(kind: ManagedKind, live: JsonObject) {
  const text = annotationOf(live);
  const type = kind.typeIn(kind.apiVersion);
  if (text === undefined || type === undefined) return undefined;
  try {
    const last = readJson(text);
    if (!isJsonObject(last) || last.apiVersion !== kind.apiVersion) return undefined;
    validateTyped(type, live, { allowDuplicates: false });
    validateTyped(type, last, { allowDuplicates: false });
    const { removed, modified, added } = compareTyped(type, last, live);
    return toFieldSet(type, last).difference(modified).difference(added).difference(removed);
  } catch {
    return undefined;
  }
}

function annotationOf({ metadata }: JsonObject): string | undefined {
  const annotations = isJsonObject(metadata) ? metadata.annotations : undefined;
  if (!isJsonObject(annotations) || !Object.hasOwn(annotations, annotation)) return undefined;
  const text = annotations[annotation];
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** Where the annotation is, it tells the newest configuration, for clients that still apply on their side. */
export function refreshLastApplied(object: JsonObject, patch: JsonObject): JsonObject {
  if (annotationOf(object) === undefined) return object;
  const configuration = cloneJson(patch);
  if (isJsonObject(configuration.metadata) && isJsonObject(configuration.metadata.annotations))
    delete configuration.metadata.annotations[annotation];
  const metadata = object.metadata as JsonObject;
  const annotations = {
    ...(metadata.annotations as JsonObject),
    [annotation]: `${goValueJson(configuration)}\n`,
  };
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) size += byteLength(key) + byteLength(String(value));
  if (size > maxAnnotationsBytes) delete (annotations as JsonObject)[annotation];
  return { ...object, metadata: { ...metadata, annotations } };
}

/** What becomes of an object's dependents when it is deleted; finalizers say it to the garbage collector. */
import type { KubeObject } from "#machinery/meta/object.ts";
import { foregroundFinalizer, orphanFinalizer } from "#machinery/meta/validation.ts";

/** meta/v1 DeletionPropagation. */
export type Propagation = "Background" | "Foreground" | "Orphan";

/** What an object's kind wants where neither the deletion nor the object says it (shouldOrphanDependents, the same file). */
export function propagationByDefault(
  { metadata: { finalizers = [] } }: KubeObject,
  orphansByDefault: boolean,
): Propagation | undefined {
  const said = finalizers.includes(orphanFinalizer) || finalizers.includes(foregroundFinalizer);
  return orphansByDefault && !said ? "Orphan" : undefined;
}

/**
 * Sets the garbage collector's finalizer: a policy replaces the one that is there, without a policy it stays
 * (k8s.io/apiserver pkg/registry/generic/registry/store.go deletionFinalizersForGarbageCollection). Answers whether anything changed.
 */
export function setPropagation(object: KubeObject, propagation: Propagation | undefined): boolean {
  if (propagation === undefined) return false;
  const { finalizers = [] } = object.metadata;
  const wanted =
    propagation === "Foreground"
      ? foregroundFinalizer
      : propagation === "Orphan"
        ? orphanFinalizer
        : undefined;
  const others = finalizers.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  if (others.length === finalizers.length && wanted === undefined) return false;
  if (others.length === finalizers.length - 1 && wanted !== undefined && finalizers.includes(wanted))
    return false;
  object.metadata.finalizers = wanted === undefined ? others : [...others, wanted];
  return true;
}

/** core.kcp.io LogicalCluster: the one object of that name in each workspace; the server makes it. */
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";
import {
  isRoot,
  logicalClusterDeletionFinalizer,
  logicalClusters,
  pathAnnotation,
  workspaceTypeAnnotation,
} from "./types.ts";

export const logicalClusterStrategy: Strategy = {
  tracksGeneration: true,
  requiresResourceVersion: true,
  prepareForCreate(object) {
    const why = "a workspace's LogicalCluster is made by the server, together with the Workspace";
    throw forbiddenResource(logicalClusters, object.metadata.name ?? "", why);
  },
  prepareForUpdate(object, old) {
    for (const name of [pathAnnotation, workspaceTypeAnnotation]) {
      const value = old.metadata.annotations?.[name];
      if (value !== undefined)
        object.metadata.annotations = { ...object.metadata.annotations, [name]: value };
    }
    // The finalizer leaves with the last of the content, by the server's hand only (which does not come through here).
    const held = old.metadata.finalizers?.includes(logicalClusterDeletionFinalizer) === true;
    const { finalizers = [] } = object.metadata;
    if (held && !finalizers.includes(logicalClusterDeletionFinalizer)) {
      object.metadata.finalizers = [...finalizers, logicalClusterDeletionFinalizer];
    }
  },
  validateUpdate: (object, old): FieldError[] =>
    (["owner", "createdBy"] as const)
      .filter((field) => !jsonEqual(specField(object, field), specField(old, field)))
      .map((field) => fieldInvalid(`spec.${field}`, specField(object, field), "field is immutable")),
  checkDelete(object, { cluster }) {
    // Everything hangs on root, and nothing would bring it back.
    if (specField(object, "directlyDeletable") === true && !isRoot(cluster)) return;
    const why = isRoot(cluster)
      ? "the root workspace cannot be deleted"
      : "not directly deletable: delete the Workspace that owns it";
    throw forbiddenResource(logicalClusters, object.metadata.name ?? "", why);
  },
  prepareForDeletion(object) {
    object.status = { ...(object.status as object | undefined), phase: "Deleting" };
  },
};

const specField = (object: KubeObject, field: string): JsonValue =>
  ((object.spec ?? {}) as Record<string, JsonValue>)[field] ?? null;

/** What the garbage collector writes: deletions, and changes of metadata, each of the object that was read and no other. */
import { notFound } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject, OwnerReference } from "#machinery/meta/object.ts";
import { controllerManager } from "#registry/managed-fields.ts";
import type { Propagation } from "#registry/propagation.ts";
import type { Registry } from "#registry/registry.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { Requester } from "#registry/strategy.ts";
import { isBlocking } from "./owner-references.ts";

export class CollectorWrites {
  readonly #registry: Registry;
  readonly #requester: Requester;

  constructor(registry: Registry, requester: Requester) {
    this.#registry = registry;
    this.#requester = requester;
  }

  /** False: it was changed meanwhile, so its owners have to be looked at again. */
  async remove(stored: StoredObject, propagation: Propagation | undefined): Promise<boolean> {
    const { uid = "" } = stored.metadata;
    const preconditions = { uid, resourceVersion: String(stored.revision) };
    try {
      await this.#registry.delete({
        resource: stored.resource,
        ...stored.location,
        preconditions,
        dryRun: false,
        requester: this.#requester,
        propagation,
      });
      return true;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (error.code === 409) return false;
      // Gone already, or of those that may never be deleted.
      if (error.code === 404 || error.code === 403) return true;
      throw error;
    }
  }

  keepReferences(
    stored: StoredObject | undefined,
    keep: (reference: OwnerReference) => boolean,
  ): Promise<void> {
    return this.#changeMetadata(stored, (metadata) => {
      const references = metadata.ownerReferences ?? [];
      const kept = references.filter(keep);
      if (kept.length === references.length) return undefined;
      const { ownerReferences: _dropped, ...rest } = metadata;
      return kept.length === 0 ? rest : { ...rest, ownerReferences: kept };
    });
  }

  stopBlocking(stored: StoredObject): Promise<void> {
    return this.#changeMetadata(stored, (metadata) => {
      const references = metadata.ownerReferences ?? [];
      if (!references.some(isBlocking)) return undefined;
      return {
        ...metadata,
        ownerReferences: references.map((reference) => ({ ...reference, blockOwnerDeletion: false })),
      };
    });
  }

  removeFinalizer(stored: StoredObject, finalizer: string): Promise<void> {
    return this.#changeMetadata(stored, (metadata) => {
      const { finalizers = [], deletionTimestamp } = metadata;
      if (deletionTimestamp === undefined || !finalizers.includes(finalizer)) return undefined;
      return { ...metadata, finalizers: finalizers.filter((other) => other !== finalizer) };
    });
  }

  /** Changes the object while it is the one that was read; undefined = nothing to change. */
  async #changeMetadata(
    stored: StoredObject | undefined,
    change: (metadata: KubeObject["metadata"]) => KubeObject["metadata"] | undefined,
  ): Promise<void> {
    if (stored === undefined) return;
    const { uid } = stored.metadata;
    const { resource } = stored;
    try {
      await this.#registry.update({
        resource,
        version: resource.storage.version,
        ...stored.location,
        subresource: "",
        dryRun: false,
        requester: this.#requester,
        fieldManager: controllerManager,
        internal: true,
        transform(current): KubeObject {
          // A kind that PUT creates must not come back by this.
          if (current === undefined) throw notFound(resource, stored.location.name);
          const metadata = current.metadata.uid === uid ? change(current.metadata) : undefined;
          return metadata === undefined ? current : { ...current, metadata };
        },
      });
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
    }
  }
}

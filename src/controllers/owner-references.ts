/** Who the owners of an object are, and in what state (k8s.io/kubernetes pkg/controller/garbagecollector classifyReferences). */
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import type { ResourceInfo } from "#api/resource.ts";
import { apiVersionOf, type OwnerReference, parseApiVersion } from "#machinery/meta/object.ts";
import { foregroundFinalizer } from "#machinery/meta/validation.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { type ObjectLocation, objectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { storedMetadata } from "#registry/stored-metadata.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import { type Key, maxKeyBytes } from "#storage/port.ts";
import { kubernetesWorkspaceType, typeText } from "#workspaces/types.ts";

export interface ClassifiedReferences {
  /** The owner is there. */
  readonly solid: readonly OwnerReference[];
  /** The owner is gone, or another object has its name. */
  readonly dangling: readonly OwnerReference[];
  /** The owner is being deleted in the foreground and waits for its dependents. */
  readonly waiting: readonly OwnerReference[];
}

/** Whether a foreground deletion of the owner waits for the one that refers to it. */
export const isBlocking = (reference: OwnerReference): boolean => reference.blockOwnerDeletion === true;

/** Where an owner must be. Without a key no object can have that name. */
interface OwnerPlace {
  readonly key: Key | undefined;
}

const segmentPattern = /^(?!\.{1,2}$)[^/\0]+$/;

/** Finds owners. An owner is in the dependent's workspace always, and in its namespace unless the owner has none. */
export class Owners {
  readonly #registry: Registry;
  /** Resources by `<apiVersion>/<kind>`, as the two sets of kinds that workspaces serve know them. */
  readonly #universal: ReadonlyMap<string, Resource>;
  readonly #kubernetes: ReadonlyMap<string, Resource>;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#universal = byKind(registry, universalResources());
    this.#kubernetes = byKind(registry, kubernetesResources());
  }

  /** Undefined: nothing can be said, because the workspace does not serve that kind or the scopes do not fit. */
  place(dependent: ObjectLocation, reference: OwnerReference): OwnerPlace | undefined {
    const resource =
      this.#kinds(dependent.cluster).get(`${reference.apiVersion}/${reference.kind}`) ??
      this.#customKind(dependent.cluster, reference);
    if (resource === undefined || (resource.namespaced && dependent.namespace === "")) return undefined;
    if (!segmentPattern.test(reference.name)) return { key: undefined };
    const namespace = resource.namespaced ? dependent.namespace : "";
    const key = objectKey(resource.collection, {
      cluster: dependent.cluster,
      namespace,
      name: reference.name,
    });
    return { key: Buffer.byteLength(key) > maxKeyBytes ? undefined : key };
  }

  /** The key of the owner, if it waits for its dependents. */
  waitingOwner(dependent: ObjectLocation, reference: OwnerReference): Key | undefined {
    const place = this.place(dependent, reference);
    return place !== undefined && this.#state(place, reference) === "waiting" ? place.key : undefined;
  }

  /** Undefined: nothing can be said. */
  stateOf(dependent: ObjectLocation, reference: OwnerReference): keyof ClassifiedReferences | undefined {
    const place = this.place(dependent, reference);
    return place === undefined ? undefined : this.#state(place, reference);
  }

  /** Undefined: one of the references is such that nothing can be said, so the object must be left alone. */
  classify(dependent: StoredObject): ClassifiedReferences | undefined {
    const found = {
      solid: [] as OwnerReference[],
      dangling: [] as OwnerReference[],
      waiting: [] as OwnerReference[],
    };
    for (const reference of dependent.metadata.ownerReferences ?? []) {
      const place = this.place(dependent.location, reference);
      if (place === undefined) return undefined;
      found[this.#state(place, reference)].push(reference);
    }
    return found;
  }

  /**
   * The owner is in another namespace, where no reference of this object can reach it: it is looked for by its name in the
   * given namespaces.
   */
  isElsewhere(
    dependent: ObjectLocation,
    reference: OwnerReference,
    namespaces: () => Iterable<string>,
  ): boolean {
    const here = this.place(dependent, reference);
    if (here !== undefined && this.#state(here, reference) !== "dangling") return false;
    for (const namespace of namespaces()) {
      if (namespace === dependent.namespace) continue;
      const there = this.place({ ...dependent, namespace }, reference);
      // The kind is not served, or has no namespaces.
      if (there?.key === undefined || there.key === here?.key) return false;
      if (this.#state(there, reference) !== "dangling") return true;
    }
    return false;
  }

  #state({ key }: OwnerPlace, reference: OwnerReference): keyof ClassifiedReferences {
    const entry = key === undefined ? undefined : this.#registry.store.get(key);
    const metadata = entry === undefined ? undefined : storedMetadata(entry.value);
    if (metadata === undefined || metadata.uid !== reference.uid) return "dangling";
    const waits =
      metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(foregroundFinalizer) === true;
    return waits ? "waiting" : "solid";
  }

  /** Asked anew each time: a kind may have been defined a moment ago. */
  #customKind(cluster: ClusterName, { apiVersion, kind }: OwnerReference): Resource | undefined {
    const parsed = parseApiVersion(apiVersion);
    return parsed && this.#registry.customResourceOfKind(cluster, { ...parsed, kind });
  }

  #kinds(cluster: ClusterName): ReadonlyMap<string, Resource> {
    const type = this.#registry.tenants.get(cluster)?.type;
    return type === typeText(kubernetesWorkspaceType) ? this.#kubernetes : this.#universal;
  }
}

function byKind(registry: Registry, infos: readonly ResourceInfo[]): Map<string, Resource> {
  const found = new Map<string, Resource>();
  for (const info of infos) {
    const resource = registry.resource(info);
    if (resource === undefined) continue;
    for (const { version, kind } of info.versions)
      found.set(`${apiVersionOf(info.group, version)}/${kind}`, resource);
  }
  return found;
}

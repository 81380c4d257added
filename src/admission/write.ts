import { notFound, timeout } from "#machinery/errors/errors.ts";
import type { GroupVersionKind, KubeObject } from "#machinery/meta/object.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import { namespaces } from "#registry/guards.ts";
import { readObject } from "#registry/read.ts";
import type { Registry } from "#registry/registry.ts";
import { clusterAnnotation } from "#registry/stored-object.ts";

/** Milliseconds of work (expressions, mostly) after which others have their turn. */
const sliceMs = 10;

/** The objects of a write in one version. */
export interface VersionedWrite {
  readonly version: string;
  readonly kind: GroupVersionKind;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

/**
 * One write on its way through the chain. `object` is what plugins have made of it so far, in the version of the URL;
 * it is replaced, never changed in place.
 */
export class Write {
  readonly registry: Registry;
  readonly #attributes: AdmissionAttributes;
  readonly #versions = new Map<string, VersionedWrite>();
  #object: KubeObject | undefined;
  #namespace: KubeObject | undefined;
  #workingSince: number;

  constructor(registry: Registry, attributes: AdmissionAttributes) {
    this.registry = registry;
    this.#attributes = attributes;
    this.#object = attributes.object;
    this.#workingSince = registry.clock.now();
  }

  get attributes(): AdmissionAttributes {
    return this.#object === this.#attributes.object
      ? this.#attributes
      : { ...this.#attributes, object: this.#object };
  }

  get object(): KubeObject | undefined {
    return this.#object;
  }

  set object(object: KubeObject | undefined) {
    this.#object = object;
    this.#versions.clear();
  }

  /**
   * Called between pieces of work: lets other requests go on when this one has worked for a while.
   * @throws StatusError 504 when nobody waits for the answer any more
   */
  async breathe(): Promise<void> {
    const now = this.registry.clock.now();
    if (now - this.#workingSince < sliceMs) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#workingSince = this.registry.clock.now();
    if (this.#attributes.expired()) throw timeout("request did not complete within requested timeout");
  }

  /** Of the request: for a Namespace its own, as upstream has it; "" while its name is to be made. */
  get namespace(): string {
    const { resource, namespace, name } = this.#attributes;
    return isNamespaces(resource) ? name : namespace;
  }

  /**
   * Both objects in a version. They name their workspace in the annotation `kcp.io/cluster`, new ones too, as they will
   * when they are read.
   */
  async in(version: string): Promise<VersionedWrite> {
    const known = this.#versions.get(version);
    if (known !== undefined) return known;
    const { forms, cluster, old } = this.#attributes;
    const shown = async (object: KubeObject | undefined): Promise<KubeObject | undefined> =>
      object === undefined ? undefined : named(await forms.convert(object, version), cluster);
    const made = {
      version,
      kind: forms.kindIn(version)!,
      object: await shown(this.#object),
      old: await shown(old),
    };
    this.#versions.set(version, made);
    return made;
  }

  /** What a plugin made of the object in a version becomes the object. */
  async replace(object: KubeObject): Promise<void> {
    this.object = await this.#attributes.forms.convert(object, this.#attributes.version);
  }

  /**
   * The namespace that the write is in; undefined for cluster-scoped kinds.
   * @throws StatusError 404
   */
  namespaceObject(): KubeObject | undefined {
    const { cluster } = this.#attributes;
    const name = this.namespace;
    if (name === "") return undefined;
    this.#namespace ??= readObject(this.registry, {
      resource: this.registry.mustResource(namespaces),
      cluster,
      namespace: "",
      name,
    }).object;
    return this.#namespace;
  }

  /** Labels that namespace selectors look at: a Namespace's own as it will be. @throws StatusError 404 */
  namespaceLabels(): Readonly<Record<string, string>> {
    const { resource, subresource, operation } = this.#attributes;
    if (isNamespaces(resource) && subresource === "" && (operation === "CREATE" || operation === "UPDATE"))
      return this.#object?.metadata.labels ?? {};
    const namespace = this.namespaceObject();
    if (namespace === undefined) throw notFound(namespaces, "");
    return namespace.metadata.labels ?? {};
  }
}

export const isNamespaces = (of: { readonly group: string; readonly resource: string }): boolean =>
  of.group === namespaces.group && of.resource === namespaces.resource;

function named(object: KubeObject, cluster: string): KubeObject {
  const { annotations } = object.metadata;
  if (annotations !== undefined && Object.hasOwn(annotations, clusterAnnotation)) return object;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [clusterAnnotation]: cluster } },
  };
}

/** Parameters of policies: objects of any kind of the workspace, by name or selector (plugin/policy/generic CollectParams). */
import { type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { listRange, objectKey, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { convertTo, type Resource } from "#registry/resource.ts";
import { StoredObject } from "#registry/stored-object.ts";
import { selectorChooses } from "#registry/strategies/label-selector.ts";
import type { Write } from "../write.ts";
import type { ParamKind, ParamRef } from "./policy.ts";

/** Objects that a selector looks at; a policy with more cannot be evaluated. */
const maxParams = 1_000;

/** The policy or binding cannot be used as it is; its failure policy decides. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** The resource of a kind in a workspace, seen in the version. @throws ConfigurationError */
export function paramResource(registry: Registry, cluster: ClusterName, param: ParamKind): ParamResource {
  const parsed = parseApiVersion(param.apiVersion);
  const { group = "", version = "" } = parsed ?? {};
  const builtin = [...registry.resources()].find(
    ({ info }) =>
      info.group === group && info.versions.some((one) => one.version === version && one.kind === param.kind),
  );
  const custom =
    builtin === undefined
      ? registry.customResourceOfKind(cluster, { group, version, kind: param.kind })
      : undefined;
  // Each version of a custom kind is a view of its own.
  const resource = builtin ?? (custom && registry.resourceIn(cluster, custom, version));
  if (resource === undefined)
    throw new ConfigurationError(
      `failed to find resource referenced by paramKind: '${group}/${version}, Kind=${param.kind}'`,
    );
  return { resource, version };
}

export interface ParamResource {
  readonly resource: Resource;
  readonly version: string;
}

/**
 * The parameters to evaluate a policy with, one evaluation each; [null]: without any.
 * @throws ConfigurationError
 */
export async function collectParams(
  write: Write,
  of: ParamResource | undefined,
  ref: ParamRef | undefined,
): Promise<readonly (KubeObject | null)[]> {
  if (of === undefined || ref === undefined) return [null];
  const { resource } = of;
  const namespace = ref.namespace === "" ? write.namespace : ref.namespace;
  if (!resource.namespaced && ref.namespace !== "")
    throw new ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  if (resource.namespaced && namespace === "")
    throw new ConfigurationError(
      "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    );
  const place = { ...of, cluster: write.attributes.cluster, namespace: resource.namespaced ? namespace : "" };
  const found =
    ref.name === ""
      ? await selected(write.registry, place, ref.selector)
      : await named(write.registry, place, ref.name);
  if (found.length === 0 && ref.denyWithout)
    throw new ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction");
  return found;
}

interface Place extends ParamResource {
  readonly cluster: ClusterName;
  readonly namespace: string;
}

async function named(registry: Registry, place: Place, name: string): Promise<KubeObject[]> {
  const { resource, cluster, namespace } = place;
  const location = { cluster, namespace, name };
  const entry = registry.store.get(objectKey(resource.collection, location));
  if (entry === undefined) return [];
  return [await shown(place, new StoredObject(resource, location, entry.revision, entry.value))];
}

async function selected(registry: Registry, place: Place, selector: unknown): Promise<KubeObject[]> {
  const { resource, cluster, namespace } = place;
  const stored: StoredObject[] = [];
  registry.store.visit(
    listRange(resource.collection, cluster, namespace),
    undefined,
    (key, value, revision) => {
      const location = parseObjectKey(resource.collection, resource.namespaced, key);
      stored.push(new StoredObject(resource, location, revision, Buffer.from(value)));
      return stored.length <= maxParams;
    },
  );
  if (stored.length > maxParams)
    throw new ConfigurationError(`paramRef.selector chooses among more than ${maxParams} objects`);
  const objects = await Promise.all(stored.map((one) => shown(place, one)));
  return objects.filter((object) => selectorChooses(selector, object.metadata.labels ?? {}));
}

async function shown({ resource, version }: ParamResource, stored: StoredObject): Promise<KubeObject> {
  await stored.load();
  return convertTo(resource, stored.object, version);
}

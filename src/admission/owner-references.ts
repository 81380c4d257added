/** Admission plugin OwnerReferencesPermissionEnforcement (k8s.io/kubernetes plugin/pkg/admission/gc), off by default. */
import type { Attributes, Authorizer } from "#authz/authorizer.ts";
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { type KubeObject, type OwnerReference, parseApiVersion } from "#machinery/meta/object.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import type { Resource } from "#registry/resource.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { Write } from "./write.ts";

export function ownerReferencesPermission(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "OwnerReferencesPermissionEnforcement",
    validate(write) {
      const { object, old, resource, subresource, operation } = write.attributes;
      if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      // The status of a pod cannot change owners, and is written by old kubelets that send others.
      if (resource.group === "" && resource.resource === "pods" && subresource === "status") return;
      if (jsonEqual(ownersOf(object) as unknown as JsonValue, ownersOf(old) as unknown as JsonValue)) return;
      return check(authorizer, write, object, old);
    },
  };
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata.ownerReferences ?? [];

async function check(
  authorizer: Authorizer,
  write: Write,
  object: KubeObject,
  old: KubeObject | undefined,
): Promise<void> {
  const { attributes } = write;
  const { resource, version, subresource } = attributes;
  const name = attributes.name === "" ? "Unknown" : attributes.name;
  const refuse = (why: string): Error => forbiddenResource(resource, name, why);
  const ask = async (
    verb: string,
    of: { readonly group: string; readonly resource: string },
    more: Partial<Attributes>,
  ): Promise<string | undefined> => {
    const { decision, reason } = await authorizer.authorize({
      user: attributes.requester.user,
      verb,
      resourceRequest: true,
      namespace: "",
      apiGroup: of.group,
      apiVersion: "*",
      resource: of.resource,
      subresource: "",
      name: "",
      path: "",
      cluster: attributes.cluster,
      ...more,
    });
    return decision === "allow" ? undefined : reason;
  };
  if (old !== undefined) {
    const { namespace, name: own } = attributes;
    const reason = await ask("delete", resource, { apiVersion: version, namespace, name: own, subresource });
    if (reason !== undefined)
      throw refuse(`cannot set an ownerRef on a resource you can't delete: ${reason}, <nil>`);
  }
  const blocking = newBlocking(object, old);
  if (blocking.length === 0) return;
  const subresourceOf = { subresource: "finalizers" };
  const anything = { group: "*", resource: "*" };
  if ((await ask("update", anything, { ...subresourceOf, name: "*" })) === undefined) return;
  for (const reference of blocking) {
    const owners = resourcesOf(write, reference);
    if (owners.length === 0) {
      const { apiVersion, kind } = reference;
      throw refuse(
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: no matches for kind "${kind}" in version "${apiVersion}"`,
      );
    }
    for (const owner of owners) {
      const reason = await ask("update", owner, {
        ...subresourceOf,
        apiVersion: parseApiVersion(reference.apiVersion)?.version ?? "",
        name: reference.name,
        namespace: owner.namespaced ? attributes.namespace : "",
      });
      if (reason !== undefined)
        throw refuse(
          `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${reason}, <nil>`,
        );
    }
  }
}

/** References that block the owner's deletion and did not before. */
function newBlocking(object: KubeObject, old: KubeObject | undefined): OwnerReference[] {
  const before = new Map(ownersOf(old).map((one) => [one.uid, one.blockOwnerDeletion === true]));
  return ownersOf(object).filter((one) => one.blockOwnerDeletion === true && before.get(one.uid) !== true);
}

function resourcesOf({ registry, attributes }: Write, reference: OwnerReference): Resource[] {
  const { cluster }: AdmissionAttributes = attributes;
  const wanted = parseApiVersion(reference.apiVersion);
  return [...registry.resources(), ...registry.customResources(cluster)].filter(
    ({ info }) =>
      info.group === wanted?.group &&
      info.versions.some(({ version, kind }) => version === wanted.version && kind === reference.kind),
  );
}

/** Admission plugin OwnerReferencesPermissionEnforcement (k8s.io/kubernetes plugin/pkg/admission/gc), off by default. */
import type { ResourceInfo } from "#api/resource.ts";
import type { Attributes, Authorizer } from "#authz/authorizer.ts";
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject, OwnerReference } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { Write } from "./write.ts";

/** A resource as references are resolved to it. */
type Owner = Pick<ResourceInfo, "group" | "resource" | "namespaced">;

/** @param builtins what a workspace serves without definitions */
export function ownerReferencesPermission(
  authorizer: Authorizer,
  builtins: (cluster: ClusterName) => readonly ResourceInfo[],
): AdmissionPlugin {
  return {
    name: "OwnerReferencesPermissionEnforcement",
    validate(write) {
      const { object, old, resource, subresource, operation } = write.attributes;
      if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      // The status of a pod cannot change owners, and is written by old kubelets that send others.
      if (resource.group === "" && resource.resource === "pods" && subresource === "status") return;
      if (jsonEqual(ownersOf(object) as unknown as JsonValue, ownersOf(old) as unknown as JsonValue)) return;
      return check(authorizer, builtins, write, object, old);
    },
  };
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata.ownerReferences ?? [];

async function check(
  authorizer: Authorizer,
  builtins: (cluster: ClusterName) => readonly ResourceInfo[],
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
    const { registry } = write;
    const served = [
      ...builtins(attributes.cluster),
      ...registry.customResources(attributes.cluster).map(({ info }) => info),
    ];
    const owners = ownersNamed(served, reference);
    if (owners.length === 0) {
      const { apiVersion, kind } = reference;
      const { group, version } = groupVersionOf(apiVersion);
      const named = group === "" ? version : `${group}/${version}`;
      throw refuse(
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: no matches for kind "${kind}" in version "${named}"`,
      );
    }
    for (const owner of owners) {
      const reason = await ask("update", owner, {
        ...subresourceOf,
        apiVersion: groupVersionOf(reference.apiVersion).version,
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

/**
 * The resources that a reference may mean, as upstream's mapper finds them in the discovery documents: by the kind, by the kind in lower
 * case, and as a list of the kind, which it takes for a resource of its own (client-go restmapper/discovery.go).
 */
function ownersNamed(served: readonly ResourceInfo[], { apiVersion, kind }: OwnerReference): Owner[] {
  const wanted = groupVersionOf(apiVersion);
  const inVersion = served.flatMap((info) =>
    info.group === wanted.group
      ? info.versions
          .filter(({ version }) => version === wanted.version)
          .map((one) => ({ info, kind: one.kind }))
      : [],
  );
  const found = inVersion
    .filter((one) => one.kind === kind || one.kind.toLowerCase() === kind)
    .map(({ info }) => info);
  if (found.length > 0 || inVersion.length === 0) return found;
  const listed = inVersion.find((one) => `${one.kind}List` === kind)?.info;
  if (listed === undefined && kind !== "List") return [];
  const namespaced = listed?.namespaced === true;
  return [{ group: wanted.group, resource: `${kind.toLowerCase()}s`, namespaced }];
}

/** As Go's schema.ParseGroupVersion reads it; validation has refused what has no version. */
function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf("/");
  return { group: apiVersion.slice(0, Math.max(slash, 0)), version: apiVersion.slice(slash + 1) };
}

/** Binds the admission chain to one write request. */
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { AdmissionCheck, AdmissionOperation } from "#registry/admission.ts";
import { convertTo } from "#registry/resource.ts";
import type { RequestContext } from "#server/context.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";
import { requesterOf, type WriteTarget } from "./write.ts";
import type { WriteOptions } from "./write-options.ts";

export interface RequestAdmission {
  /** Both objects are in the version of the URL. A missing `old` means a creation, also by PUT or apply. */
  mutate(object: KubeObject, old: KubeObject | undefined): KubeObject | Promise<KubeObject>;
  /** Handed to the registry, which calls it before the commit. */
  readonly check: AdmissionCheck;
}

export function admissionOf(
  services: EndpointServices,
  context: RequestContext,
  target: Pick<WriteTarget, "resource" | "cluster" | "version">,
  options: Pick<WriteOptions, "dryRun">,
  optionsKind: "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions",
  name = context.info.name,
): RequestAdmission {
  const { admission } = services;
  const { resource, cluster, version } = target;
  const kind = resource.info.versions.find((one) => one.version === version)?.kind ?? resource.storage.kind;
  const shown: JsonObject = {
    kind: optionsKind,
    apiVersion: "meta.k8s.io/v1",
    ...(options.dryRun ? { dryRun: ["All"] } : {}),
  };
  const attributes = (
    operation: AdmissionOperation,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
  ) => ({
    operation,
    resource,
    version,
    kind: { group: resource.group, version, kind },
    subresource: context.info.subresource,
    cluster,
    namespace: namespaceOf(context, resource),
    name: name === "" ? (object?.metadata.name ?? "") : name,
    object,
    old,
    dryRun: options.dryRun,
    requester: requesterOf(context),
    options: shown,
  });
  const inVersion = (object: KubeObject | undefined): KubeObject | undefined =>
    object === undefined ? undefined : convertTo(resource, object, version);
  return {
    mutate: (object, old) =>
      admission.mutate(attributes(old === undefined ? "CREATE" : "UPDATE", object, old)),
    check: (object, old) => {
      const operation = object === undefined ? "DELETE" : old === undefined ? "CREATE" : "UPDATE";
      return admission.validate(attributes(operation, inVersion(object), inVersion(old)));
    },
  };
}

/** `GetResetFields` of upstream's strategies (k8s.io/kubernetes pkg/registry, apiextensions-apiserver pkg/registry/customresource). */
import { FieldSet } from "#machinery/apply/field-set.ts";
import type { FieldPath } from "#machinery/apply/path-element.ts";
import { isCustomKind, type Resource } from "../resource.ts";

const spec: FieldPath = ["f:spec"];
const status: FieldPath = ["f:status"];
const metadata: FieldPath = ["f:metadata"];

const onlySpec = FieldSet.of(spec);
const onlyStatus = FieldSet.of(status);
const specAndMetadata = FieldSet.of(spec, metadata);

/** What `<group>/<resource>[/<subresource>]` resets, where it is not what most kinds do. */
const exceptions: ReadonlyMap<string, FieldSet> = new Map([
  ["certificates.k8s.io/certificatesigningrequests", FieldSet.of(spec, status)],
  ["certificates.k8s.io/certificatesigningrequests/status", FieldSet.of(spec, ["f:status", "f:conditions"])],
  [
    "certificates.k8s.io/certificatesigningrequests/approval",
    FieldSet.of(spec, ["f:status", "f:certificate"]),
  ],
  ["apps/deployments/status", FieldSet.of(spec, ["f:metadata", "f:labels"])],
  [
    "/pods/status",
    FieldSet.of(spec, ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:ownerReferences"]),
  ],
  ["/namespaces/finalize", onlyStatus],
  ["admissionregistration.k8s.io/validatingadmissionpolicies/status", specAndMetadata],
  // Metadata is not kept from changes there, so it is owned, too (kubernetes issue 137681).
  ["apiextensions.k8s.io/customresourcedefinitions/status", onlySpec],
  ["apiregistration.k8s.io/apiservices/status", specAndMetadata],
  ["flowcontrol.apiserver.k8s.io/flowschemas/status", specAndMetadata],
  ["flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/status", specAndMetadata],
  ["networking.k8s.io/servicecidrs/status", specAndMetadata],
  ["resource.k8s.io/devicetaintrules/status", specAndMetadata],
  ["resource.k8s.io/resourceclaims/status", specAndMetadata],
  ["storage.k8s.io/volumeattachments/status", specAndMetadata],
]);

/** Fields that a write through an endpoint cannot change and nobody owns by it; undefined: there are none. */
export function resetFieldsOf(resource: Resource, subresource: string): FieldSet | undefined {
  const key = `${resource.group}/${resource.resource}${subresource === "" ? "" : `/${subresource}`}`;
  const exception = exceptions.get(key);
  if (exception !== undefined) return exception;
  if (!resource.hasStatus) return undefined;
  if (subresource === "") return onlyStatus;
  if (subresource !== "status") return undefined;
  return isCustomKind(resource) ? specAndMetadata : onlySpec;
}

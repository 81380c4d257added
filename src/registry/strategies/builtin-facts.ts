/** Facts of each kind's strategy in k8s.io/kubernetes pkg/registry (1.36); kinds not named have none of them. */
import type { JsonObject } from "#machinery/json/value.ts";

/** Webhooks and policies, with the policies' bindings. */
const admissionKinds: readonly string[] = [
  "admissionregistration.k8s.io/validatingadmissionpolicies",
  "admissionregistration.k8s.io/mutatingadmissionpolicies",
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
  "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
  "admissionregistration.k8s.io/validatingadmissionpolicybindings",
];

/** `AllowCreateOnUpdate`: PUT to a missing name creates. */
export const createOnUpdate: ReadonlySet<string> = new Set([
  "node.k8s.io/runtimeclasses",
  "rbac.authorization.k8s.io/rolebindings",
  "rbac.authorization.k8s.io/clusterrolebindings",
  "rbac.authorization.k8s.io/roles",
  "rbac.authorization.k8s.io/clusterroles",
  "coordination.k8s.io/leases",
  "/limitranges",
  "/events",
  "events.k8s.io/events",
  "/services",
  "/endpoints",
]);

/** `AllowUnconditionalUpdate` is false: PUT needs a resourceVersion. */
export const conditionalUpdateOnly: ReadonlySet<string> = new Set([
  "node.k8s.io/runtimeclasses",
  "policy/poddisruptionbudgets",
  "storage.k8s.io/csidrivers",
  "storage.k8s.io/csistoragecapacities",
  "storage.k8s.io/volumeattachments",
  "storage.k8s.io/csinodes",
  "coordination.k8s.io/leases",
  "apiregistration.k8s.io/apiservices",
  ...admissionKinds,
]);

/** `metadata.generation` is kept. */
export const generationKept: ReadonlySet<string> = new Set([
  "scheduling.k8s.io/priorityclasses",
  "networking.k8s.io/ingressclasses",
  "networking.k8s.io/networkpolicies",
  "networking.k8s.io/ingresses",
  "discovery.k8s.io/endpointslices",
  "policy/poddisruptionbudgets",
  "resource.k8s.io/resourceslices",
  "resource.k8s.io/deviceclasses",
  "resource.k8s.io/devicetaintrules",
  "flowcontrol.apiserver.k8s.io/flowschemas",
  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
  "apps/daemonsets",
  "apps/statefulsets",
  "apps/deployments",
  "apps/replicasets",
  "batch/jobs",
  "batch/cronjobs",
  "/pods",
  "/podtemplates",
  "/replicationcontrollers",
  ...admissionKinds,
]);

/** Names are path segments (`system:admin` is one), not DNS names. */
export const pathSegmentNames: ReadonlySet<string> = new Set([
  "rbac.authorization.k8s.io/rolebindings",
  "rbac.authorization.k8s.io/clusterrolebindings",
  "rbac.authorization.k8s.io/roles",
  "rbac.authorization.k8s.io/clusterroles",
  "certificates.k8s.io/certificatesigningrequests",
  "/events",
  // Version and group, which is empty for v1: `v1.`.
  "apiregistration.k8s.io/apiservices",
]);

/** Names are DNS-1123 labels: they become parts of host names. */
export const labelNames: ReadonlySet<string> = new Set(["/services", "apps/statefulsets"]);

/** Status may be given at creation: kubelets register so. */
export const statusAtCreation: ReadonlySet<string> = new Set(["/nodes"]);

type MetadataPart = "labels" | "annotations" | "finalizers" | "ownerReferences";
const allMetadata: readonly MetadataPart[] = ["labels", "annotations", "finalizers", "ownerReferences"];

/** Metadata that a write of the status cannot change; the other kinds let it change all. */
export const keptByStatus: ReadonlyMap<string, readonly MetadataPart[]> = new Map<
  string,
  readonly MetadataPart[]
>([
  ["admissionregistration.k8s.io/validatingadmissionpolicies", allMetadata],
  ["apiregistration.k8s.io/apiservices", allMetadata],
  ["flowcontrol.apiserver.k8s.io/flowschemas", allMetadata],
  ["flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", allMetadata],
  ["networking.k8s.io/servicecidrs", allMetadata],
  ["resource.k8s.io/resourceclaims", allMetadata],
  ["storage.k8s.io/volumeattachments", allMetadata],
  ["apps/deployments", ["labels"]],
  ["/pods", ["ownerReferences"]],
]);

/** `ReturnDeletedObject`: a deletion that is done at once answers the object, not a Status. */
export const answersDeleted: ReadonlySet<string> = new Set([
  "/persistentvolumeclaims",
  "/persistentvolumes",
  "/pods",
  "/podtemplates",
  "/resourcequotas",
  "/serviceaccounts",
  "/services",
  "resource.k8s.io/deviceclasses",
  "resource.k8s.io/resourceclaims",
  "resource.k8s.io/resourceclaimtemplates",
  "resource.k8s.io/resourceslices",
  "storage.k8s.io/csidrivers",
  "storage.k8s.io/csinodes",
  "storage.k8s.io/storageclasses",
  "storage.k8s.io/volumeattachments",
  "storage.k8s.io/volumeattributesclasses",
]);

/** What Go prints of a status that nobody has written yet. Kinds with a first status of their own are not here. */
export const emptyStatus: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ["/replicationcontrollers", { replicas: 0 }],
  ["/resourcequotas", {}],
  ["/services", { loadBalancer: {} }],
  [
    "apps/daemonsets",
    { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  ],
  ["apps/deployments", {}],
  ["apps/replicasets", { replicas: 0 }],
  ["apps/statefulsets", { replicas: 0, availableReplicas: 0 }],
  ["autoscaling/horizontalpodautoscalers", { desiredReplicas: 0, currentMetrics: null }],
  ["batch/cronjobs", {}],
  ["batch/jobs", {}],
  ["certificates.k8s.io/certificatesigningrequests", {}],
  ["networking.k8s.io/ingresses", { loadBalancer: {} }],
  ["networking.k8s.io/servicecidrs", {}],
  [
    "policy/poddisruptionbudgets",
    { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  ],
  ["storage.k8s.io/volumeattachments", { attached: false }],
  ["admissionregistration.k8s.io/validatingadmissionpolicies", {}],
  ["resource.k8s.io/resourceclaims", {}],
  ["flowcontrol.apiserver.k8s.io/flowschemas", {}],
  ["flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", {}],
]);

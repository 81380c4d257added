/** Defaults in code of core/v1's other kinds (k8s.io/kubernetes pkg/apis/core/v1/defaults.go). */
import type { KubeObject } from "#machinery/meta/object.ts";
import { podTemplateDefaults } from "./defaults-pod.ts";
import { type Draft, draftAt, draftOf, fill, fillZero, given, givenList } from "./draft.ts";

const clientAffinitySeconds = 10_800;

/** No addresses are given out: `clusterIP` stays as it is. */
export function serviceDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  fillZero(spec, { sessionAffinity: "None", type: "ClusterIP" });
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP") {
    const client = given(given(spec, "sessionAffinityConfig"), "clientIP");
    if (typeof client?.timeoutSeconds !== "number")
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: clientAffinitySeconds } };
  }
  for (const port of givenList(spec, "ports")) {
    fillZero(port, { protocol: "TCP", targetPort: port.port });
  }
  const external =
    spec.type === "LoadBalancer" ||
    spec.type === "NodePort" ||
    (spec.type === "ClusterIP" && givenList(spec, "externalIPs").length > 0);
  if (external) fillZero(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type !== "ExternalName") fill(spec, { internalTrafficPolicy: "Cluster" });
  if (spec.type !== "LoadBalancer") return;
  fill(spec, { allocateLoadBalancerNodePorts: true });
  if (object.status === undefined) return;
  const status = draftOf(object, "status");
  for (const ingress of givenList(given(status, "loadBalancer"), "ingress")) {
    if ((ingress.ip ?? "") !== "") fill(ingress, { ipMode: "VIP" });
  }
}

export function persistentVolumeDefaults(object: KubeObject): void {
  fillZero(draftOf(object, "status"), { phase: "Pending" });
  const spec = draftOf(object, "spec");
  fillZero(spec, { persistentVolumeReclaimPolicy: "Retain" });
  fill(spec, { volumeMode: "Filesystem" });
  const hostPath = given(spec, "hostPath");
  if (hostPath !== undefined) fill(hostPath, { type: "" });
}

export function persistentVolumeClaimDefaults(object: KubeObject): void {
  fillZero(draftOf(object, "status"), { phase: "Pending" });
  fill(draftOf(object, "spec"), { volumeMode: "Filesystem" });
}

export function endpointsDefaults(object: KubeObject): void {
  if (!Array.isArray(object.subsets)) return;
  for (const subset of draftOf(object, "subsets") as unknown as Draft[]) {
    for (const port of givenList(subset, "ports")) fillZero(port, { protocol: "TCP" });
  }
}

export const podTemplateObjectDefaults = (object: KubeObject): void =>
  podTemplateDefaults(draftOf(object, "template"));

export function replicationControllerDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  fill(spec, { replicas: 1 });
  const template = given(spec, "template");
  if (template === undefined) return;
  podTemplateDefaults(template);
  const labels = given(given(template, "metadata"), "labels");
  if (labels === undefined) return;
  if (Object.keys(given(spec, "selector") ?? {}).length === 0) spec.selector = { ...labels };
  labelsFrom(object, labels);
}

/** An object without labels takes those of its template. */
export function labelsFrom(object: KubeObject, labels: Draft | undefined): void {
  if (labels === undefined || Object.keys(labels).length === 0) return;
  if (Object.keys(object.metadata.labels ?? {}).length > 0) return;
  object.metadata.labels = { ...labels } as Record<string, string>;
}

export function nodeDefaults(object: KubeObject): void {
  sameRanges(object);
  const capacity = given(object.status as Draft | undefined, "capacity");
  if (capacity === undefined) return;
  const status = draftOf(object, "status");
  if (status.allocatable === undefined) status.allocatable = { ...draftAt(status, "capacity") };
}

/** The range and the first of the ranges always say the same; the former wins (pkg/apis/core/v1/conversion.go). */
function sameRanges(object: KubeObject): void {
  const { podCIDR, podCIDRs } = (object.spec ?? {}) as { podCIDR?: string; podCIDRs?: readonly string[] };
  const first = podCIDRs?.[0] ?? "";
  if ((podCIDR ?? "") === first) return;
  if ((podCIDR ?? "") === "") draftOf(object, "spec").podCIDR = first;
  else draftOf(object, "spec").podCIDRs = [podCIDR];
}

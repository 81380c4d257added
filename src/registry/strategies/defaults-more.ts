/** Defaults in code of the remaining groups (k8s.io/kubernetes pkg/apis/<group>/v1/defaults.go). */
import type { KubeObject } from "#machinery/meta/object.ts";
import { timestamp } from "../system-fields.ts";
import { type Draft, draftOf, fill, fillZero, given, givenList } from "./draft.ts";

export function networkPolicyDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  if (givenList(spec, "policyTypes").length === 0)
    spec.policyTypes = givenList(spec, "egress").length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  for (const rule of [...givenList(spec, "ingress"), ...givenList(spec, "egress")]) {
    for (const port of givenList(rule, "ports")) fill(port, { protocol: "TCP" });
  }
}

export function ingressClassDefaults(object: KubeObject): void {
  const parameters = given(draftOf(object, "spec"), "parameters");
  if (parameters !== undefined) fill(parameters, { scope: "Cluster" });
}

export function priorityClassDefaults(object: KubeObject): void {
  object.preemptionPolicy ??= "PreemptLowerPriority";
}

export function storageClassDefaults(object: KubeObject): void {
  object.reclaimPolicy ??= "Delete";
  object.volumeBindingMode ??= "Immediate";
}

export function csiDriverDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  fill(spec, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    requiresRepublish: false,
    seLinuxMount: false,
  });
  if (givenList(spec, "volumeLifecycleModes").length === 0) spec.volumeLifecycleModes = ["Persistent"];
}

export function endpointSliceDefaults(object: KubeObject): void {
  if (!Array.isArray(object.ports)) return;
  for (const port of draftOf(object, "ports") as unknown as Draft[])
    fill(port, { name: "", protocol: "TCP" });
}

export const flowSchemaDefaults = (object: KubeObject): void =>
  fillZero(draftOf(object, "spec"), { matchingPrecedence: 1_000 });

export function priorityLevelDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  const exempt = given(spec, "exempt");
  if (exempt !== undefined) fill(exempt, { nominalConcurrencyShares: 0, lendablePercent: 0 });
  const limited = given(spec, "limited");
  if (limited === undefined) return;
  fill(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 });
  const queuing = given(given(limited, "limitResponse"), "queuing");
  if (queuing !== undefined) fillZero(queuing, { handSize: 8, queues: 64, queueLengthLimit: 50 });
}

const deviceRequestDefaults = (spec: Draft | undefined): void => {
  for (const request of givenList(given(spec, "devices"), "requests")) {
    const exactly = given(request, "exactly");
    for (const one of [
      ...(exactly === undefined ? [] : [exactly]),
      ...givenList(request, "firstAvailable"),
    ]) {
      fillZero(one, { allocationMode: "ExactCount" });
      if (one.allocationMode === "ExactCount") fillZero(one, { count: 1 });
    }
  }
};

export const resourceClaimDefaults = (object: KubeObject): void =>
  deviceRequestDefaults(draftOf(object, "spec"));

export const resourceClaimTemplateDefaults = (object: KubeObject): void =>
  deviceRequestDefaults(given(draftOf(object, "spec"), "spec"));

/** `nowMs`: a taint without a time is new. */
export function resourceSliceDefaults(object: KubeObject, nowMs: number): void {
  for (const device of givenList(draftOf(object, "spec"), "devices")) {
    for (const taint of givenList(device, "taints")) fill(taint, { timeAdded: timestamp(nowMs) });
  }
}

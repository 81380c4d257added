/**
 * What kube-apiserver 1.36.3 said to objects as users write them: 57 of 33 kinds, each with one field changed in many
 * ways. Its verdicts are recorded (`POST ...?dryRun=All`); ours have the same errors and warnings.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { create } from "../strategies/testing.ts";

interface Case {
  /** Slashes between the parts; empty for the object as it is. */
  readonly path: string;
  /** Absent: the field is taken away. */
  readonly value?: JsonValue;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
}
interface Group {
  readonly object: JsonObject;
  readonly cases: readonly Case[];
}

const groups = ["verdicts", "configuration-verdicts"].flatMap((name) => {
  const file = new URL(`./testing/${name}.generated.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Group[];
});

const keys: Readonly<Record<string, string>> = {
  Pod: "/pods",
  ReplicationController: "/replicationcontrollers",
  Service: "/services",
  PersistentVolumeClaim: "/persistentvolumeclaims",
  PersistentVolume: "/persistentvolumes",
  Deployment: "apps/deployments",
  StatefulSet: "apps/statefulsets",
  DaemonSet: "apps/daemonsets",
  ReplicaSet: "apps/replicasets",
  Job: "batch/jobs",
  CronJob: "batch/cronjobs",
  Ingress: "networking.k8s.io/ingresses",
  NetworkPolicy: "networking.k8s.io/networkpolicies",
  PodDisruptionBudget: "policy/poddisruptionbudgets",
  HorizontalPodAutoscaler: "autoscaling/horizontalpodautoscalers",
  StorageClass: "storage.k8s.io/storageclasses",
  PriorityClass: "scheduling.k8s.io/priorityclasses",
  IngressClass: "networking.k8s.io/ingressclasses",
  Endpoints: "/endpoints",
  EndpointSlice: "discovery.k8s.io/endpointslices",
  Node: "/nodes",
  RuntimeClass: "node.k8s.io/runtimeclasses",
  ControllerRevision: "apps/controllerrevisions",
  FlowSchema: "flowcontrol.apiserver.k8s.io/flowschemas",
  PriorityLevelConfiguration: "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
  ResourceClaim: "resource.k8s.io/resourceclaims",
  ResourceClaimTemplate: "resource.k8s.io/resourceclaimtemplates",
  DeviceClass: "resource.k8s.io/deviceclasses",
  CSIDriver: "storage.k8s.io/csidrivers",
  CSINode: "storage.k8s.io/csinodes",
  CSIStorageCapacity: "storage.k8s.io/csistoragecapacities",
  VolumeAttachment: "storage.k8s.io/volumeattachments",
  VolumeAttributesClass: "storage.k8s.io/volumeattributesclasses",
};

/** Parts of answers that differ, each for a reason in docs/differences.md or docs/missing.md. */
const excused = [
  // Privileged containers are refused by a flag of that server.
  /privileged: Forbidden: disallowed by cluster policy/,
  // Addresses are given out beside the strategy: server/service-verdicts.test.ts.
  /not configured on this cluster|not configured for dual-stack|failed to allocate IP|already allocated/,
  // Checked before and elsewhere: names, labels and fields that there are not.
  /^metadata\.(?!taints)|^unknown field|^v1 Endpoints is deprecated/,
  // A field that nobody sets any more.
  /^spec\.externalID/,
];
/** Values of structs are printed with Go's field names there. */
const comparable = (text: string): string => text.replace(/: (\{.*\}): /s, ": {}: ");

function changed(object: JsonObject, { path, value }: Case): JsonObject {
  const copy = cloneJson(object);
  const parts = path.split("/");
  const last = parts.pop()!;
  let at = copy as Record<string, JsonValue | undefined>;
  for (const part of parts) {
    at[part] ??= {};
    at = at[part] as typeof at;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

for (const { object, cases } of groups) {
  const kind = String(object.kind);
  const name = String((object.metadata as JsonObject).name);
  test(`${kind} ${name}: ${cases.length} verdicts`, () => {
    for (const each of cases) {
      const label = `${each.path}=${JSON.stringify(each.value)}`;
      const answer = create(keys[kind]!, each.path === "" ? object : changed(object, each));
      const known = (texts: readonly string[] = []): string[] =>
        texts.filter((text) => !excused.some((pattern) => pattern.test(text)));
      const wanted = known(each.errors);
      if (wanted.length < (each.errors ?? []).length && wanted.length === 0) continue;
      const errors = [...new Set(answer.errors)].map(comparable).sort();
      assert.deepEqual(errors, wanted.map(comparable).sort(), `${kind} ${label}`);
      if (errors.length === 0)
        assert.deepEqual([...answer.warnings].sort(), known(each.warnings).sort(), `${kind} ${label}`);
    }
  });
}

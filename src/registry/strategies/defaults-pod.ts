/** Defaults of pods and pod templates that upstream has in code (k8s.io/kubernetes pkg/apis/core/v1/defaults.go). */
import type { KubeObject } from "#machinery/meta/object.ts";
import { addPairs, type Draft, draftAt, draftOf, fill, fillZero, given, givenList } from "./draft.ts";
import { containersResources, isPodLevelResource } from "./pod-resources.ts";
import { compareQuantities } from "./quantities.ts";
import { resourceListJson } from "./resource-list.ts";
import { isHugePages, isOvercommitAllowed } from "./resource-names.ts";

const containerLists = ["containers", "initContainers", "ephemeralContainers"] as const;
const probes = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
const secondsPerHour = 3_600;
/** rw-r--r-- */
const volumeFileMode = 0o644;

export function podDefaults(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  // A pod, unlike a template, is what will run: requests follow from limits here.
  for (const list of ["containers", "initContainers"]) {
    for (const container of givenList(spec, list)) {
      const resources = given(container, "resources");
      if (resources !== undefined) addPairs(resources, "requests", given(resources, "limits"));
      if (spec.hostNetwork !== true) continue;
      for (const port of givenList(container, "ports")) fillZero(port, { hostPort: port.containerPort });
    }
  }
  const resources = given(spec, "resources");
  if (resources !== undefined) podLevelDefaults(resources, { spec });
  fill(spec, { enableServiceLinks: true });
  podSpecDefaults(spec);
  sameAddresses(object);
}

/** What the pod asks for as a whole follows from its containers, where it says something at all. */
function podLevelDefaults(resources: Draft, pod: unknown): void {
  const limits = given(resources, "limits") ?? {};
  const requests = given(resources, "requests") ?? {};
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return;
  const total = (kind: "requests" | "limits", counts: (name: string) => boolean): Draft => {
    const all = [...containersResources(pod, kind)].filter(
      ([name]) => isPodLevelResource(name) && counts(name),
    );
    return resourceListJson(new Map(all));
  };
  addPairs(
    resources,
    "limits",
    total("limits", (name) => isHugePages(name) && !Object.hasOwn(requests, name)),
  );
  const all = given(resources, "limits");
  if (all === undefined || Object.keys(all).length === 0) return;
  addPairs(resources, "requests", total("requests", isOvercommitAllowed));
  addPairs(
    resources,
    "requests",
    Object.fromEntries(Object.entries(all).filter(([name]) => isPodLevelResource(name))),
  );
}

/** The address and the first of the addresses always say the same; the former wins (pkg/apis/core/v1/conversion.go). */
function sameAddresses(object: KubeObject): void {
  const { podIP, podIPs } = (object.status ?? {}) as { podIP?: string; podIPs?: readonly Draft[] };
  const listed = podIPs?.[0]?.ip;
  if (listed === podIP) return;
  if ((podIP ?? "") === "") draftOf(object, "status").podIP = listed;
  else draftOf(object, "status").podIPs = [{ ip: podIP }];
}

/** `template` has `metadata` and `spec`. */
export const podTemplateDefaults = (template: Draft): void => podSpecDefaults(draftAt(template, "spec"));

function podSpecDefaults(spec: Draft): void {
  fillZero(spec, {
    dnsPolicy: "ClusterFirst",
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
  });
  fill(spec, { securityContext: {}, terminationGracePeriodSeconds: 30 });
  // The old name and the new one always say the same; the new one wins (pkg/apis/core/v1/conversion.go).
  const account = String(spec.serviceAccountName ?? "") || String(spec.serviceAccount ?? "");
  if (account !== "") Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  for (const volume of givenList(spec, "volumes")) volumeDefaults(volume);
  for (const list of containerLists) {
    for (const container of givenList(spec, list)) containerDefaults(container);
  }
}

function containerDefaults(container: Draft): void {
  fillZero(container, {
    imagePullPolicy: pullPolicy(String(container.image ?? "")),
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  for (const port of givenList(container, "ports")) fillZero(port, { protocol: "TCP" });
  for (const variable of givenList(container, "env")) {
    fieldRefDefaults(given(given(variable, "valueFrom"), "fieldRef"));
  }
  for (const field of probes) {
    const probe = given(container, field);
    if (probe === undefined) continue;
    fillZero(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    handlerDefaults(probe);
  }
  const lifecycle = given(container, "lifecycle");
  handlerDefaults(given(lifecycle, "postStart"));
  handlerDefaults(given(lifecycle, "preStop"));
}

function handlerDefaults(handler: Draft | undefined): void {
  const http = given(handler, "httpGet");
  if (http !== undefined) fillZero(http, { path: "/", scheme: "HTTP" });
  const grpc = given(handler, "grpc");
  if (grpc !== undefined) fill(grpc, { service: "" });
}

function fieldRefDefaults(reference: Draft | undefined): void {
  if (reference !== undefined) fillZero(reference, { apiVersion: "v1" });
}

function volumeDefaults(volume: Draft): void {
  if (Object.entries(volume).every(([field, value]) => field === "name" || value === null))
    volume.emptyDir = {};
  for (const source of ["secret", "configMap", "downwardAPI", "projected"]) {
    const files = given(volume, source);
    if (files !== undefined) fill(files, { defaultMode: volumeFileMode });
  }
  const items = [
    ...givenList(given(volume, "downwardAPI"), "items"),
    ...givenList(given(volume, "projected"), "sources").flatMap((source) => {
      const token = given(source, "serviceAccountToken");
      if (token !== undefined) fill(token, { expirationSeconds: secondsPerHour });
      return givenList(given(source, "downwardAPI"), "items");
    }),
  ];
  for (const item of items) fieldRefDefaults(given(item, "fieldRef"));
  const hostPath = given(volume, "hostPath");
  if (hostPath !== undefined) fill(hostPath, { type: "" });
  const image = given(volume, "image");
  if (image !== undefined) fillZero(image, { pullPolicy: pullPolicy(String(image.reference ?? "")) });
  const claim = given(given(given(volume, "ephemeral"), "volumeClaimTemplate"), "spec");
  if (claim !== undefined) fill(claim, { volumeMode: "Filesystem" });
}

const pullPolicy = (image: string): string => (imageTag(image) === "latest" ? "Always" : "IfNotPresent");

/** The tag of an image; `latest` when neither tag nor digest is given, "" when the name is none. */
function imageTag(image: string): string {
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const slash = named.lastIndexOf("/");
  const colon = named.indexOf(":", slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  // A first part with a dot, a colon or capitals is a host; the rest of a name has no capitals.
  const first = name.indexOf("/");
  const host = first > 0 && /[.:A-Z]|^localhost$/.test(name.slice(0, first));
  if (!/^[a-z0-9][a-z0-9._/-]*$/.test(host ? name.slice(first + 1) : name)) return "";
  if (colon >= 0) return named.slice(colon + 1);
  return at < 0 ? "latest" : "";
}

/** `status.qosClass` (pkg/apis/core/v1/helper/qos). */
export function qosClass(spec: Draft): string {
  // What the pod says as a whole is what counts.
  const whole = Object.keys(given(spec, "resources") ?? {}).length > 0;
  const containers = whole
    ? [spec]
    : [...givenList(spec, "containers"), ...givenList(spec, "initContainers")];
  let some = false;
  let guaranteed = true;
  for (const container of containers) {
    for (const name of ["cpu", "memory"]) {
      const request = amount(container, "requests", name);
      const limit = amount(container, "limits", name);
      if (request !== "0" || limit !== "0") some = true;
      if (limit === "0" || (request !== "0" && compareQuantities(request, limit) !== 0)) guaranteed = false;
    }
  }
  return some ? (guaranteed ? "Guaranteed" : "Burstable") : "BestEffort";
}

/** What a container asks for; "0" for nothing. */
function amount(container: Draft, list: string, name: string): string {
  const quantity = given(given(container, "resources"), list)?.[name];
  return typeof quantity === "string" && compareQuantities(quantity, "0") > 0 ? quantity : "0";
}

/** What an update leaves unsaid of a Service (k8s.io/kubernetes pkg/registry/core/service strategy.go, storage.go). */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { keepGiven, nodePortsOf } from "../services/given-values.ts";
import { type Draft, draftOf, givenList } from "./draft.ts";
import { jsonOf, membersAt, textsAt } from "./members.ts";

/** The first of the addresses is the one that clients of before the list see. */
export function prepareNewService(object: KubeObject): void {
  const spec = draftOf(object, "spec");
  keepGiven(spec, undefined);
  dropInnerPolicy(spec);
}

/** Upstream keeps it in the store, and does not show it. What is wrong with it is told. */
function dropInnerPolicy(spec: Draft): void {
  const policy = spec.internalTrafficPolicy;
  if (spec.type === "ExternalName" && (policy === "Cluster" || policy === "Local"))
    delete spec.internalTrafficPolicy;
}

/** What goes with a type goes with it when the type changes. */
export function prepareServiceUpdate(object: KubeObject, old: KubeObject): void {
  const spec = draftOf(object, "spec");
  const before = membersAt(old, "spec");
  keepGiven(spec, before);
  dropOfType(spec, before);
  dropInnerPolicy(spec);
}

const same = (a: unknown, b: unknown): boolean => jsonEqual(jsonOf(a ?? null), jsonOf(b ?? null));

const hasAddress = (spec: Draft): boolean => spec.type !== "ExternalName";
const hasNodePorts = (spec: Draft): boolean => spec.type === "NodePort" || spec.type === "LoadBalancer";
const isReachable = (spec: Draft): boolean =>
  hasNodePorts(spec) || (spec.type === "ClusterIP" && textsAt(spec, "externalIPs").length > 0);
const isBalancer = (spec: Draft): boolean => spec.type === "LoadBalancer";
const hasHealthPort = (spec: Draft): boolean => isBalancer(spec) && spec.externalTrafficPolicy === "Local";

/** Fields that mean something for some types only, and for which. */
const ofTypes = [
  [["clusterIP", "clusterIPs"], hasAddress],
  [["ipFamilies"], hasAddress],
  [["ipFamilyPolicy"], hasAddress],
  [["healthCheckNodePort"], hasHealthPort],
  [["allocateLoadBalancerNodePorts"], isBalancer],
  [["loadBalancerClass"], isBalancer],
  [["externalTrafficPolicy"], isReachable],
] as const;

function dropOfType(spec: Draft, old: Draft): void {
  for (const [fields, means] of ofTypes) {
    if (!means(old) || means(spec) || !fields.every((field) => same(spec[field], old[field]))) continue;
    for (const field of fields) delete spec[field];
  }
  if (!hasNodePorts(old) || hasNodePorts(spec)) return;
  const had = new Set(nodePortsOf(old));
  if (nodePortsOf(spec).every((port) => had.has(port)))
    for (const port of givenList(spec, "ports")) delete port.nodePort;
}

/** What an update leaves unsaid of a Service (k8s.io/kubernetes pkg/registry/core/service strategy.go, storage.go). */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { type Draft, draftOf, givenList } from "./draft.ts";
import { jsonOf, listAt, membersAt, numberOf, textAt, textsAt } from "./members.ts";

/** The first of the addresses is the one that clients of before the list see. */
export function prepareNewService(object: KubeObject): void {
  const address = textAt(object, "spec", "clusterIP");
  if (address !== "" && textsAt(object, "spec", "clusterIPs").length === 0)
    draftOf(object, "spec").clusterIPs = [address];
}

/**
 * Who changes the first address means the list, too. What goes with a type goes with it when the type changes, and what
 * was given out stays when a writer does not tell it, as in a manifest that is applied again.
 */
export function prepareServiceUpdate(object: KubeObject, old: KubeObject): void {
  const spec = draftOf(object, "spec");
  followFirstAddress(spec, membersAt(old, "spec"));
  dropOfType(spec, membersAt(old, "spec"));
  keepGivenOut(spec, membersAt(old, "spec"));
}

const same = (a: unknown, b: unknown): boolean => jsonEqual(jsonOf(a ?? null), jsonOf(b ?? null));

function followFirstAddress(spec: Draft, old: Draft): void {
  const address = textAt(spec, "clusterIP");
  const untouched = same(spec.clusterIPs, old.clusterIPs);
  if (address === "") {
    if (textAt(old, "clusterIP") !== "" && untouched) delete spec.clusterIPs;
  } else if (textsAt(spec, "clusterIPs").length === 0 || (untouched && address !== textAt(old, "clusterIP")))
    spec.clusterIPs = [address];
}

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
  const ports = (of: Draft) => listAt(of, "ports").map((port) => numberOf(port.nodePort));
  if (same(ports(spec), ports(old))) for (const port of givenList(spec, "ports")) delete port.nodePort;
}

function keepGivenOut(spec: Draft, old: Draft): void {
  if (hasAddress(old) && hasAddress(spec)) {
    const untold = textAt(spec, "clusterIP") === "" && textsAt(spec, "clusterIPs").length === 0;
    if (untold && textAt(old, "clusterIP") !== "")
      Object.assign(spec, { clusterIP: old.clusterIP, clusterIPs: [...textsAt(old, "clusterIPs")] });
  }
  if (hasNodePorts(old) && hasNodePorts(spec)) keepNodePorts(spec, old);
  if (hasHealthPort(old) && hasHealthPort(spec) && numberOf(spec.healthCheckNodePort) === 0) {
    if (old.healthCheckNodePort !== undefined) spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

function keepNodePorts(spec: Draft, old: Draft): void {
  const key = (port: object): string =>
    `${textAt(port, "protocol")}/${numberOf((port as { port?: unknown }).port)}`;
  const given = new Map(
    listAt(old, "ports").flatMap((port) => (numberOf(port.nodePort) > 0 ? [[key(port), port.nodePort]] : [])),
  );
  const taken = new Set(givenList(spec, "ports").map((port) => numberOf(port.nodePort)));
  for (const port of givenList(spec, "ports")) {
    const before = given.get(key(port));
    if (numberOf(port.nodePort) > 0 || before === undefined || taken.has(numberOf(before))) continue;
    port.nodePort = before;
    taken.add(numberOf(before));
  }
}

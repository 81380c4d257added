/**
 * What a writer of a Service leaves unsaid (k8s.io/kubernetes pkg/registry/core/service/storage storage.go,
 * patchAllocatedValues and normalizeClusterIPs): what was given out before stays, as with a manifest that is applied again.
 */
import type { Draft } from "../strategies/draft.ts";
import { givenList } from "../strategies/draft.ts";
import { listAt, type Members, numberOf, textAt, textsAt } from "../strategies/members.ts";
import { sameTexts } from "./families.ts";

export const needsAddress = (spec: Members): boolean => spec.type !== "ExternalName";
export const needsHealthPort = (spec: Members): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
export const allocatesPorts = (spec: Members): boolean =>
  spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);

export const isOnNodes = (spec: Members): boolean => spec.type === "NodePort" || spec.type === "LoadBalancer";

/** All that are told, in the order of the ports. */
export const nodePortsOf = (spec: Members): number[] =>
  listAt(spec, "ports")
    .map((port) => numberOf(port.nodePort))
    .filter((port) => port !== 0);

/** Those that the Service has for itself: on other types they are numbers only. */
export function heldPorts(spec: Members): Set<number> {
  const ports = new Set(isOnNodes(spec) ? nodePortsOf(spec) : []);
  const health = numberOf(spec.healthCheckNodePort);
  if (needsHealthPort(spec) && health !== 0) ports.add(health);
  return ports;
}

export function keepGiven(spec: Draft, old: Members | undefined): void {
  if (old !== undefined) keepAllocated(spec, old);
  followFirstAddress(spec, old);
}

function keepAllocated(spec: Draft, old: Members): void {
  if (needsAddress(old) && needsAddress(spec)) {
    if (textAt(spec, "clusterIP") === "" && textAt(old, "clusterIP") !== "") spec.clusterIP = old.clusterIP;
    if (textsAt(spec, "clusterIPs").length === 0 && textsAt(old, "clusterIPs").length > 0)
      spec.clusterIPs = [...textsAt(old, "clusterIPs")];
  }
  if (allocatesPorts(old) && allocatesPorts(spec)) keepNodePorts(spec, old);
  if (needsHealthPort(old) && needsHealthPort(spec) && numberOf(spec.healthCheckNodePort) === 0) {
    if (numberOf(old.healthCheckNodePort) !== 0) spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** Ports are known by their names; what else they are may have changed. */
function keepNodePorts(spec: Draft, old: Members): void {
  const told = new Set(nodePortsOf(spec));
  const used = new Set(nodePortsOf(old).filter((port) => told.has(port)));
  const byName = new Map(listAt(old, "ports").map((port) => [textAt(port, "name"), numberOf(port.nodePort)]));
  for (const port of givenList(spec, "ports")) {
    if (numberOf(port.nodePort) !== 0) continue;
    const before = byName.get(textAt(port, "name")) ?? 0;
    if (before !== 0 && !used.has(before)) port.nodePort = before;
  }
}

/** The first of the addresses is the one that clients of before the list see: who tells only that means the list, too. */
function followFirstAddress(spec: Draft, old: Members | undefined): void {
  const address = textAt(spec, "clusterIP");
  const all = textsAt(spec, "clusterIPs");
  if (old === undefined) {
    if (address !== "" && all.length === 0) spec.clusterIPs = [address];
    return;
  }
  const had = textsAt(old, "clusterIPs");
  const before = textAt(old, "clusterIP");
  if (all.length === 0 && had.length > 0 && address === before) spec.clusterIPs = [...had];
  if (address === before) return;
  if (!sameTexts(textsAt(spec, "clusterIPs"), had)) return;
  if (address === "") delete spec.clusterIPs;
  else spec.clusterIPs = [address];
}

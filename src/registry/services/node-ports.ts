/** Ports on nodes (k8s.io/kubernetes pkg/registry/core/service/portallocator, storage/alloc.go). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { Draft } from "../strategies/draft.ts";
import { givenList } from "../strategies/draft.ts";
import { type Members, numberOf } from "../strategies/members.ts";
import { allocatesPorts, isOnNodes, needsHealthPort, nodePortsOf } from "./given-values.ts";
import { nothingLeft, pickFree } from "./pick.ts";
import { type PortRange, portsText } from "./service-ranges.ts";

const path = FieldPath.of("spec", "ports");
const full = "range is full";
const taken = "provided port is already allocated";

/** In a dry run, which takes nothing, the first one is said to be this. */
const dryRunPort = 32_769;

export interface PortSource {
  readonly range: PortRange;
  isTaken(port: number): boolean;
  randomBytes(size: number): Uint8Array;
  readonly dryRun: boolean;
}

/** What one write takes. */
export class PortTaking {
  readonly #source: PortSource;
  readonly #taken = new Set<number>();

  constructor(source: PortSource) {
    this.#source = source;
  }

  /** Why the port cannot be had; undefined: it is. */
  take(port: number): string | undefined {
    const { range, dryRun } = this.#source;
    if (!dryRun && (port < range.first || port > range.last))
      return `provided port is not in the valid range. The range of valid ports is ${portsText(range)}`;
    if (this.#taken.has(port) || this.#source.isTaken(port)) return taken;
    this.#taken.add(port);
    return undefined;
  }

  /** Undefined: all are taken. */
  takeAny(): number | undefined {
    const { range, dryRun, randomBytes } = this.#source;
    const upper = range.first + lowerPart(range.last - range.first + 1);
    const port = dryRun
      ? this.#taken.size === 0
        ? dryRunPort
        : Math.max(...this.#taken) + 1
      : pickFree(
          [
            { first: BigInt(upper), last: BigInt(range.last) },
            { first: BigInt(range.first), last: BigInt(upper - 1) },
          ],
          (candidate) => this.#taken.has(Number(candidate)) || this.#source.isTaken(Number(candidate)),
          randomBytes,
        );
    if (port === undefined) return undefined;
    this.#taken.add(Number(port));
    return Number(port);
  }
}

function lowerPart(size: number): number {
  if (size <= 16) return 0;
  return Math.min(Math.max(Math.floor(size / 32), 16), 128);
}

/** Of a new Service: ports with the same number share one on the nodes. @throws StatusError 500 */
export function takeNewPorts(spec: Draft, taking: PortTaking): FieldError[] {
  const ports = givenList(spec, "ports");
  const known = new Map<number, number>();
  for (const [index, port] of ports.entries()) {
    const number = numberOf(port.port);
    const told = numberOf(port.nodePort);
    if (told === 0 && !allocatesPorts(spec)) continue;
    const before = known.get(number);
    if (before === told) continue;
    if (before !== undefined && told === 0) port.nodePort = before;
    else {
      const same = (other: Draft): boolean =>
        numberOf(other.port) === number && numberOf(other.nodePort) !== 0;
      const wanted = before === undefined ? numberOf(ports.find(same)?.nodePort) : told;
      const why = wanted === 0 ? undefined : taking.take(wanted);
      if (why !== undefined) return [fieldInvalid(path.index(index).child("nodePort"), wanted, why)];
      const node = wanted === 0 ? takeAny(taking) : wanted;
      if (before === undefined) {
        port.nodePort = node;
        known.set(number, node);
      }
    }
  }
  return [];
}

/** Of a changed one: what is new in it. @throws StatusError 500 */
export function takeChangedPorts(spec: Draft, old: Members, taking: PortTaking): FieldError[] {
  const had = new Set(isOnNodes(old) ? nodePortsOf(old) : []);
  const taken = new Set<number>();
  for (const [index, port] of givenList(spec, "ports").entries()) {
    const told = numberOf(port.nodePort);
    if (told === 0 && !allocatesPorts(spec)) continue;
    if (told === 0) port.nodePort = takeAny(taking);
    else if (!had.has(told) && !taken.has(told)) {
      const why = taking.take(told);
      if (why !== undefined) return [fieldInvalid(path.index(index).child("nodePort"), told, why)];
      taken.add(told);
    }
  }
  return [];
}

/** The port at which balancers ask whether there is somebody on the node. @throws StatusError 500 */
export function takeHealthPort(spec: Draft, old: Members | undefined, taking: PortTaking): void {
  if (!needsHealthPort(spec) || (old !== undefined && needsHealthPort(old))) return;
  const told = numberOf(spec.healthCheckNodePort);
  if (told === 0) {
    const any = taking.takeAny();
    if (any === undefined) throw nothingLeft(`failed to allocate a HealthCheck NodePort 0: ${full}`);
    spec.healthCheckNodePort = any;
    return;
  }
  const why = taking.take(told);
  if (why !== undefined)
    throw nothingLeft(`failed to allocate requested HealthCheck NodePort ${told}: ${why}`);
}

function takeAny(taking: PortTaking): number {
  const port = taking.takeAny();
  if (port === undefined) throw nothingLeft(`failed to allocate a nodePort: ${full}`);
  return port;
}

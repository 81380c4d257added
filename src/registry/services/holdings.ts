/**
 * Addresses and ports of Services, given out by the server itself and in the Service's own transaction (upstream:
 * k8s.io/kubernetes pkg/registry/core/service/storage, which undoes on failure, and repairs after a crash).
 */
import { invalid } from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Store } from "#storage/port.ts";
import { noRevision } from "#storage/port.ts";
import type { ObjectLocation } from "../keys.ts";
import { draftOf } from "../strategies/draft.ts";
import { type Members, membersAt, textsAt } from "../strategies/members.ts";
import type { AssignContext, Holdings } from "../strategy.ts";
import { takeAddresses } from "./cluster-addresses.ts";
import { otherFamily, settleFamilies } from "./families.ts";
import { heldPorts, isOnNodes, keepGiven, needsAddress } from "./given-values.ts";
import {
  addressKey,
  dropEndpoints,
  exchange,
  type HeldKey,
  heldAddress,
  heldPort,
  nodePortKey,
  type ValueSource,
} from "./held-keys.ts";
import { PortTaking, takeChangedPorts, takeHealthPort, takeNewPorts } from "./node-ports.ts";
import { familiesOf, rangesIn, type ServiceRanges } from "./service-ranges.ts";

/** Ports of one Service that are had on nodes: each is a key of one transaction, which holds 128. */
const maxNodePorts = 100;

export function serviceHoldings(store: Store, ranges: ServiceRanges): Holdings {
  const families = familiesOf(ranges);
  return {
    assign(object, old, context) {
      const spec = draftOf(object, "spec");
      const before = old && shownSpec(old, families[0]!);
      const name = object.metadata.name ?? "";
      const refuse = (errors: readonly FieldError[]): void => {
        if (errors.length > 0) throw invalid({ group: "", kind: "Service" }, name, errors);
      };
      keepGiven(spec, before);
      refuse(settleFamilies(spec, before, families));
      refuse(takeAddresses(spec, before, addressSource(store, ranges, name, context)));
      const taking = new PortTaking(portSource(store, ranges, context));
      if (isOnNodes(spec))
        refuse(before === undefined ? takeNewPorts(spec, taking) : takeChangedPorts(spec, before, taking));
      takeHealthPort(spec, before, taking);
      const ports = heldPorts(spec).size;
      if (ports > maxNodePorts)
        refuse([
          fieldInvalid(
            FieldPath.of("spec", "ports"),
            ports,
            `at most ${maxNodePorts} may have a port on nodes`,
          ),
        ]);
    },
    changes(at, now, old, source) {
      const changes = exchange(store, at, held(at, now, source), held(at, old, source));
      if (now === undefined) dropEndpoints(store, at, changes);
      return changes;
    },
  };
}

function addressSource(
  store: Store,
  own: ServiceRanges,
  name: string,
  { cluster, randomBytes, dryRun }: AssignContext,
) {
  let ranges: ReturnType<typeof rangesIn> | undefined;
  return {
    name,
    ranges: () => (ranges ??= rangesIn(store, cluster, own)),
    isTaken: (address: string) => store.revisionOf(addressKey(cluster, address)) !== noRevision,
    randomBytes,
    dryRun,
  };
}

const portSource = (store: Store, own: ServiceRanges, { cluster, randomBytes, dryRun }: AssignContext) => ({
  range: own.nodePorts,
  isTaken: (port: number) => store.revisionOf(nodePortKey(cluster, port)) !== noRevision,
  randomBytes,
  dryRun,
});

/** As upstream shows those that were written before there were families (storage.go defaultOnReadIPFamilies). */
function shownSpec(old: KubeObject, first: string): Members {
  const spec = membersAt(old, "spec");
  if (!needsAddress(spec) || textsAt(spec, "ipFamilies").length > 0) return spec;
  const addresses = textsAt(spec, "clusterIPs");
  if (spec.clusterIP !== "None") {
    const ipFamilies = addresses.map((address) => (address.includes(":") ? "IPv6" : "IPv4"));
    if (ipFamilies.length === 0) return spec;
    return {
      ...spec,
      ipFamilies,
      ipFamilyPolicy: ipFamilies.length === 1 ? "SingleStack" : "RequireDualStack",
    };
  }
  const free = Object.keys(membersAt(spec, "selector")).length === 0;
  return free
    ? { ...spec, ipFamilies: [first, otherFamily(first)], ipFamilyPolicy: "RequireDualStack" }
    : { ...spec, ipFamilies: [first], ipFamilyPolicy: "SingleStack" };
}

/** All that a Service has, by its spec. */
function held(at: ObjectLocation, object: KubeObject | undefined, source: ValueSource): HeldKey[] {
  const spec = membersAt(object, "spec");
  if (object === undefined) return [];
  const addresses = needsAddress(spec) ? textsAt(spec, "clusterIPs") : [];
  return [
    ...addresses
      .filter((address) => address !== "" && address !== "None")
      .map((address) => heldAddress(at, address, source)),
    ...[...heldPorts(spec)].map((port) => heldPort(at, port)),
  ];
}

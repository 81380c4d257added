/** Where addresses and ports of Services come from: the server's own ranges, and the ServiceCIDRs of the workspace. */
import { readOwnJson } from "#machinery/json/read.ts";
import type { Store } from "#storage/port.ts";
import type { ClusterName } from "../cluster-name.ts";
import { collectionPrefix, listRange, objectKey, parseObjectKey } from "../keys.ts";
import { type AddressRange, addressRange, type Family } from "./address-range.ts";

/** Both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const portsText = ({ first, last }: PortRange): string => `${first}-${last}`;

export interface ServiceRanges {
  /** One, or two of different families; the first one's family is the default. */
  readonly addresses: readonly string[];
  readonly nodePorts: PortRange;
}

/** Kubeadm's addresses, as kube-apiserver's default is going away; kube-apiserver's ports. */
export const defaultServiceRanges: ServiceRanges = {
  addresses: ["10.96.0.0/12"],
  nodePorts: { first: 30_000, last: 32_767 },
};

export const serviceCidrs = { group: "networking.k8s.io", resource: "servicecidrs" } as const;
/** The one that tells the server's own ranges. */
export const ownServiceCidr = "kubernetes";

const collection = collectionPrefix(serviceCidrs);
/** ServiceCIDRs of a workspace that are looked at, in the order of their names. */
const maxServiceCidrs = 64;

export const familiesOf = (ranges: ServiceRanges): Family[] =>
  ranges.addresses.map((text) => (text.includes(":") ? "IPv6" : "IPv4"));

/** Ranges of the workspace that may be given out of: first the server's own. */
export function rangesIn(store: Store, cluster: ClusterName, own: ServiceRanges): AddressRange[] {
  const texts = new Set<string>();
  const key = objectKey(collection, { cluster, namespace: "", name: ownServiceCidr });
  const told = store.get(key);
  for (const text of told === undefined ? own.addresses : readyRanges(told.value)) texts.add(text);
  if (store.count(collection, cluster) > (told === undefined ? 0 : 1)) {
    let seen = 0;
    store.visit(listRange(collection, cluster, ""), undefined, (at, value) => {
      if (parseObjectKey(collection, false, at).name !== ownServiceCidr)
        for (const text of readyRanges(value)) texts.add(text);
      return ++seen < maxServiceCidrs;
    });
  }
  return [...texts].flatMap((text) => addressRange(text) ?? []);
}

/** Ready unless somebody says that it is not (ipallocator/cidrallocator.go isReady). */
function readyRanges(value: Buffer): readonly string[] {
  const { metadata, spec, status } = readOwnJson(value) as {
    metadata?: { deletionTimestamp?: string };
    spec?: { cidrs?: readonly string[] | null };
    status?: { conditions?: readonly { type?: string; status?: string }[] | null };
  };
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const usable =
    metadata?.deletionTimestamp === undefined && (ready === undefined || ready.status === "True");
  return usable ? (spec?.cidrs ?? []) : [];
}

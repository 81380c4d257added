/**
 * What Services hold lies under keys of its own, one for each address and port, so that a transaction that creates the key
 * has it alone. Addresses are IPAddress objects, as upstream keeps them; ports, which upstream keeps in one bitmap that no
 * request can see, are records that no request can see.
 */
import { readOwnJson } from "#machinery/json/read.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { Comparison, Key, Operation, Store } from "#storage/port.ts";
import { noRevision } from "#storage/port.ts";
import type { ClusterName } from "../cluster-name.ts";
import { collectionPrefix, type ObjectLocation, objectKey } from "../keys.ts";
import { makeUid, timestamp } from "../system-fields.ts";
import { parseServiceAddress, serviceAddressText } from "./address-range.ts";

const addressCollection = collectionPrefix({ group: "networking.k8s.io", resource: "ipaddresses" });
/** No resource of that name is served: named as upstream's `/registry/ranges/servicenodeports`. */
export const nodePortCollection = collectionPrefix({ group: "", resource: "servicenodeports" });

/** `name`: canonical. */
export const addressKey = (cluster: ClusterName, name: string): Key =>
  objectKey(addressCollection, { cluster, namespace: "", name });
export const nodePortKey = (cluster: ClusterName, port: number): Key =>
  objectKey(nodePortCollection, { cluster, namespace: "", name: String(port) });

/** Comparisons and operations of one transaction. */
export interface Exchanged {
  readonly compare: Comparison[];
  readonly operations: Operation[];
}

type Value = () => Buffer;

export interface HeldKey {
  readonly key: Key;
  readonly value: Value;
}

/** Where values get time and chance from. */
export interface ValueSource {
  readonly nowMs: number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** As pkg/registry/core/service/ipallocator createIPAddress makes it. */
export function heldAddress(at: ObjectLocation, text: string, { nowMs, randomBytes }: ValueSource): HeldKey {
  const address = parseServiceAddress(text);
  const name = serviceAddressText(address);
  const value = (): Buffer =>
    canonicalBytes({
      apiVersion: "networking.k8s.io/v1",
      kind: "IPAddress",
      metadata: {
        name,
        uid: makeUid(randomBytes),
        creationTimestamp: timestamp(nowMs),
        labels: {
          "ipaddress.kubernetes.io/ip-family": address.family,
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: parentOf(at) },
    });
  return { key: addressKey(at.cluster, name), value };
}

export const heldPort = (at: ObjectLocation, port: number): HeldKey => ({
  key: nodePortKey(at.cluster, port),
  value: () => canonicalBytes({ metadata: {}, spec: { parentRef: parentOf(at) } } as unknown as KubeObject),
});

const parentOf = ({ namespace, name }: ObjectLocation) => ({ resource: "services", namespace, name });

/**
 * Takes what is held now and was not before, and gives back the reverse, if it is the Service's indeed. What was held before
 * and has gone (somebody has deleted the IPAddress) is taken anew.
 */
export function exchange(
  store: Store,
  at: ObjectLocation,
  now: readonly HeldKey[],
  before: readonly HeldKey[],
): Exchanged {
  const compare: Comparison[] = [];
  const operations: Operation[] = [];
  const had = new Set(before.map(({ key }) => key));
  const has = new Set(now.map(({ key }) => key));
  for (const { key, value } of now) {
    if (had.has(key) && store.revisionOf(key) !== noRevision) continue;
    compare.push({ key, revision: noRevision });
    operations.push({ type: "put", key, value: value() });
  }
  for (const { key } of before) {
    if (has.has(key)) continue;
    const entry = store.get(key);
    if (entry === undefined || !isOf(entry.value, at)) continue;
    compare.push({ key, revision: entry.revision });
    operations.push({ type: "delete", key });
  }
  return { compare, operations };
}

const endpointsCollection = collectionPrefix({ group: "", resource: "endpoints" });
const finalizersMark = Buffer.from('"finalizers":[');

/** A Service takes the Endpoints of its name along (storage.go afterDelete): another one of that name is not to have them. */
export function dropEndpoints(store: Store, at: ObjectLocation, { compare, operations }: Exchanged): void {
  const key = objectKey(endpointsCollection, at);
  const entry = store.get(key);
  // What somebody else has to let go stays.
  if (entry === undefined || entry.value.includes(finalizersMark)) return;
  compare.push({ key, revision: entry.revision });
  operations.push({ type: "delete", key });
}

/** Somebody may have made an IPAddress for something else, or a Service be from before addresses were given out. */
function isOf(value: Buffer, { namespace, name }: ObjectLocation): boolean {
  const { spec } = readOwnJson(value) as { spec?: { parentRef?: Record<string, unknown> } };
  const { group = "", ...parent } = spec?.parentRef ?? {};
  return (
    group === "" && parent.resource === "services" && parent.namespace === namespace && parent.name === name
  );
}

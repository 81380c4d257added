/**
 * Events on objects whose owner is in another namespace (k8s.io/kubernetes pkg/controller/garbagecollector
 * reportInvalidNamespaceOwnerRef). Such a reference leads nowhere, and its object is collected; the event says why.
 */
import { createHash } from "node:crypto";
import { StatusError } from "#machinery/errors/status-error.ts";
import { apiVersionOf, type KubeObject, type OwnerReference } from "#machinery/meta/object.ts";
import { namespaces } from "#registry/guards.ts";
import { listRange, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { Requester } from "#registry/strategy.ts";
import { timestamp } from "#registry/system-fields.ts";
import type { Owners } from "./owner-references.ts";

const component = "garbage-collector-controller";
const reason = "OwnerRefInvalidNamespace";
/** Namespaces in which an owner is looked for; beyond them it counts as missing, and nothing is said. */
const maxNamespaces = 1_000;
/** Events of cluster-scoped objects are kept here. */
const defaultNamespace = "default";
const maxNameLength = 200;

/** To be called for references that are new: an owner that was deleted is not looked for. */
export async function reportForeignOwners(
  registry: Registry,
  owners: Owners,
  stored: StoredObject,
  requester: Requester,
): Promise<void> {
  for (const reference of stored.metadata.ownerReferences ?? []) {
    if (owners.isElsewhere(stored.location, reference, () => namespacesOf(registry, stored)))
      await report(registry, stored, reference, requester);
  }
}

function namespacesOf(registry: Registry, { location }: StoredObject): string[] {
  const { collection } = registry.mustResource(namespaces);
  const names: string[] = [];
  registry.store.visit(listRange(collection, location.cluster, ""), undefined, (key) => {
    names.push(parseObjectKey(collection, false, key).name);
    return names.length < maxNamespaces;
  });
  return names;
}

async function report(
  registry: Registry,
  stored: StoredObject,
  reference: OwnerReference,
  requester: Requester,
): Promise<void> {
  const { resource: of, metadata, location } = stored;
  const apiVersion = apiVersionOf(of.group, of.storage.version);
  const { kind } = of.storage;
  const { namespace, name, cluster } = location;
  const { uid = "" } = metadata;
  const owner = `[${reference.apiVersion}/${reference.kind}, namespace: ${namespace}, name: ${reference.name}, uid: ${reference.uid}]`;
  const now = timestamp(registry.clock.now());
  // The same again is the same event.
  const mark = createHash("sha256").update(`${uid} ${reference.uid}`).digest("hex").slice(0, 16);
  const event: KubeObject = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: name.length > maxNameLength || /[^a-z0-9.-]/.test(name) ? mark : `${name}.${mark}` },
    involvedObject: { apiVersion, kind, name, ...(namespace !== "" && { namespace }), uid },
    reason,
    message: `ownerRef ${owner} does not exist in namespace "${namespace}"`,
    source: { component },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    type: "Warning",
    eventTime: null,
    reportingComponent: component,
    reportingInstance: "",
  };
  const resource = registry.mustResource({ group: "", resource: "events" });
  try {
    const at = namespace === "" ? defaultNamespace : namespace;
    await registry.create({ resource, cluster, namespace: at, object: event, dryRun: false, requester });
  } catch (error) {
    // Said already, or nobody is left to hear it.
    if (!(error instanceof StatusError) || ![403, 404, 409].includes(error.code)) throw error;
  }
}

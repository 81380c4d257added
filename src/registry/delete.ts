import { conflict, notFound } from "#machinery/errors/errors.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { Key, Operation, Revision } from "#storage/port.ts";
import type { AdmissionCheck } from "./admission.ts";
import type { ClusterName } from "./cluster-name.ts";
import { holds, isNewest, onFreshCopy } from "./freshness.ts";
import { rulesGuard } from "./guards.ts";
import { momentOf } from "./journal.ts";
import { type ObjectLocation, objectKey } from "./keys.ts";
import { mustBeChangedHere } from "./preparation.ts";
import { type Propagation, propagationByDefault, setPropagation } from "./propagation.ts";
import type { Registry } from "./registry.ts";
import type { Resource } from "./resource.ts";
import { decodeStored, StoredObject } from "./stored-object.ts";
import type { Requester } from "./strategy.ts";
import { dropDerivedAnnotation, markDeleted } from "./system-fields.ts";
import { isReleased } from "./update.ts";

export interface DeleteRequest {
  readonly resource: Resource;
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
  /** The object must be this one, in this version. */
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
  readonly requester: Requester;
  /** The server's own clean-up: the strategy's `checkDelete` is not asked. */
  readonly internal?: boolean;
  /** What becomes of dependents; absent: what the object's finalizers say, else they go after it. */
  readonly propagation?: Propagation | undefined;
  /** Validating admission; absent for the server's own writes. */
  readonly admit?: AdmissionCheck | undefined;
}

export interface DeleteResult {
  /** The object as it is now, or as it was last. */
  readonly stored: StoredObject;
  /** False while finalizers hold it back. */
  readonly gone: boolean;
}

/**
 * Deletes an object, or marks it deleted when finalizers hold it back. Repeated deletes change nothing
 * but the garbage collector's finalizer, when they tell another policy.
 * @throws StatusError 403, 404, 409 (preconditions); ElsewhereError
 */
export function deleteObject(registry: Registry, request: DeleteRequest): Promise<DeleteResult> {
  return onFreshCopy(registry.store, () => deleteInTurn(registry, request));
}

async function deleteInTurn(registry: Registry, request: DeleteRequest): Promise<DeleteResult> {
  const { resource, cluster, namespace, name } = request;
  const location = { cluster, namespace, name };
  const key = objectKey(resource.collection, location);
  const result = await registry.turns.write(key, () => deleteOnce(registry, request, location, key));
  if (result === undefined) throw conflict(resource, name);
  return result;
}

/** Undefined: somebody else was faster. */
async function deleteOnce(
  registry: Registry,
  request: DeleteRequest,
  location: ObjectLocation,
  key: Key,
): Promise<DeleteResult | undefined> {
  const { resource, cluster, namespace, name, requester } = request;
  const { strategy } = resource;
  const entry = registry.store.get(key);
  if (entry === undefined) throw notFound(resource, name);
  const existing = new StoredObject(resource, location, entry.revision, entry.value);
  mustBeChangedHere(registry, existing);
  const rules = request.admit === undefined ? [] : rulesGuard(registry, cluster, key);
  await existing.load();
  checkPreconditions(request, existing.object);
  const nowMs = registry.clock.now();
  if (request.internal !== true) {
    const { randomBytes } = registry;
    strategy.checkDelete?.(existing.object, {
      cluster,
      namespace,
      requester,
      nowMs,
      subresource: "",
      randomBytes,
    });
  }
  const charges = await request.admit?.(undefined, existing.object);
  const { form } = resource;
  const marked =
    form === undefined
      ? decodeStored(existing)
      : { ...existing.object, metadata: { ...existing.object.metadata } };
  dropDerivedAnnotation(marked);
  const first = marked.metadata.deletionTimestamp === undefined;
  if (first) {
    markDeleted(marked, nowMs);
    strategy.prepareForDeletion?.(marked);
  }
  const wanted = request.propagation ?? propagationByDefault(marked, strategy.orphansByDefault === true);
  const changed = strategy.ignoresPropagation !== true && setPropagation(marked, wanted);
  const gone = isReleased(resource, marked);
  const isSeen = async (): Promise<boolean> =>
    (await isNewest(registry.store, resource, key, entry.revision)) && holds(registry.store, rules);
  if (!gone && !first && !changed) return (await isSeen()) ? { stored: existing, gone } : undefined;
  const value = gone || form === undefined ? canonicalBytes(marked) : await form.encode(marked);
  const storedAt = (revision: Revision): StoredObject =>
    StoredObject.of(resource, location, revision, value, marked);
  if (request.dryRun && !(await isSeen())) return undefined;
  if (request.dryRun) return { stored: gone ? existing : storedAt(entry.revision), gone };
  const operation: Operation = gone ? { type: "delete", key } : { type: "put", key, value };
  const definition = gone ? [] : (form?.guard(name, false) ?? []);
  const held = gone
    ? strategy.holdings?.changes(location, undefined, existing.object, momentOf(registry))
    : undefined;
  const result = await registry.store.commit({
    compare: [
      { key, revision: entry.revision },
      ...rules,
      ...definition,
      ...(held?.compare ?? []),
      ...(charges?.compare ?? []),
    ],
    operations: [operation, ...(held?.operations ?? []), ...(charges?.operations ?? [])],
  });
  if (!result.ok) return undefined;
  const at = result.revisions[0]!;
  if (gone) return { stored: StoredObject.of(resource, location, at, entry.value, existing.object), gone };
  return { stored: storedAt(at), gone };
}

const checkedByStorage: ReadonlySet<string> = new Set([
  "/namespaces",
  "apiextensions.k8s.io/customresourcedefinitions",
]);

/**
 * Kinds whose own storage looks at preconditions before anybody else does, with the words of the store (pkg/registry/core/namespace/storage,
 * apiextensions-apiserver pkg/registry/customresourcedefinition).
 */
export const isCheckedByStorage = ({ group, resource }: GroupResource): boolean =>
  checkedByStorage.has(`${group}/${resource}`);

/** Texts: k8s.io/apiserver pkg/registry/rest/delete.go BeforeDelete, which names the kind where others name the resource. */
function checkPreconditions(
  { resource, name, preconditions }: DeleteRequest,
  { metadata }: KubeObject,
): void {
  const { uid, resourceVersion } = preconditions;
  const byStorage = isCheckedByStorage(resource);
  const { group } = resource.strategy.storedAs?.resource ?? resource;
  const of = byStorage ? resource : { group, resource: resource.storage.kind };
  const complain = (field: string, wanted: string, found: string | undefined, happened: string): never => {
    const why = byStorage
      ? `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${found}`
      : `the ${field} in the precondition (${wanted}) does not match the ${field} in record (${found}). The object might have been ${happened}`;
    throw conflict(of, name, why);
  };
  if (uid !== undefined && uid !== metadata.uid)
    complain("UID", uid, metadata.uid, "deleted and then recreated");
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    complain("ResourceVersion", resourceVersion, metadata.resourceVersion, "modified");
}

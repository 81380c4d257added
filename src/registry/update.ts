import { quote } from "#base/quote.ts";
import { badRequest, conflict, invalid, notFound } from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable, objectMetaUpdateErrors } from "#machinery/meta/validation.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import { type Entry, type Key, noRevision, type Operation, type Revision } from "#storage/port.ts";
import type { AdmissionCheck } from "./admission.ts";
import type { ClusterName } from "./cluster-name.ts";
import { createObject, isTaken } from "./create.ts";
import { holds, isNewest, onFreshCopy } from "./freshness.ts";
import { rulesGuard, SurroundingsChangedError } from "./guards.ts";
import { type Moment, momentOf } from "./journal.ts";
import { type ObjectLocation, objectKey } from "./keys.ts";
import { mustBeChangedHere } from "./preparation.ts";
import type { Registry } from "./registry.ts";
import { convertTo, errorKind, type Resource } from "./resource.ts";
import { differInManagedTimes, StoredObject } from "./stored-object.ts";
import type { Requester, StrategyContext } from "./strategy.ts";
import { dropDerivedAnnotation, dropEmptyManaged, placeIn } from "./system-fields.ts";

export interface UpdateRequest {
  readonly resource: Resource;
  /** The version in which `transform` works. */
  readonly version: string;
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
  /** "" for the main endpoint, else `status`, `finalize`, ... */
  readonly subresource: string;
  /**
   * Makes the new object from the current one (undefined: there is none, and the kind may be created by PUT). Called
   * again when somebody else was faster. A `metadata.resourceVersion` in its answer must be the current one.
   */
  transform(current: KubeObject | undefined): KubeObject | Promise<KubeObject>;
  /** The UID in the answer is what a patch made, and no precondition. */
  readonly patches?: boolean;
  /** A missing object is created, whatever the kind (apply). */
  readonly createsMissing?: boolean;
  readonly dryRun: boolean;
  readonly requester: Requester;
  /** Who writes, for managed fields; absent: what `transform` answers has them. */
  readonly fieldManager?: string;
  /** The server's own change to metadata: the strategy is not asked, nothing is validated. */
  readonly internal?: boolean;
  /** Absent: now. */
  readonly moment?: Moment;
  /** Validating admission; absent for the server's own writes. */
  readonly admit?: AdmissionCheck | undefined;
}

/** Transactions tried when a quota changed in between; then the whole write is tried again. */
const maxCharges = 64;

export interface UpdateResult {
  readonly stored: StoredObject;
  /** PUT to a missing name made it. */
  readonly created: boolean;
}

/**
 * Changes an object. A result that equals what is stored is not written (spec, trap 7); removing the last finalizer of a
 * deleting object removes it, and answers its last state (trap 11).
 * @throws StatusError 400, 404, 409, 422, and what `transform` throws; ElsewhereError
 */
export function updateObject(registry: Registry, request: UpdateRequest): Promise<UpdateResult> {
  return onFreshCopy(registry.store, () => updateInTurn(registry, request));
}

async function updateInTurn(registry: Registry, request: UpdateRequest): Promise<UpdateResult> {
  const { resource, cluster, namespace, name } = request;
  const location = { cluster, namespace, name };
  const key = objectKey(resource.collection, location);
  const result = await registry.turns.write(key, () => updateOnce(registry, request, location, key));
  if (result === undefined) throw conflict(resource, name);
  return result;
}

/** Undefined: somebody else was faster. */
async function updateOnce(
  registry: Registry,
  request: UpdateRequest,
  location: ObjectLocation,
  key: Key,
): Promise<UpdateResult | undefined> {
  const { resource } = request;
  const entry = registry.store.get(key);
  if (entry === undefined) return createMissing(registry, request, key);
  const rules = request.admit === undefined ? [] : rulesGuard(registry, request.cluster, key);
  const existing = new StoredObject(resource, location, entry.revision, entry.value);
  mustBeChangedHere(registry, existing);
  await existing.load();
  const next = await nextState(registry, request, existing);
  const isSeen = async (): Promise<boolean> =>
    (await isNewest(registry.store, resource, key, entry.revision)) && holds(registry.store, rules);
  if (next === undefined) return (await isSeen()) ? { stored: existing, created: false } : undefined;
  const { form } = resource;
  const value = await encoded(resource, next);
  const storedAt = (revision: Revision): StoredObject =>
    StoredObject.of(resource, location, revision, value, next);
  const definition = form?.guard(location.name, false) ?? [];
  const gone = isReleased(resource, next);
  const moment = request.moment ?? momentOf(registry);
  const held = resource.strategy.holdings?.changes(
    location,
    gone ? undefined : next,
    existing.object,
    moment,
  );
  // What changes nothing is admitted too, as upstream: a policy may have been tightened since.
  let charges = await request.admit?.(next, existing.object);
  for (let attempt = 0; attempt < maxCharges; attempt++) {
    try {
      const unchanged = await isUnchanged(existing, entry, next, value);
      const complete = held === undefined || held.operations.length === 0;
      if ((unchanged && complete) || request.dryRun) {
        if (!(await isSeen())) return undefined;
        return { stored: unchanged ? existing : storedAt(entry.revision), created: false };
      }
      const operation: Operation = gone ? { type: "delete", key } : { type: "put", key, value };
      const fixed = [
        { key, revision: entry.revision },
        ...rules,
        ...definition,
        ...(held === undefined ? [] : held.compare),
      ];
      const result = await registry.store.commit({
        compare: [...fixed, ...(charges?.compare ?? [])],
        operations: [
          operation,
          ...(held === undefined ? [] : held.operations),
          ...(charges?.operations ?? []),
        ],
      });
      if (result.ok) return { stored: storedAt(result.revisions[0]!), created: false };
      if (result.failed < fixed.length) return undefined;
    } finally {
      charges?.settled?.();
    }
    charges = await charges?.again();
  }
  return undefined;
}

/** Undefined: somebody else has created it meanwhile, so it is to be changed. */
async function createMissing(
  registry: Registry,
  request: UpdateRequest,
  key: Key,
): Promise<UpdateResult | undefined> {
  const { resource, cluster, namespace, name, dryRun, requester, admit, moment } = request;
  const creates = resource.strategy.allowCreateOnUpdate === true || request.createsMissing === true;
  if (!creates || request.subresource !== "") throw notFound(resource, name);
  const object = withoutVersion(await request.transform(undefined));
  try {
    const creation = {
      resource,
      cluster,
      namespace,
      object,
      dryRun,
      requester,
      admit,
      ...(moment === undefined ? {} : { moment }),
    };
    return { stored: await createObject(registry, creation), created: true };
  } catch (error) {
    if (error instanceof SurroundingsChangedError) return undefined;
    if (isTaken(error) && registry.store.revisionOf(key) !== noRevision) return undefined;
    throw error;
  }
}

/**
 * `object` without its resource version, which an apply or update that creates looks at as little as upstream's
 * (registry/generic/registry/store.go, Update): manifests that were exported from another cluster hold one.
 * @throws StatusError 400 when it is no number
 */
function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion = "", ...metadata } = object.metadata;
  if (!/^[0-9]*$/.test(resourceVersion))
    throw badRequest(`metadata.resourceVersion: ${quote(resourceVersion)} is not a number`);
  return { ...object, metadata };
}

/** The object to store, in the storage version; undefined when the transform gave the current one back. */
async function nextState(
  registry: Registry,
  request: UpdateRequest,
  existing: StoredObject,
): Promise<KubeObject | undefined> {
  const { resource, cluster, namespace, name, subresource, requester } = request;
  const { strategy } = resource;
  const old = existing.object;
  // Of what was converted a copy: decoding shares what it finds clean, and the defaults of this version would get into the old one.
  const own = resource.form === undefined || resource.form.shownAsStored(existing);
  const current = own
    ? convertTo(resource, old, request.version)
    : (cloneJson(old as unknown as JsonObject) as unknown as KubeObject);
  const wanted = await tracked(registry, request, current, await request.transform(current));
  if (wanted === current) return undefined;
  const object = convertTo(
    resource,
    { ...wanted, metadata: { ...wanted.metadata } },
    resource.storage.version,
  );
  const { metadata } = object;

  const { uid = "" } = metadata;
  // As upstream reads it as a number, 0 is none.
  const resourceVersion = metadata.resourceVersion === "0" ? "" : (metadata.resourceVersion ?? "");
  if (resourceVersion === "" && strategy.requiresResourceVersion === true) {
    // Upstream names the resource where the kind belongs (apiserver pkg/registry/generic/registry/store.go).
    throw invalid({ group: resource.group, kind: resource.resource }, name, [
      fieldInvalid("metadata.resourceVersion", 0, "must be specified for an update"),
    ]);
  }
  // The status endpoint of custom kinds takes nothing but the status and managed fields (apiextensions-apiserver status_strategy.go).
  const ignoresUid = resource.custom !== undefined && subresource === "status" && request.patches === true;
  const otherUid = uid !== "" && uid !== old.metadata.uid && !ignoresUid;
  if (otherUid && request.patches !== true) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion !== "" && resourceVersion !== old.metadata.resourceVersion)
    throw conflict(resource, name);

  placeIn(namespace, metadata);
  keepSystemFields(object, old, subresource);
  separateStatus(resource, object, old, subresource);
  const context: StrategyContext = {
    cluster,
    namespace,
    requester,
    ...(request.moment ?? momentOf(registry)),
    subresource,
  };
  if (request.internal === true) return object;
  strategy.applyDefaults?.(object, context.nowMs);
  if (subresource === "") strategy.holdings?.assign(object, old, { ...context, dryRun: request.dryRun });
  strategy.prepareForUpdate?.(object, old, context);
  if (strategy.tracksGeneration === true) bumpGeneration(resource, object, old, subresource);
  const errors: FieldError[] = [
    ...(otherUid ? [fieldInvalid("metadata.uid", uid, fieldImmutable)] : []),
    ...objectMetaUpdateErrors(object, old, {
      namespaced: resource.namespaced,
      validateName: strategy.validateName,
    }),
    ...(strategy.validate?.(object, context) ?? []),
  ];
  errors.push(...(strategy.validateUpdate?.(object, old, context, errors) ?? []));
  if (errors.length > 0) throw invalid(errorKind(resource), name, errors);
  for (const warning of strategy.warnings?.(object, old) ?? []) requester.warn?.(warning);
  return object;
}

/** With the managed fields that the write gives it, where that is the registry's matter. */
function tracked(
  registry: Registry,
  { resource, version, subresource, fieldManager }: UpdateRequest,
  current: KubeObject,
  wanted: KubeObject,
): KubeObject | Promise<KubeObject> {
  if (fieldManager === undefined || registry.managedFields === undefined || wanted === current) return wanted;
  return registry.managedFields.update({ resource, version, subresource }, current, wanted, fieldManager);
}

/** What an update can neither set nor remove (k8s.io/apiserver pkg/registry/rest/update.go BeforeUpdate). */
function keepSystemFields(object: KubeObject, old: KubeObject, subresource: string): void {
  const { metadata } = object;
  const kept = old.metadata;
  for (const field of ["uid", "creationTimestamp", "resourceVersion", "generation"] as const) {
    const value = kept[field];
    if (value === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: value });
  }
  // Who sets it is refused, but for the status endpoint, which does not look at metadata.
  if (kept.deletionTimestamp !== undefined) metadata.deletionTimestamp = kept.deletionTimestamp;
  else if (subresource === "status") delete metadata.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds === undefined && kept.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds = kept.deletionGracePeriodSeconds;
  }
  if (metadata.managedFields === undefined && kept.managedFields !== undefined)
    metadata.managedFields = kept.managedFields;
  dropEmptyManaged(object);
  delete (metadata as { selfLink?: unknown }).selfLink;
  dropDerivedAnnotation(object);
}

/** The main endpoint keeps the old status; the status endpoint keeps everything else (metadata goes by the kind). */
function separateStatus(resource: Resource, object: KubeObject, old: KubeObject, subresource: string): void {
  if (!resource.hasStatus) return;
  if (subresource === "") {
    if (old.status === undefined) delete object.status;
    else object.status = old.status;
  } else if (subresource === "status") {
    for (const field of Object.keys(object)) {
      if (field !== "metadata" && field !== "status" && !Object.hasOwn(old, field)) delete object[field];
    }
    for (const field of Object.keys(old)) {
      if (field !== "metadata" && field !== "status") object[field] = old[field];
    }
  }
}

/** One more for any change outside metadata and status; of custom resources, status counts unless it is a subresource. */
function bumpGeneration(resource: Resource, object: KubeObject, old: KubeObject, subresource: string): void {
  if (resource.strategy.generationCounts === "nothing") return;
  const statusCounts = resource.custom !== undefined && !resource.hasStatus;
  const content = ({ metadata: _metadata, status, ...rest }: KubeObject): JsonValue =>
    (statusCounts && status !== undefined ? { ...rest, status } : rest) as JsonValue;
  const counts = subresource === "" ? resource.strategy.generationCounts : undefined;
  if (!jsonEqual(content(object), content(old)) || (counts !== undefined && differIn(counts, object, old)))
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function differIn(field: "annotations" | "labels", object: KubeObject, old: KubeObject): boolean {
  const before = { ...old, metadata: { ...old.metadata } };
  dropDerivedAnnotation(before);
  const pairs = ({ metadata }: KubeObject): JsonValue => metadata[field] ?? {};
  return !jsonEqual(pairs(object), pairs(before));
}

const encoded = (resource: Resource, object: KubeObject): Buffer | Promise<Buffer> =>
  resource.form === undefined ? canonicalBytes(object) : resource.form.encode(object);

/** Equal by content; the bytes differ for equal content only when members stand in another order. */
async function isUnchanged(
  existing: StoredObject,
  entry: Entry,
  next: KubeObject,
  value: Buffer,
): Promise<boolean> {
  if (value.equals(entry.value)) return true;
  if (value.length !== entry.value.length) return false;
  let wanted = next;
  let bytes = value;
  if (differInManagedTimes(existing.object, next)) {
    // Times alone are no change (apiserver pkg/endpoints/handlers/fieldmanager/equality.go).
    const { managedFields } = existing.object.metadata;
    wanted = { ...next, metadata: { ...next.metadata, managedFields: managedFields! } };
    bytes = await encoded(existing.resource, wanted);
    if (bytes.equals(entry.value)) return true;
  }
  // What is stored may be of another version or schema than what was worked with: then it is written anew.
  if (existing.resource.form !== undefined) return jsonEqual(readOwnJson(entry.value), readOwnJson(bytes));
  const old = { ...existing.object, metadata: { ...existing.object.metadata } };
  dropDerivedAnnotation(old);
  return jsonEqual(old as unknown as JsonValue, wanted as unknown as JsonValue);
}

/** Nothing holds a deleting object back any more. */
export function isReleased(resource: Resource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    deletionGracePeriodSeconds === 0 &&
    finalizers.length === 0 &&
    resource.strategy.hasPendingFinalizers?.(object) !== true
  );
}

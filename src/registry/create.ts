import {
  alreadyExists,
  badRequest,
  generateNameConflict,
  internalError,
  invalid,
  serviceUnavailable,
} from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { objectMetaErrors } from "#machinery/meta/validation.ts";
import { generateName } from "#machinery/names/generate.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { Comparison, Operation } from "#storage/port.ts";
import { noRevision } from "#storage/port.ts";
import type { AdmissionCharges, AdmissionCheck } from "./admission.ts";
import type { ClusterName } from "./cluster-name.ts";
import { holds, isNewest, onFreshCopy } from "./freshness.ts";
import { namespaceGuard, SurroundingsChangedError, workspaceGuard } from "./guards.ts";
import { type Moment, momentOf } from "./journal.ts";
import { type ObjectLocation, objectKey } from "./keys.ts";
import type { Registry } from "./registry.ts";
import { convertTo, errorKind, type Resource } from "./resource.ts";
import { storedMetadata } from "./stored-metadata.ts";
import { StoredObject } from "./stored-object.ts";
import type { Companion, Requester, StrategyContext } from "./strategy.ts";
import { dropEmptyManaged, makeUid, placeIn, timestamp, wipeSystemFields } from "./system-fields.ts";

export interface CreateRequest {
  readonly resource: Resource;
  readonly cluster: ClusterName;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  /** Decoded, normalised and defaulted, in any served version. Not changed. */
  readonly object: KubeObject;
  readonly dryRun: boolean;
  readonly requester: Requester;
  /** Who writes, for managed fields; absent: the object already has them. */
  readonly fieldManager?: string;
  /** Absent: now. */
  readonly moment?: Moment;
  /** Validating admission; absent for the server's own writes. */
  readonly admit?: AdmissionCheck | undefined;
}

/** Names tried for `generateName` before the client is told to try again (upstream: 8). */
const generatedNameAttempts = 8;
/** Tries to give the object what no two have at once, each lost to somebody who got it. */
const assignAttempts = 64;
/** Transactions tried when a guard (namespace, workspace) or a quota changed in between. */
const maxAttempts = 64;

/**
 * Creates an object and its strategy's companions in one transaction. With `dryRun` everything but the commit happens.
 * @throws StatusError 400, 403, 404 (namespace), 409, 422
 * @throws SurroundingsChangedError when admission is to look at it again
 */
export async function createObject(registry: Registry, request: CreateRequest): Promise<StoredObject> {
  const { resource } = request;
  let object = convertTo(resource, structuredCopy(request.object), resource.storage.version);
  if (request.fieldManager !== undefined && registry.managedFields !== undefined) {
    const endpoint = { resource, version: resource.storage.version, subresource: "" };
    object = await registry.managedFields.update(endpoint, undefined, object, request.fieldManager);
  }
  const { metadata } = object;
  // Upstream's store looks at numbers only (apiserver pkg/storage/etcd3/store.go, Create), and what it says becomes a 500 there.
  if (/^0*[1-9][0-9]*$/.test(metadata.resourceVersion ?? ""))
    throw badRequest("resourceVersion should not be set on objects to be created");
  delete metadata.resourceVersion;
  wipeSystemFields(object);
  dropEmptyManaged(object);
  const moment = request.moment ?? momentOf(registry);
  const { randomBytes } = moment;
  metadata.uid = makeUid(randomBytes);
  metadata.creationTimestamp = timestamp(moment.nowMs);
  if (resource.hasStatus && resource.strategy.keepsStatusAtCreation !== true) delete object.status;
  if (resource.strategy.tracksGeneration === true) metadata.generation = 1;
  placeIn(request.namespace, metadata);

  const generated = (metadata.name ?? "") === "" && (metadata.generateName ?? "") !== "";
  for (let attempt = 1; ; attempt++) {
    if (generated) metadata.name = generateName(metadata.generateName!, randomBytes);
    try {
      return await createAssigned(registry, request, object, moment);
    } catch (error) {
      if (!generated || !isTaken(error)) throw error;
      if (attempt >= generatedNameAttempts) throw generateNameConflict(resource, metadata.name!);
    }
  }
}

/** What the object was to have was taken meanwhile. */
class TakenMeanwhileError extends Error {
  override readonly name = "TakenMeanwhileError";
}

async function createAssigned(
  registry: Registry,
  request: CreateRequest,
  object: KubeObject,
  moment: Moment,
): Promise<StoredObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await onFreshCopy(registry.store, () =>
        createNamed(registry, request, structuredCopy(object), moment),
      );
    } catch (error) {
      if (!(error instanceof TakenMeanwhileError)) throw error;
      if (attempt === assignAttempts)
        throw serviceUnavailable(`others are faster than ${request.resource.resource} can be created`, 1);
    }
  }
}

async function createNamed(
  registry: Registry,
  request: CreateRequest,
  object: KubeObject,
  moment: Moment,
): Promise<StoredObject> {
  const { nowMs, randomBytes } = moment;
  const { resource, cluster, namespace, requester } = request;
  const { strategy } = resource;
  const context: StrategyContext = {
    cluster,
    namespace,
    requester,
    nowMs,
    subresource: "",
    randomBytes,
  };
  strategy.applyDefaults?.(object, nowMs);
  strategy.holdings?.assign(object, undefined, { ...context, dryRun: request.dryRun });
  strategy.prepareForCreate?.(object, context);
  const errors: FieldError[] = [
    ...objectMetaErrors(object, { namespaced: resource.namespaced, validateName: strategy.validateName }),
    ...(strategy.validate?.(object, context) ?? []),
  ];
  errors.push(...(strategy.validateCreate?.(object, context, errors) ?? []));
  const name = object.metadata.name ?? "";
  // Kinds whose names are path segments let these through; no URL could name such an object, and no key hold it.
  if (hasControlCharacter(name))
    errors.push(fieldInvalid("metadata.name", name, "may not contain control characters"));
  if (errors.length > 0) throw invalid(errorKind(resource), name, errors);
  for (const warning of strategy.warnings?.(object, undefined) ?? []) requester.warn?.(warning);

  const location: ObjectLocation = { cluster, namespace, name };
  const key = objectKey(resource.collection, location);
  const value = resource.form === undefined ? canonicalBytes(object) : await resource.form.encode(object);
  const operations: Operation[] = [{ type: "put", key, value }];
  const fixed: Comparison[] = [{ key, revision: noRevision }];
  for (const companion of strategy.companions?.(object, context) ?? []) {
    const operation = companionPut(registry, companion, nowMs);
    operations.push(operation);
    fixed.push({ key: operation.key, revision: noRevision });
  }
  const held = request.dryRun ? undefined : strategy.holdings?.changes(location, object, undefined, moment);
  if (held !== undefined) operations.push(...held.operations);

  let charges: AdmissionCharges | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const compare = [...fixed, workspaceGuard(registry, resource, cluster, name)];
    if (namespace !== "") compare.push(namespaceGuard(registry, resource, location));
    if (resource.form !== undefined) compare.push(...resource.form.guard(name, true));
    charges = attempt === 0 ? await request.admit?.(object, undefined) : await charges?.again();
    const guards = compare.length;
    if (held !== undefined) compare.push(...held.compare);
    const holdings = compare.length;
    if (charges !== undefined) compare.push(...charges.compare);
    try {
      if (request.dryRun) {
        await isNewest(registry.store, resource, key, noRevision);
        if (registry.store.revisionOf(key) !== noRevision) throw taken(registry, resource, key, name);
        const admitted = request.admit !== undefined;
        if (admitted && !holds(registry.store, compare.slice(fixed.length)))
          throw new SurroundingsChangedError();
        return StoredObject.of(resource, location, noRevision, value, object);
      }
      const result = await registry.store.commit({
        compare,
        operations: charges === undefined ? operations : [...operations, ...charges.operations],
      });
      if (result.ok) return StoredObject.of(resource, location, result.revisions[0]!, value, object);
      if (result.failed === 0) throw taken(registry, resource, key, name);
      if (result.failed < fixed.length) {
        throw internalError(`an object that belongs to ${name} exists already: ${fixed[result.failed]!.key}`);
      }
      if (result.failed >= guards && result.failed < holdings) throw new TakenMeanwhileError();
      if (result.failed < guards && request.admit !== undefined) throw new SurroundingsChangedError();
    } finally {
      charges?.settled?.();
    }
  }
  throw internalError(
    `${resource.resource} "${name}" could not be created: its namespace or workspace changes too often`,
  );
}

/** The put of an object that is created beside another one. Its content is the server's own and is not validated. */
export function companionPut(
  registry: Registry,
  companion: Companion,
  nowMs: number,
): Extract<Operation, { type: "put" }> {
  const resource = registry.mustResource(companion.resource);
  const { object, cluster, namespace } = companion;
  const metadata = {
    ...object.metadata,
    uid: object.metadata.uid ?? makeUid(registry.randomBytes),
    creationTimestamp: timestamp(nowMs),
    ...(resource.strategy.tracksGeneration === true ? { generation: 1 } : {}),
  };
  const key = objectKey(resource.collection, { cluster, namespace, name: metadata.name ?? "" });
  return { type: "put", key, value: canonicalBytes({ ...object, metadata }) };
}

function taken(registry: Registry, resource: Resource, key: Operation["key"], name: string): Error {
  const holder = registry.store.get(key)?.value;
  return alreadyExists(resource, name, holder !== undefined && isBeingDeleted(holder));
}

function isBeingDeleted(value: Buffer): boolean {
  if (!value.includes('"deletionTimestamp":"')) return false;
  return storedMetadata(value)?.deletionTimestamp !== undefined;
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** Whether a creation was refused since there is an object of that name. */
export const isTaken = (error: unknown): boolean =>
  error instanceof Error && "reason" in error && error.reason === "AlreadyExists";

/** Copies what create changes; deeper values are shared and must not be changed in place by strategies. */
function structuredCopy(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata } };
}

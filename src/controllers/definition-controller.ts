/**
 * What happens to definitions after they are written (apiextensions-apiserver pkg/controller/status and pkg/controller/finalizer):
 * names that become free are given to those that wait for them, and a definition that is being deleted goes when its
 * instances have gone.
 */

import { conditionIsTrue, type NewCondition, withCondition } from "#crds/conditions.ts";
import { definitionParts, withHead } from "#crds/definition-parts.ts";
import { type NameClaims, settledStatus } from "#crds/names.ts";
import { type CustomResourceDefinition, cleanupFinalizer, customResourceDefinitions } from "#crds/types.ts";
import { conflict } from "#machinery/errors/errors.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { acceptedNameTerm, deletingIndex, refusedNamesIndex, refusedNamesTerm } from "#registry/key-space.ts";
import {
  customCollectionPrefix,
  customResourceOf,
  objectKey,
  parseObjectKey,
  partitionOf,
} from "#registry/keys.ts";
import { purgeStep } from "#registry/purge.ts";
import type { Registry } from "#registry/registry.ts";
import { timestamp } from "#registry/system-fields.ts";
import { isReleased } from "#registry/update.ts";
import { type Entry, type IndexEntry, type Key, type Operation, prefixRange } from "#storage/port.ts";
import { type Controller, controllerRequester, itemName, itemParts } from "./controller.ts";
import { deletingKeys } from "./deleting.ts";

const name = "customresourcedefinition-controller";
const pageSize = 100;
/** Tries against concurrent writers; each lost try means that somebody else's write succeeded. */
const maxAttempts = 256;
const deletionMark = Buffer.from('"deletionTimestamp":"');

export interface DefinitionControllerOptions {
  readonly registry: Registry;
  /** Names in use by others than the definition. */
  claims(cluster: ClusterName, definition: string): NameClaims;
  /** Whether the definition is there and being deleted. Cheap. */
  isTerminating(cluster: ClusterName, definition: string): boolean;
}

/**
 * Items: `finalize/<cluster>/<definition>`, `names/<cluster>/<definition>`, and `group/<cluster>/<group>` when names of that group
 * may have become free.
 */
export function definitionController(options: DefinitionControllerOptions): Controller {
  const { registry } = options;
  const { store } = registry;
  const resource = registry.mustResource(customResourceDefinitions);
  const { collection } = resource;
  const requester = controllerRequester(name);
  const keyOf = (cluster: ClusterName, definition: string): Key =>
    objectKey(collection, { cluster, namespace: "", name: definition });

  return {
    name,
    concurrency: 8,
    collections: undefined,
    observe({ key, value }, changed, enqueue) {
      if (changed === collection) {
        const at = parseObjectKey(collection, false, key);
        if (value?.includes(deletionMark) === true) enqueue(itemName("finalize", at.cluster, at.name));
        else if (value !== undefined) enqueue(itemName("names", at.cluster, at.name));
        enqueue(itemName("group", at.cluster, at.name.slice(at.name.indexOf(".") + 1)));
      } else if (value === undefined) {
        const of = customResourceOf(changed);
        const cluster = of === undefined ? undefined : (partitionOf(key)?.tenant as ClusterName | undefined);
        if (of === undefined || cluster === undefined) return;
        const definition = `${of.resource}.${of.group}`;
        if (options.isTerminating(cluster, definition)) enqueue(itemName("finalize", cluster, definition));
      }
    },
    resync(enqueue) {
      for (const key of deletingKeys(store, deletingIndex + collection)) {
        const at = parseObjectKey(collection, false, key);
        enqueue(itemName("finalize", at.cluster, at.name));
      }
      const { start, end } = prefixRange(refusedNamesIndex);
      for (const key of indexedKeys(start, end)) {
        const at = parseObjectKey(collection, false, key);
        enqueue(itemName("names", at.cluster, at.name));
      }
    },
    async process(item) {
      // Called from within the delivery of changes, where nothing may be written yet; and a definition may be large.
      await nextTurn();
      const [kind, cluster, subject] = itemParts(item) as [string, ClusterName, string];
      if (kind === "finalize") await finalize(cluster, subject);
      else if (kind === "names") await settleNames(cluster, subject);
      else {
        const term = refusedNamesTerm(cluster, subject);
        for (const key of indexedKeys(term, `${term}\0`))
          await settleNames(cluster, parseObjectKey(collection, false, key).name);
      }
    },
  };

  /** Without schemas, but with the name, which is not stored. */
  function headOf({ key, value }: Entry): CustomResourceDefinition {
    const { head } = definitionParts(value);
    const { name } = parseObjectKey(collection, false, key);
    return { ...head, metadata: { ...head.metadata, name } };
  }

  function read(key: Key): CustomResourceDefinition | undefined {
    const entry = store.get(key);
    return entry && headOf(entry);
  }

  function* indexedKeys(start: string, end: string): Generator<Key> {
    let after: IndexEntry | undefined;
    for (;;) {
      const page = store.indexEntries(start, end, pageSize, after);
      for (const { key } of page) yield key;
      if (page.length < pageSize) return;
      after = page[page.length - 1];
    }
  }

  /**
   * Changes metadata and status of a definition, if it is there; undefined leaves it as it is. Not by the registry's update, which
   * would parse and write all of it, and a definition may be a megabyte.
   */
  async function change(
    cluster: ClusterName,
    definition: string,
    make: (current: CustomResourceDefinition) => CustomResourceDefinition | undefined,
  ): Promise<void> {
    const key = keyOf(cluster, definition);
    await nextTurn();
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const entry = store.get(key);
      const next = entry && make(headOf(entry));
      if (next === undefined) return;
      const operation: Operation = isReleased(resource, next)
        ? { type: "delete", key }
        : { type: "put", key, value: withHead(entry!.value, next) };
      const compare = [{ key, revision: entry!.revision }];
      if ((await store.commit({ compare, operations: [operation] })).ok) return;
      // The copy may be behind the write that was faster.
      await store.fresh();
    }
    throw conflict(resource, definition);
  }

  async function settleNames(cluster: ClusterName, definition: string): Promise<void> {
    const key = keyOf(cluster, definition);
    const stored = read(key);
    if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) return;
    const accepted = conditionIsTrue(stored.status?.conditions, "NamesAccepted");
    // Two that were created at the same moment saw nothing of each other: the younger one gives its names back.
    const rivals = accepted ? rivalsOf(cluster, key, stored) : [];
    const lost = rivals.some((rival) => rankOf(rival.metadata) < rankOf(stored.metadata));
    if (accepted && !lost) {
      // The younger one may have been looked at before this one was there.
      for (const { metadata } of rivals) await settleNames(cluster, metadata.name ?? "");
      return;
    }
    await change(cluster, definition, (current) => {
      const { acceptedNames, ...rest } = current.status ?? {};
      const before = lost ? { ...current, status: rest } : current;
      const status = settledStatus(
        before as CustomResourceDefinition,
        options.claims(cluster, definition),
        timestamp(registry.clock.now()),
      );
      const same =
        jsonEqual(jsonOf(status.acceptedNames), jsonOf(acceptedNames)) &&
        jsonEqual(jsonOf(status.conditions), jsonOf(current.status?.conditions));
      return same ? undefined : { ...current, status };
    });
  }

  /** Others that have one of the accepted names as well. */
  function rivalsOf(
    cluster: ClusterName,
    own: Key,
    { spec, status }: CustomResourceDefinition,
  ): readonly CustomResourceDefinition[] {
    const {
      plural = "",
      singular = "",
      shortNames = [],
      kind = "",
      listKind = "",
    } = status?.acceptedNames ?? {};
    const terms = [
      ...[plural, singular, ...shortNames].map((one) =>
        acceptedNameTerm(cluster, spec.group, "resource", one),
      ),
      ...[kind, listKind].map((one) => acceptedNameTerm(cluster, spec.group, "kind", one)),
    ];
    const keys = new Set(
      terms.flatMap((term) => store.indexEntries(term, `${term}\0`, pageSize).map(({ key }) => key)),
    );
    keys.delete(own);
    return [...keys].map(read).filter((rival) => rival !== undefined);
  }

  /** Every step can be done again. What finalizers of instances hold is waited for: their deletion brings the item back. */
  async function finalize(cluster: ClusterName, definition: string): Promise<void> {
    const stored = read(keyOf(cluster, definition));
    if (stored?.metadata.deletionTimestamp === undefined) return;
    if (stored.metadata.finalizers?.includes(cleanupFinalizer) !== true) return;
    let end: NewCondition = neverEstablished;
    if (conditionIsTrue(stored.status?.conditions, "Established")) {
      await change(cluster, definition, (current) => withTerminating(current, inProgress));
      const { group, names } = stored.spec;
      if (!(await purge(cluster, customCollectionPrefix({ group, resource: names.plural })))) return;
      end = completed;
    }
    await change(cluster, definition, (current) => {
      const { finalizers = [], deletionTimestamp, uid } = current.metadata;
      if (uid !== stored.metadata.uid || deletionTimestamp === undefined) return undefined;
      const kept = finalizers.filter((finalizer) => finalizer !== cleanupFinalizer);
      const ended = withTerminating(current, end) ?? current;
      return { ...ended, metadata: { ...current.metadata, finalizers: kept } };
    });
  }

  /** False: some are held. */
  async function purge(cluster: ClusterName, instances: string): Promise<boolean> {
    for (;;) {
      const left = await purgeStep(registry, {
        cluster,
        namespace: undefined,
        keep: (of) => of.collection !== instances,
        ignoreFinalizers: () => false,
        requester,
      });
      if (!left.more) return left.held.size === 0;
    }
  }

  function withTerminating(
    current: CustomResourceDefinition,
    condition: NewCondition,
  ): CustomResourceDefinition | undefined {
    if (current.metadata.deletionTimestamp === undefined) return undefined;
    const now = timestamp(registry.clock.now());
    const conditions = withCondition(current.status?.conditions, condition, now);
    if (jsonEqual(jsonOf(conditions), jsonOf(current.status?.conditions))) return undefined;
    return { ...current, status: { ...current.status, conditions } };
  }
}

const inProgress: NewCondition = {
  type: "Terminating",
  status: "True",
  reason: "InstanceDeletionInProgress",
  message: "CustomResource deletion is in progress",
};
const completed: NewCondition = {
  type: "Terminating",
  status: "False",
  reason: "InstanceDeletionCompleted",
  message: "removed all instances",
};
const neverEstablished: NewCondition = {
  type: "Terminating",
  status: "False",
  reason: "NeverEstablished",
  message: "resource was never established",
};

/** Who was there first; of any two, one was. */
const rankOf = ({ creationTimestamp = "", uid = "", name = "" }: KubeObject["metadata"]): string =>
  `${creationTimestamp} ${uid} ${name}`;

/** Others are served before what comes next. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const jsonOf = (value: unknown): JsonValue => (value ?? null) as JsonValue;

import type { Change, Revision, Watch } from "#storage/port.ts";
import type { ClusterScope } from "./cluster-name.ts";
import { listPrefix } from "./keys.ts";
import type { Registry } from "./registry.ts";
import type { Resource } from "./resource.ts";
import { matches, type Selection, selectsAll } from "./selection.ts";
import type { StoredObject } from "./stored-object.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED";

export interface WatchRequest {
  readonly resource: Resource;
  readonly cluster: ClusterScope;
  readonly namespace: string;
  readonly selection: Selection;
  /** Events with a greater revision are delivered. */
  readonly after: Revision;
  /** The objects are shared by all watchers of the change: do not change them. */
  onEvent(type: EventType, object: StoredObject): void;
  /** Everything up to `revision` was delivered. */
  onProgress(revision: Revision): void;
  /** After a batch of changes was handled: a moment to flush. */
  onBatchEnd(): void;
  /** CompactedError, or the store closed. */
  onEnd(error: Error): void;
}

export type WatchHandle = Watch;

/** @throws CompactedError when `after` is older than the kept history. */
export function watchCollection(registry: Registry, request: WatchRequest): WatchHandle {
  const { resource, selection } = request;
  const onlyNamespace = request.cluster === "*" ? request.namespace : "";
  const all = selectsAll(selection);
  const deliver = (change: Change): void => {
    const view = registry.views.of(resource, change);
    if (onlyNamespace !== "" && view.location.namespace !== onlyNamespace) return;
    const { current, previous } = view;
    if (all) {
      if (current !== undefined) request.onEvent(previous === undefined ? "ADDED" : "MODIFIED", current);
      else if (previous !== undefined) request.onEvent("DELETED", previous);
      return;
    }
    // An object that leaves the selection is DELETED as it was last selected, with the new revision (spec, trap 8).
    const was = previous !== undefined && matches(selection, previous);
    const is = current !== undefined && matches(selection, current);
    if (is) request.onEvent(was ? "MODIFIED" : "ADDED", current);
    else if (was) request.onEvent("DELETED", previous);
  };
  return registry.store.watch({
    prefix: listPrefix(
      resource.collection,
      request.cluster,
      request.cluster === "*" ? "" : request.namespace,
    ),
    after: request.after,
    onChanges(changes) {
      for (const change of changes) deliver(change);
      request.onBatchEnd();
    },
    onProgress: (revision) => request.onProgress(revision),
    onEnd: (error) => request.onEnd(error),
  });
}

import type { Change, Revision, Watch } from "#storage/port.ts";
import type { ClusterScope } from "./cluster-name.ts";
import { listPrefix } from "./keys.ts";
import type { Registry } from "./registry.ts";
import { DefinitionChangedError, type Resource } from "./resource.ts";
import { matches, type Selection, selectsAll } from "./selection.ts";
import { StoredObject } from "./stored-object.ts";

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
  /** CompactedError, DefinitionChangedError (begin anew behind the last event), or the store closed. */
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
  const prefix = listPrefix(
    resource.collection,
    request.cluster,
    request.cluster === "*" ? "" : request.namespace,
  );
  if (resource.form?.asynchronous === true) return watchConverted(registry, request, prefix, deliver);
  const { form } = resource;
  const watch = registry.store.watch({
    prefix,
    after: request.after,
    onChanges(changes) {
      if (form?.isCurrent() === false) {
        watch.close();
        request.onEnd(new DefinitionChangedError());
        return;
      }
      for (const change of changes) deliver(change);
      request.onBatchEnd();
    },
    onProgress: (revision) => request.onProgress(revision),
    onEnd: (error) => request.onEnd(error),
  });
  return watch;
}

/** Bytes of changes that wait for their conversion; a watch that falls behind further is ended, and its client comes again. */
const maxWaitingBytes = 16 * 1024 * 1024;

/** The same where somebody has to be asked to convert the objects: one batch of changes after the other, in order. */
function watchConverted(
  registry: Registry,
  request: WatchRequest,
  prefix: string,
  deliver: (change: Change) => void,
): WatchHandle {
  const { resource } = request;
  const form = resource.form!;
  let closed = false;
  let waiting = 0;
  let last = Promise.resolve();
  const fail = (error: Error): void => {
    if (closed) return;
    closed = true;
    watch.close();
    request.onEnd(error);
  };
  const after = (step: () => void | Promise<void>): void => {
    last = last
      .then(() => (closed ? undefined : step()))
      .catch((error: unknown) => fail(error instanceof Error ? error : new Error(String(error))));
  };
  const watch = registry.store.watch({
    prefix,
    after: request.after,
    onChanges(changes) {
      const bytes = changes.reduce(
        (sum, { value, previous }) => sum + (value?.length ?? 0) + (previous?.value.length ?? 0),
        0,
      );
      waiting += bytes;
      if (waiting > maxWaitingBytes) {
        fail(new Error("the watch fell behind: its objects are converted too slowly"));
        return;
      }
      after(async () => {
        if (!form.isCurrent()) throw new DefinitionChangedError();
        const views = changes.map((change) => registry.views.of(resource, change));
        const objects = views.flatMap(({ current, previous }) =>
          [current, previous].filter((stored) => stored !== undefined),
        );
        await StoredObject.loadAll(form, objects);
        waiting -= bytes;
        if (closed) return;
        for (const change of changes) deliver(change);
        request.onBatchEnd();
      });
    },
    onProgress: (revision) => after(() => request.onProgress(revision)),
    onEnd: (error) => after(() => fail(error)),
  });
  return {
    requestProgress: () => watch.requestProgress(),
    close() {
      closed = true;
      watch.close();
    },
  };
}

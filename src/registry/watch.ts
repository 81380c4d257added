import type { Change, Revision, Watch } from "#storage/port.ts";
import type { ClusterScope } from "./cluster-name.ts";
import { listPrefix } from "./keys.ts";
import { prepare } from "./preparation.ts";
import type { Registry } from "./registry.ts";
import { DefinitionChangedError, type Resource } from "./resource.ts";
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
  /** CompactedError, DefinitionChangedError (begin anew behind the last event), or the store closed. */
  onEnd(error: Error): void;
}

export type WatchHandle = Watch;

/** Bytes of changes that wait for those before; a watch that falls behind further is ended, and its client comes again. */
const maxWaitingBytes = 16 * 1_024 * 1_024;

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
  const { form } = resource;
  const prepares = !all || form?.asynchronous === true;
  let closed = false;
  let waiting = 0;
  const fail = (error: Error): void => {
    if (closed) return;
    closed = true;
    watch.close();
    request.onEnd(error);
  };
  const line = new Line((error) => fail(error instanceof Error ? error : new Error(String(error))));
  const after = (step: () => void | Promise<void>): void => line.after(() => (closed ? undefined : step()));
  const watch = registry.store.watch({
    prefix,
    after: request.after,
    onChanges(changes) {
      const bytes = line.isIdle ? 0 : bytesOf(changes);
      waiting += bytes;
      if (waiting > maxWaitingBytes) {
        fail(new Error("the watch fell behind: its objects are read too slowly"));
        return;
      }
      after(() => {
        waiting -= bytes;
        if (form?.isCurrent() === false) throw new DefinitionChangedError();
        const send = (): void => {
          if (closed) return;
          for (const change of changes) deliver(change);
          request.onBatchEnd();
        };
        const prepared = prepares ? prepare(registry, selection, objectsOf(changes)) : undefined;
        return prepared === undefined ? send() : prepared.then(send);
      });
    },
    onProgress: (revision) => after(() => request.onProgress(revision)),
    onEnd: (error) => after(() => fail(error)),
  });
  const objectsOf = (changes: readonly Change[]): StoredObject[] =>
    changes
      .map((change) => registry.views.of(resource, change))
      .filter(({ location }) => onlyNamespace === "" || location.namespace === onlyNamespace)
      .flatMap(({ current, previous }) => [current, previous])
      .filter((stored) => stored !== undefined);
  return {
    requestProgress: () => watch.requestProgress(),
    close() {
      closed = true;
      watch.close();
    },
  };
}

const bytesOf = (changes: readonly Change[]): number =>
  changes.reduce((sum, { value, previous }) => sum + (value?.length ?? 0) + (previous?.value.length ?? 0), 0);

/** Steps are done in the order of the calls: at once, unless one before has to be waited for. */
class Line {
  readonly #fail: (error: unknown) => void;
  #waiting: (() => void | Promise<void>)[] | undefined;

  constructor(fail: (error: unknown) => void) {
    this.#fail = fail;
  }

  get isIdle(): boolean {
    return this.#waiting === undefined;
  }

  after(step: () => void | Promise<void>): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(step);
      return;
    }
    try {
      const first = step();
      if (first === undefined) return;
      const waiting: (() => void | Promise<void>)[] = [];
      this.#waiting = waiting;
      this.#goOn(first, waiting).catch(this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #goOn(first: Promise<void>, waiting: (() => void | Promise<void>)[]): Promise<void> {
    await first;
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await step();
    this.#waiting = undefined;
  }
}

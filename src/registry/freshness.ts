import { StatusError } from "#machinery/errors/status-error.ts";
import type { Key, Revision, Store } from "#storage/port.ts";
import { mustBeCurrent, type Resource } from "./resource.ts";

/**
 * Runs a write against the local copy first, and once more on a copy proven fresh when it was refused for what it saw
 * (missing, present, changed): with several servers on one store the local copy may have been behind.
 * Where this process decides the writes, the copy is always fresh and the refusal stands.
 */
export async function onFreshCopy<T>(store: Store, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof StatusError) || !dependsOnState(error.code)) throw error;
    const fresh = store.fresh();
    if (typeof fresh === "number") throw error;
    await fresh;
    return operation();
  }
}

const dependsOnState = (code: number): boolean =>
  code === 403 || code === 404 || code === 409 || code === 422;

/**
 * What ends without a commit has nothing that compares it: true when the key's revision is still the newest one.
 * @throws DefinitionChangedError when it was decided by a definition that is another one now
 */
export async function isNewest(
  store: Store,
  resource: Resource,
  key: Key,
  revision: Revision,
): Promise<boolean> {
  const fresh = store.fresh();
  if (typeof fresh === "number") return true;
  await fresh;
  mustBeCurrent(resource);
  return store.revisionOf(key) === revision;
}

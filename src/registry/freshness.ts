import { serviceUnavailable } from "#machinery/errors/errors.ts";
import { ForeignError, StatusError } from "#machinery/errors/status-error.ts";
import type { Comparison, Key, Revision, Store } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import { SurroundingsChangedError } from "./guards.ts";
import type { Registry } from "./registry.ts";
import { mustBeCurrent, type Resource } from "./resource.ts";

/** All that could be given to an object is taken (500, as upstream): no bug of ours. */
export class NothingLeftError extends ForeignError {}

/**
 * Runs a write against the local copy first, and once more on a copy proven fresh when it was refused for what it saw
 * (missing, present, changed): with several servers on one store the local copy may have been behind.
 * Where this process decides the writes, the copy is always fresh and the refusal stands.
 */
export async function onFreshCopy<T>(store: Store, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (!dependsOnState(error.code) && !(error instanceof NothingLeftError)) throw error;
    const fresh = store.fresh();
    if (typeof fresh === "number") throw error;
    await fresh;
    return operation();
  }
}

/** Whether what a write compares is so in the local copy. */
export const holds = (store: Store, compare: readonly Comparison[]): boolean =>
  compare.every(({ key, revision }) => store.revisionOf(key) === revision);

/** Times that a write is admitted anew because what it is admitted by has changed. */
const maxAdmissions = 64;

/**
 * Runs a write from its admission on, and again when the workspace's rules (policies, quotas, webhooks) have changed meanwhile, or when it
 * was refused by rules that another server has changed.
 */
export async function byCurrentRules<T>(
  { store, tenants }: Registry,
  cluster: ClusterName,
  write: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const before = tenants.get(cluster)?.revision;
    try {
      return await write();
    } catch (error) {
      const changed = error instanceof SurroundingsChangedError;
      if (changed && attempt === maxAdmissions)
        throw serviceUnavailable("the namespace or workspace changes too often", 1);
      if (changed) continue;
      if (!(error instanceof StatusError)) throw error;
      const fresh = store.fresh();
      if (typeof fresh === "number" || attempt === maxAdmissions) throw error;
      await fresh;
      if (tenants.get(cluster)?.revision === before) throw error;
    }
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

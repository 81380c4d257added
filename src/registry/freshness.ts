import { StatusError } from "#machinery/errors/status-error.ts";
import type { Store } from "#storage/port.ts";

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

/** The one seam where the store's errors become Status (k8s.io/apiserver pkg/storage/errors). */
import { expired, requestEntityTooLargeFor, serviceUnavailable } from "#machinery/errors/errors.ts";
import type { Endpoint } from "#server/context.ts";
import { CompactedError, StoreLimitError, StoreUnavailableError } from "#storage/port.ts";

/** Wraps an endpoint so that its store errors reach the client as what they mean. */
export function translateStoreErrors(endpoint: Endpoint): Endpoint {
  return (context) => {
    try {
      const result = endpoint(context);
      return result instanceof Promise ? result.catch(rethrowStoreError) : result;
    } catch (error) {
      return rethrowStoreError(error);
    }
  };
}

const retryAfterSeconds = 1;

/** Throws the error as what it means to a client. */
export function rethrowStoreError(error: unknown): never {
  if (error instanceof StoreLimitError) throw requestEntityTooLargeFor(error.message);
  if (error instanceof StoreUnavailableError) throw serviceUnavailable(error.message, retryAfterSeconds);
  if (error instanceof CompactedError)
    throw expired(`too old resource version: ${error.requested} (${error.compacted})`);
  throw error;
}

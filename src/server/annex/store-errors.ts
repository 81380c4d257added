/** Errors of the store as plain data: the other thread must be able to tell them apart. */
import {
  CompactedError,
  FutureRevisionError,
  type Revision,
  StoreLimitError,
  StoreUnavailableError,
} from "#storage/port.ts";

export type StoreErrorData =
  | { readonly name: "CompactedError"; readonly requested: Revision; readonly compacted: Revision }
  | { readonly name: "FutureRevisionError"; readonly requested: Revision; readonly current: Revision }
  | { readonly name: "StoreLimitError" | "StoreUnavailableError"; readonly message: string };

export function storeErrorData(error: unknown): StoreErrorData | undefined {
  if (error instanceof CompactedError) {
    const { name, requested, compacted } = error;
    return { name, requested, compacted };
  }
  if (error instanceof FutureRevisionError) {
    const { name, requested, current } = error;
    return { name, requested, current };
  }
  if (error instanceof StoreLimitError || error instanceof StoreUnavailableError)
    return { name: error.name, message: error.message };
  return undefined;
}

export function storeErrorOf(data: StoreErrorData): Error {
  switch (data.name) {
    case "CompactedError":
      return new CompactedError(data.requested, data.compacted);
    case "FutureRevisionError":
      return new FutureRevisionError(data.requested, data.current);
    case "StoreLimitError":
      return new StoreLimitError(data.message);
    case "StoreUnavailableError":
      return new StoreUnavailableError(data.message);
  }
}

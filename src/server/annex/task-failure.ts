/** What went wrong with a task of the annex, as plain data. */
import { StatusError } from "#machinery/errors/status-error.ts";
import { DefinitionChangedError } from "#registry/resource.ts";
import { type StoreErrorData, storeErrorData, storeErrorOf } from "./store-errors.ts";

export type TaskFailure =
  | { readonly type: "status"; readonly status: StatusError["status"] }
  | { readonly type: "store"; readonly error: StoreErrorData }
  | { readonly type: "definition changed" }
  | { readonly type: "bug"; readonly text: string };

export function taskFailure(error: unknown): TaskFailure {
  if (error instanceof StatusError) return { type: "status", status: error.status };
  if (error instanceof DefinitionChangedError) return { type: "definition changed" };
  const store = storeErrorData(error);
  if (store !== undefined) return { type: "store", error: store };
  return { type: "bug", text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function taskError(failure: TaskFailure): Error {
  switch (failure.type) {
    case "status":
      return new StatusError(failure.status);
    case "store":
      return storeErrorOf(failure.error);
    case "definition changed":
      return new DefinitionChangedError();
    case "bug":
      return new Error(failure.text);
  }
}

import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";

/** Whether two parts of a definition are the same; one that is not there is the same as null. */
export const sameContent = (one: unknown, other: unknown): boolean =>
  jsonEqual((one ?? null) as JsonValue, (other ?? null) as JsonValue);

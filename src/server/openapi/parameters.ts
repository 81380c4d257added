/** Query parameters of the operations, as OpenAPI v3 writes them. */
import type { JsonObject } from "#machinery/json/value.ts";

const query = (name: string, type: "string" | "integer" | "boolean"): JsonObject => ({
  name,
  in: "query",
  schema: { type, uniqueItems: true },
});

export const pretty = query("pretty", "string");
const dryRun = query("dryRun", "string");
export const writeParameters = [dryRun, query("fieldManager", "string"), query("fieldValidation", "string")];
export const patchParameters = [...writeParameters, query("force", "boolean")];
export const deleteParameters = [
  dryRun,
  query("gracePeriodSeconds", "integer"),
  query("orphanDependents", "boolean"),
  query("propagationPolicy", "string"),
];
export const selectionParameters = [
  query("continue", "string"),
  query("fieldSelector", "string"),
  query("labelSelector", "string"),
  query("limit", "integer"),
  query("resourceVersion", "string"),
  query("resourceVersionMatch", "string"),
  query("sendInitialEvents", "boolean"),
  query("timeoutSeconds", "integer"),
];
export const listParameters = [
  query("allowWatchBookmarks", "boolean"),
  ...selectionParameters,
  query("watch", "boolean"),
];

/** Each of them once. */
export const queryParameters = (): JsonObject[] => [
  ...new Set([pretty, ...patchParameters, ...deleteParameters, ...listParameters]),
];

export const inPath = (name: string): JsonObject => ({
  name,
  in: "path",
  required: true,
  schema: { type: "string", uniqueItems: true },
});

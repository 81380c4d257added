/** The operations of a resource, as `paths` of an OpenAPI v3 document. */
import type { ResourceInfo, ResourceVersion, Subresource, Verb } from "#api/resource.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { GroupVersionKind } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { refTo } from "./schemas.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const statusType: TypeName = `${meta}.Status`;
export const deleteOptionsType: TypeName = `${meta}.DeleteOptions`;
export const patchType: TypeName = `${meta}.Patch`;

/** What the paths of one group-version need to know. */
export interface PathContext {
  readonly group: string;
  readonly version: string;
  typeOf(group: string, version: string, kind: string): TypeName | undefined;
  /** Whether the type has a protobuf form: custom resources do not, nor strategic merge. */
  hasProtobuf(type: TypeName): boolean;
}

/** One endpoint: a collection, an object, or a subresource. */
interface Endpoint {
  readonly context: PathContext;
  readonly type: TypeName;
  readonly gvk: GroupVersionKind;
  /** The words of an operation id after the group and version: `NamespacedDeployment`. */
  readonly words: string;
}

const query = (name: string, type: "string" | "integer" | "boolean"): JsonObject => ({
  name,
  in: "query",
  schema: { type, uniqueItems: true },
});
const inPath = (name: string): JsonObject => ({
  name,
  in: "path",
  required: true,
  schema: { type: "string", uniqueItems: true },
});

const pretty = query("pretty", "string");
const dryRun = query("dryRun", "string");
const writeParameters = [dryRun, query("fieldManager", "string"), query("fieldValidation", "string")];
const deleteParameters = [
  dryRun,
  query("gracePeriodSeconds", "integer"),
  query("orphanDependents", "boolean"),
  query("propagationPolicy", "string"),
];
const selectionParameters = [
  query("continue", "string"),
  query("fieldSelector", "string"),
  query("labelSelector", "string"),
  query("limit", "integer"),
  query("resourceVersion", "string"),
  query("resourceVersionMatch", "string"),
  query("sendInitialEvents", "boolean"),
  query("timeoutSeconds", "integer"),
];
const listParameters = [
  query("allowWatchBookmarks", "boolean"),
  ...selectionParameters,
  query("watch", "boolean"),
];

/** Adds the paths of a resource and its subresources. */
export function addPaths(
  paths: JsonObject,
  context: PathContext,
  info: ResourceInfo,
  version: ResourceVersion,
): void {
  const { group } = context;
  const base = group === "" ? `/api/${version.version}` : `/apis/${group}/${version.version}`;
  const collection = `${base}${info.namespaced ? "/namespaces/{namespace}" : ""}/${info.resource}`;
  const gvk = { group, version: version.version, kind: version.kind };
  const words = (info.namespaced ? "Namespaced" : "") + version.kind;
  const main: Endpoint = { context, type: version.type, gvk, words };
  const verbs = new Set<Verb>(version.verbs);
  const namespace = info.namespaced ? [inPath("namespace")] : [];

  addPath(paths, collection, [...namespace, pretty], {
    ...(verbs.has("list") && { get: list(main, "list", words) }),
    ...(verbs.has("create") && { post: write(main, "create", "post", ["200", "201", "202"]) }),
    ...(verbs.has("deletecollection") && { delete: removeCollection(main) }),
  });
  if (info.namespaced && verbs.has("list")) {
    addPath(paths, `${base}/${info.resource}`, [pretty], {
      get: list(main, "list", `${version.kind}ForAllNamespaces`),
    });
  }
  addPath(paths, `${collection}/{name}`, [inPath("name"), ...namespace, pretty], {
    ...objectOperations(main, verbs),
    ...(verbs.has("delete") && { delete: remove(main) }),
  });
  for (const subresource of version.subresources) {
    const endpoint = subresourceEndpoint(main, subresource);
    if (endpoint === undefined) continue;
    const subVerbs = new Set<Verb>(subresource.verbs);
    addPath(paths, `${collection}/{name}/${subresource.name}`, [inPath("name"), ...namespace, pretty], {
      ...objectOperations(endpoint, subVerbs),
      ...(subVerbs.has("create") && { post: write(endpoint, "create", "post", ["200", "201", "202"]) }),
    });
  }
}

function subresourceEndpoint(main: Endpoint, subresource: Subresource): Endpoint | undefined {
  const { group, version, kind, name } = subresource;
  const type = main.context.typeOf(group, version, kind);
  if (type === undefined) return undefined;
  return { ...main, type, gvk: { group, version, kind }, words: main.words + capital(name) };
}

function addPath(paths: JsonObject, path: string, parameters: JsonObject[], operations: JsonObject): void {
  if (Object.keys(operations).length > 0) paths[path] = { ...operations, parameters };
}

const objectOperations = (endpoint: Endpoint, verbs: ReadonlySet<Verb>): JsonObject => ({
  ...(verbs.has("get") && {
    get: operation(endpoint, "read", "get", endpoint.words, [], ["200"], endpoint.type),
  }),
  ...(verbs.has("update") && { put: write(endpoint, "replace", "put", ["200", "201"]) }),
  ...(verbs.has("patch") && { patch: patch(endpoint) }),
});

const list = (endpoint: Endpoint, word: string, words: string): JsonObject =>
  operation(endpoint, word, "list", words, listParameters, ["200"], `${endpoint.type}List`, true);

const write = (endpoint: Endpoint, word: string, action: string, codes: string[]): JsonObject => ({
  ...operation(endpoint, word, action, endpoint.words, writeParameters, codes, endpoint.type),
  requestBody: { content: { "*/*": { schema: refTo(endpoint.type) } }, required: true },
});

function patch(endpoint: Endpoint): JsonObject {
  const content: JsonObject = {};
  const strategic = endpoint.context.hasProtobuf(endpoint.type)
    ? ["application/strategic-merge-patch+json"]
    : [];
  for (const type of ["application/json-patch+json", "application/merge-patch+json", ...strategic]) {
    content[type] = { schema: refTo(patchType) };
  }
  const parameters = [...writeParameters, query("force", "boolean")];
  return {
    ...operation(endpoint, "patch", "patch", endpoint.words, parameters, ["200", "201"], endpoint.type),
    requestBody: { content, required: true },
  };
}

const deleteBody: JsonObject = { content: { "*/*": { schema: refTo(deleteOptionsType) } } };

const remove = (endpoint: Endpoint): JsonObject => ({
  ...operation(endpoint, "delete", "delete", endpoint.words, deleteParameters, ["200", "202"], statusType),
  requestBody: deleteBody,
});

function removeCollection(endpoint: Endpoint): JsonObject {
  const parameters = [...deleteParameters, ...selectionParameters];
  return {
    ...operation(
      endpoint,
      "delete",
      "deletecollection",
      `Collection${endpoint.words}`,
      parameters,
      ["200"],
      statusType,
    ),
    requestBody: deleteBody,
  };
}

function operation(
  endpoint: Endpoint,
  word: string,
  action: string,
  words: string,
  parameters: readonly JsonObject[],
  codes: readonly string[],
  answer: TypeName,
  streams = false,
): JsonObject {
  const { group, version } = endpoint.context;
  const formats = [
    "application/json",
    ...(streams ? ["application/json;stream=watch"] : []),
    "application/yaml",
  ];
  if (endpoint.context.hasProtobuf(endpoint.type)) {
    formats.push("application/vnd.kubernetes.protobuf");
    if (streams) formats.push("application/vnd.kubernetes.protobuf;stream=watch");
  }
  const schema = refTo(answer);
  const content: JsonObject = {};
  for (const format of formats) content[format] = { schema };
  const responses: JsonObject = {};
  for (const code of codes) responses[code] = { description: descriptions[code]!, content };
  responses["401"] = { description: "Unauthorized" };
  const { gvk } = endpoint;
  return {
    operationId: `${word}${groupWords(group)}${capital(version)}${words}`,
    tags: [`${uncapital(groupWords(group))}_${version}`],
    ...(parameters.length > 0 && { parameters: [...parameters] as JsonValue[] }),
    responses,
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group: gvk.group, kind: gvk.kind, version: gvk.version },
  };
}

const descriptions: Readonly<Record<string, string>> = { 200: "OK", 201: "Created", 202: "Accepted" };

/** `rbac.authorization.k8s.io` is `RbacAuthorization`, the empty group `Core`; other domains are kept: `TenancyKcpIo`. */
function groupWords(group: string): string {
  if (group === "") return "Core";
  return group
    .replace(/\.k8s\.io$/, "")
    .split(/[.-]/)
    .map(capital)
    .join("");
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const uncapital = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);

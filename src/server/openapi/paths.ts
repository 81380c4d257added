/** The operations of a resource, as `paths` of an OpenAPI v3 document. */
import type { ResourceInfo, ResourceVersion, Subresource, Verb } from "#api/resource.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { GroupVersionKind } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { answersDeleted } from "#registry/strategies/builtin-facts.ts";
import {
  deleteParameters,
  inPath,
  listParameters,
  patchParameters,
  pretty,
  selectionParameters,
  writeParameters,
} from "./parameters.ts";
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
  readonly listType: TypeName;
  /** Its types are the workspace's own. */
  readonly custom: boolean;
  readonly gvk: GroupVersionKind;
  /** The words of an operation id after the group and version: `NamespacedDeployment`. */
  readonly words: string;
}

/** Names of the types of a kind that the catalogue does not know. */
export interface CustomTypes {
  readonly type: TypeName;
  readonly listType: TypeName;
}

/** Adds the paths of a resource and its subresources. */
export function addPaths(
  paths: JsonObject,
  context: PathContext,
  info: ResourceInfo,
  version: ResourceVersion,
  custom?: CustomTypes,
): void {
  const { group } = context;
  const base = group === "" ? `/api/${version.version}` : `/apis/${group}/${version.version}`;
  const collection = `${base}${info.namespaced ? "/namespaces/{namespace}" : ""}/${info.resource}`;
  const gvk = { group, version: version.version, kind: version.kind };
  const words = (info.namespaced ? "Namespaced" : "") + version.kind;
  const types = custom ?? { type: version.type, listType: `${version.type}List` };
  const main: Endpoint = { context, ...types, custom: custom !== undefined, gvk, words };
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
    ...(verbs.has("delete") && { delete: remove(main, info.resource) }),
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
  const words = main.words + capital(name);
  if (main.custom && kind === main.gvk.kind && group === main.gvk.group) return { ...main, words };
  const type = main.context.typeOf(group, version, kind);
  if (type === undefined) return undefined;
  // Upstream marks the subresources of a custom kind with that kind, whatever their own is.
  return { ...main, type, gvk: main.custom ? main.gvk : { group, version, kind }, words };
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
  operation(endpoint, word, "list", words, listParameters, ["200"], endpoint.listType, true);

const write = (endpoint: Endpoint, word: string, action: string, codes: string[]): JsonObject => ({
  ...operation(endpoint, word, action, endpoint.words, writeParameters, codes, endpoint.type),
  requestBody: { content: { "*/*": { schema: refTo(endpoint.type) } }, required: true },
});

function patch(endpoint: Endpoint): JsonObject {
  const content: JsonObject = {};
  const strategic = hasProtobuf(endpoint) ? ["application/strategic-merge-patch+json"] : [];
  for (const type of [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...strategic,
    "application/apply-patch+yaml",
  ]) {
    content[type] = { schema: refTo(patchType) };
  }
  return {
    ...operation(endpoint, "patch", "patch", endpoint.words, patchParameters, ["200", "201"], endpoint.type),
    requestBody: { content, required: true },
  };
}

const deleteBody: JsonObject = { content: { "*/*": { schema: refTo(deleteOptionsType) } } };

function remove(endpoint: Endpoint, resource: string): JsonObject {
  const type = answersDeleted.has(`${endpoint.gvk.group}/${resource}`) ? endpoint.type : statusType;
  return {
    ...operation(endpoint, "delete", "delete", endpoint.words, deleteParameters, ["200", "202"], type),
    requestBody: deleteBody,
  };
}

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
  if (hasProtobuf(endpoint)) {
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

const hasProtobuf = ({ custom, context, type }: Endpoint): boolean => !custom && context.hasProtobuf(type);

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const uncapital = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);

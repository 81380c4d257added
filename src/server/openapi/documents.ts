/** OpenAPI v3 documents of what a workspace type serves (spec 4.3); one per group-version, made when first asked for. */
import { createHash } from "node:crypto";
import type { Catalogue } from "#api/catalogue.ts";
import type { ResourceInfo } from "#api/resource.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { type GroupVersionKind, parseApiVersion } from "#machinery/meta/object.ts";
import type { Schema, TypeName } from "#machinery/schema/types.ts";
import { groupsOf, type VersionFacts } from "#server/discovery/versions.ts";
import { addPaths, deleteOptionsType, type PathContext, patchType, statusType } from "./paths.ts";
import { mentioned, objectSchema, wellKnown } from "./schemas.ts";

export interface OpenApiDocument {
  readonly body: Buffer;
  /** Upper-case hex of the content's SHA-512. */
  readonly hash: string;
}

export interface OpenApiDocuments {
  /** `/openapi/v3`: which documents there are. Needs the hash of every document, and so makes them all. */
  index(): OpenApiDocument;
  /** `path` is `api/v1` or `apis/apps/v1`; undefined: 404. */
  document(path: string): OpenApiDocument | undefined;
}

/** The whole set for one workspace type. Holds one buffer per group-version once it was asked for. */
export function openApiDocuments(resources: readonly ResourceInfo[], catalogue: Catalogue): OpenApiDocuments {
  const sources = new Map<string, { group: string; facts: VersionFacts }>();
  for (const { group, versions } of groupsOf(resources)) {
    for (const facts of versions)
      sources.set(group === "" ? `api/${facts.version}` : `apis/${facts.groupVersion}`, { group, facts });
  }
  const made = new Map<string, OpenApiDocument>();
  let index: OpenApiDocument | undefined;
  const document = (path: string): OpenApiDocument | undefined => {
    const known = made.get(path);
    const source = sources.get(path);
    if (known !== undefined || source === undefined) return known;
    const fresh = finish(buildDocument(source.group, source.facts, catalogue));
    made.set(path, fresh);
    return fresh;
  };
  return {
    document,
    index() {
      if (index === undefined) {
        const paths: JsonObject = {};
        for (const path of sources.keys())
          paths[path] = { serverRelativeURL: documentURL(path, document(path)!.hash) };
        index = finish({ paths });
      }
      return index;
    },
  };
}

/**
 * Begins at `/openapi/v3`, without a cluster: clients put the prefix of their own base URL in front of such a path
 * (client-go's openapi client, kubernetes/kubernetes#117463), so one index serves every workspace.
 */
export const documentURL = (path: string, hash: string): string => `/openapi/v3/${path}?hash=${hash}`;

function finish(value: JsonObject): OpenApiDocument {
  const body = Buffer.from(JSON.stringify(value), "utf8");
  return { body, hash: createHash("sha512").update(body).digest("hex").toUpperCase() };
}

/** The document of one group-version as a value. */
export function buildDocument(group: string, facts: VersionFacts, catalogue: Catalogue): JsonObject {
  const paths: JsonObject = {};
  const context: PathContext = {
    group,
    version: facts.version,
    typeOf: (otherGroup, version, kind) =>
      catalogue.typeOf(otherGroup === "" ? version : `${otherGroup}/${version}`, kind),
    hasProtobuf: (type) => hasProtobuf(catalogue.resolve(type)),
  };
  const verbs = new Set(
    facts.resources.flatMap(({ version }) => [
      ...version.verbs,
      ...version.subresources.flatMap((sub) => sub.verbs),
    ]),
  );
  const roots = new Set<TypeName>();
  const kinds = new Map<TypeName, GroupVersionKind[]>();
  if (verbs.has("patch")) roots.add(patchType);
  if (verbs.has("delete")) {
    roots.add(statusType).add(deleteOptionsType);
    kinds.set(statusType, [{ group: "", version: "v1", kind: "Status" }]);
    const options = { version: "v1", kind: "DeleteOptions" };
    const own = { group, version: facts.version, kind: "DeleteOptions" };
    kinds.set(deleteOptionsType, [{ group: "", ...options }, ...(group === "" ? [] : [own])]);
  }
  const addKind = (gvk: GroupVersionKind): void => {
    const type = context.typeOf(gvk.group, gvk.version, gvk.kind);
    if (type === undefined || roots.has(type)) return;
    roots.add(type);
    kinds.set(type, [gvk]);
  };
  for (const { info, version } of facts.resources) {
    addPaths(paths, context, info, version);
    addKind({ group, version: version.version, kind: version.kind });
    if (version.verbs.includes("list"))
      addKind({ group, version: version.version, kind: `${version.kind}List` });
    for (const subresource of version.subresources) addKind(subresource);
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "unversioned" },
    paths: sortedMembers(paths),
    components: {
      schemas: components(roots, kinds, catalogue),
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    },
    security: [{ BearerToken: [] }],
  };
}

/** Everything that can be reached from the roots. */
function components(
  roots: ReadonlySet<TypeName>,
  kinds: ReadonlyMap<TypeName, readonly GroupVersionKind[]>,
  catalogue: Catalogue,
): JsonObject {
  const schemas: JsonObject = {};
  const waiting = [...roots];
  const seen = new Set(waiting);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const known = wellKnown[name];
    if (known !== undefined) {
      schemas[name] = known;
      continue;
    }
    const schema = catalogue.resolve(name);
    const gvks = kinds.get(name) ?? gvksOf(name, catalogue);
    const unions = catalogue.unionsOf(name);
    schemas[name] = {
      ...(schema.kind === "object" ? objectSchema(schema) : {}),
      ...(gvks !== undefined && {
        "x-kubernetes-group-version-kind": gvks.map(({ group, kind, version }) => ({ group, kind, version })),
      }),
      ...(unions !== undefined && { "x-kubernetes-unions": unions as JsonObject[] }),
    };
    for (const next of mentioned(schema)) {
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return sortedMembers(schemas);
}

/** Kinds are marked also where another kind holds them: claims in a StatefulSet. */
function gvksOf(name: TypeName, catalogue: Catalogue): GroupVersionKind[] | undefined {
  const known = catalogue.kindOf(name);
  if (known === undefined) return undefined;
  const parsed = parseApiVersion(known.apiVersion);
  return parsed === undefined ? undefined : [{ ...parsed, kind: known.kind }];
}

const sortedMembers = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

const hasProtobuf = (schema: Schema): boolean =>
  schema.kind === "object" && [...schema.fields.values()].some((field) => field.proto !== undefined);

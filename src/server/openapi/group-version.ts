/** What one group-version contributes to the documents: operations by path, and schemas by name, in OpenAPI v3's form. */
import type { Catalogue } from "#api/catalogue.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { type GroupVersionKind, parseApiVersion } from "#machinery/meta/object.ts";
import type { Schema, TypeName } from "#machinery/schema/types.ts";
import type { VersionFacts } from "#server/discovery/versions.ts";
import { type CustomServed, versionOf } from "#server/endpoints/served-set.ts";
import { customTypeName, listMetaType, objectMetaType } from "./custom-schemas.ts";
import {
  addPaths,
  type CustomTypes,
  deleteOptionsType,
  type PathContext,
  patchType,
  statusType,
} from "./paths.ts";
import { mentioned, objectSchema, wellKnown } from "./schemas.ts";

export interface GroupVersion {
  /** `api/v1` or `apis/apps/v1`: the document's name. */
  readonly path: string;
  readonly group: string;
  readonly facts: VersionFacts;
  /** The workspace's own kinds among the resources, by their plural. */
  readonly custom: ReadonlyMap<string, CustomServed>;
}

export type Entry = readonly [name: string, value: JsonObject];

/** The operations, resource by resource. */
export function* pathEntries(source: GroupVersion, catalogue: Catalogue): Generator<Entry> {
  const context: PathContext = {
    group: source.group,
    version: source.facts.version,
    typeOf: (otherGroup, version, kind) =>
      catalogue.typeOf(otherGroup === "" ? version : `${otherGroup}/${version}`, kind),
    hasProtobuf: (type) => hasProtobuf(catalogue.resolve(type)),
  };
  for (const { info, version } of source.facts.resources) {
    const paths: JsonObject = {};
    const custom = source.custom.get(info.resource);
    addPaths(paths, context, info, version, custom === undefined ? undefined : typesOf(custom));
    yield* Object.entries(paths) as [string, JsonObject][];
  }
}

function typesOf(served: CustomServed): CustomTypes {
  const { info, version, listKind } = served;
  const { kind } = versionOf(served);
  return {
    type: customTypeName(info.group, version, kind),
    listType: customTypeName(info.group, version, listKind),
  };
}

/**
 * Schemas of the built-in types that the group-version mentions, with all that they lead to. Names in `known` are left out,
 * and those that are given are added to it.
 */
export function* schemaEntries(
  source: GroupVersion,
  catalogue: Catalogue,
  known: Set<TypeName> = new Set(),
): Generator<Entry> {
  const { roots, kinds } = rootsOf(source, catalogue);
  const waiting = [...roots].filter((name) => !known.has(name));
  for (const name of waiting) known.add(name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const constant = wellKnown[name];
    if (constant !== undefined) {
      yield [name, constant];
      continue;
    }
    const schema = catalogue.resolve(name);
    yield [name, component(name, schema, kinds.get(name), catalogue)];
    for (const next of mentioned(schema)) {
      if (!known.has(next)) {
        known.add(next);
        waiting.push(next);
      }
    }
  }
}

function component(
  name: TypeName,
  schema: Schema,
  kinds: readonly GroupVersionKind[] | undefined,
  catalogue: Catalogue,
): JsonObject {
  const gvks = kinds ?? gvksOf(name, catalogue);
  const unions = catalogue.unionsOf(name);
  return {
    ...(schema.kind === "object" ? objectSchema(schema) : {}),
    ...(gvks !== undefined && {
      "x-kubernetes-group-version-kind": gvks.map(({ group, kind, version }) => ({ group, kind, version })),
    }),
    ...(unions !== undefined && { "x-kubernetes-unions": unions as JsonObject[] }),
  };
}

interface Roots {
  readonly roots: ReadonlySet<TypeName>;
  readonly kinds: ReadonlyMap<TypeName, readonly GroupVersionKind[]>;
}

/** The types that the operations name, with the kinds they are marked with. */
function rootsOf({ group, facts, custom }: GroupVersion, catalogue: Catalogue): Roots {
  const roots = new Set<TypeName>();
  const kinds = new Map<TypeName, GroupVersionKind[]>();
  const verbs = new Set(
    facts.resources.flatMap(({ version }) => [
      ...version.verbs,
      ...version.subresources.flatMap((sub) => sub.verbs),
    ]),
  );
  if (verbs.has("patch")) roots.add(patchType);
  if (verbs.has("delete")) {
    roots.add(statusType).add(deleteOptionsType);
    kinds.set(statusType, [{ group: "", version: "v1", kind: "Status" }]);
    const builtin = facts.resources.some(({ info }) => !custom.has(info.resource));
    kinds.set(deleteOptionsType, deleteOptionsKinds(builtin ? [[group, facts.version]] : []));
  }
  const addKind = (gvk: GroupVersionKind): void => {
    const type = catalogue.typeOf(gvk.group === "" ? gvk.version : `${gvk.group}/${gvk.version}`, gvk.kind);
    if (type === undefined || roots.has(type)) return;
    roots.add(type);
    kinds.set(type, [gvk]);
  };
  if (custom.size > 0) roots.add(objectMetaType).add(listMetaType);
  for (const { info, version } of facts.resources) {
    if (!custom.has(info.resource)) {
      addKind({ group, version: version.version, kind: version.kind });
      if (version.verbs.includes("list"))
        addKind({ group, version: version.version, kind: `${version.kind}List` });
    }
    for (const subresource of version.subresources) addKind(subresource);
  }
  return { roots, kinds };
}

/** Every group has its own DeleteOptions, which are the core group's. */
export const deleteOptionsKinds = (versions: readonly (readonly [string, string])[]): GroupVersionKind[] =>
  [["", "v1"] as const, ...versions.filter(([group]) => group !== "")].map(([group, version]) => ({
    group,
    version,
    kind: "DeleteOptions",
  }));

/** Kinds are marked also where another kind holds them: claims in a StatefulSet. */
function gvksOf(name: TypeName, catalogue: Catalogue): GroupVersionKind[] | undefined {
  const known = catalogue.kindOf(name);
  if (known === undefined) return undefined;
  const parsed = parseApiVersion(known.apiVersion);
  return parsed === undefined ? undefined : [{ ...parsed, kind: known.kind }];
}

const hasProtobuf = (schema: Schema): boolean =>
  schema.kind === "object" && [...schema.fields.values()].some((field) => field.proto !== undefined);

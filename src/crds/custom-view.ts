/** A definition as resources: one for each of its versions. */

import { createHash } from "node:crypto";
import type { Columns } from "#api/columns/types.ts";
import type { ResourceInfo, ResourceVersion, Subresource, Verb } from "#api/resource.ts";
import type { SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { GroupResource } from "#machinery/meta/object.ts";
import { compareVersions } from "#machinery/names/versions.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { customCollectionPrefix } from "#registry/keys.ts";
import type { CustomType, Resource } from "#registry/resource.ts";
import { plainStrategy } from "#registry/strategy.ts";
import { customColumns } from "./columns.ts";
import type { ConversionServices } from "./conversion.ts";
import { customStrategy } from "./custom-strategy.ts";
import type { Definition, DefinitionVersion } from "./definition.ts";
import { type LiveDefinition, orphanedForm, versionForm } from "./stored-form.ts";

/** A version of a custom kind as a path names it. */
export interface CustomView {
  readonly resource: Resource;
  readonly version: ResourceVersion;
  /** What every request for it is warned of. */
  readonly warning: string | undefined;
  /** See {@link DefinitionVersion.isCostly}. */
  readonly isCostly: boolean;
}

const verbs: readonly Verb[] = [
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "create",
  "update",
  "watch",
];
/** What discovery shows of a kind whose definition is going away. */
const terminatingVerbs: readonly Verb[] = ["delete", "deletecollection", "get", "list", "watch"];
const subresourceVerbs: readonly Verb[] = ["get", "patch", "update"];

export interface ViewOptions {
  readonly conversion: ConversionServices;
  definition(): Definition;
  current(): Definition | undefined;
  schema(version: string): CompiledCustomSchema;
}

/** Views of one definition, made when they are asked for. */
export class DefinitionViews {
  readonly #options: ViewOptions;
  readonly #resources = new Map<string, Resource>();
  #info: ResourceInfo | undefined;
  #types: ReadonlyMap<string, CustomType> | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  /** The resource as a path names it; undefined when it is not served. */
  served(version: string): CustomView | undefined {
    const definition = this.#options.definition();
    const facts = definition.versions.find(({ name }) => name === version);
    if (facts === undefined || !facts.served || !definition.isServed) return undefined;
    const resource = this.resource(version);
    return { resource, version: resource.storage, warning: facts.warning, isCostly: facts.isCostly };
  }

  /** The resource seen in a version, which must be one of the definition's. */
  resource(version: string): Resource {
    let resource = this.#resources.get(version);
    if (resource === undefined) {
      resource = this.#make(version);
      this.#resources.set(version, resource);
    }
    return resource;
  }

  #make(version: string): Resource {
    const { definition, current, schema, conversion } = this.#options;
    const { group, names, namespaced, versions } = definition();
    const facts = versions.find(({ name }) => name === version);
    if (facts === undefined)
      throw new Error(`custom resource ${names.plural}.${group}: no version ${version}`);
    const live: LiveDefinition = {
      get definition() {
        return definition();
      },
      current,
      schema,
    };
    this.#info ??= infoOf(definition());
    this.#types ??= new Map(
      versions.map((one) => [one.name, new LazyType(definition(), one, () => schema(one.name))]),
    );
    return {
      info: this.#info,
      group,
      resource: names.plural,
      collection: customCollectionPrefix({ group, resource: names.plural }),
      namespaced,
      strategy: customStrategy(facts, () => schema(version)),
      storage: versionOf(definition(), facts, verbs),
      hasStatus: facts.hasStatus,
      custom: this.#types,
      form: versionForm(live, version, conversion),
    };
  }
}

const infos = new WeakMap<Definition, ResourceInfo>();

/** The facts of a definition, with its served versions only, as discovery shows them. */
export function infoOf(definition: Definition): ResourceInfo {
  let info = infos.get(definition);
  if (info === undefined) {
    info = makeInfo(definition);
    infos.set(definition, info);
  }
  return info;
}

function makeInfo(definition: Definition): ResourceInfo {
  const { group, names, namespaced, versions, storageVersion, isTerminating } = definition;
  return {
    group,
    resource: names.plural,
    singular: names.singular ?? "",
    namespaced,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    versions: versions
      .filter(({ served }) => served)
      .sort((a, b) => compareVersions(a.name, b.name))
      .map((version) => versionOf(definition, version, isTerminating ? terminatingVerbs : verbs)),
    storageVersion,
    ...storageVersionHash(definition),
    virtual: false,
  };
}

/** Discovery's mark (apiserver pkg/endpoints/discovery/storageversionhash.go); of a storage version that is served only. */
function storageVersionHash({ group, names, versions, storageVersion }: Definition) {
  if (!versions.some(({ name, served }) => name === storageVersion && served)) return {};
  const hash = createHash("sha256").update(`${group}/${storageVersion}/${names.kind}`).digest();
  return { storageVersionHash: hash.subarray(0, 8).toString("base64") };
}

function versionOf(
  { group, names }: Definition,
  { name, hasStatus, scale }: DefinitionVersion,
  shown: readonly Verb[],
): ResourceVersion {
  const { kind } = names;
  const subresources: Subresource[] = [];
  if (hasStatus) subresources.push({ name: "status", group, version: name, kind, verbs: subresourceVerbs });
  if (scale !== undefined) {
    const scaled = { name: "scale", group: "autoscaling", version: "v1", kind: "Scale" };
    subresources.push({ ...scaled, verbs: subresourceVerbs, scale });
  }
  const type = typeNameOf(group, name, kind);
  const { listKind = `${kind}List` } = names;
  return { version: name, kind, listKind, type, verbs: shown, subresources };
}

/** As OpenAPI names the type: `com.example.v1.Foo`. */
const typeNameOf = (group: string, version: string, kind: string): string =>
  `${group.split(".").reverse().join(".")}.${version}.${kind}`;

/** What stands behind a version is made when it is needed, and held by the cache of compiled schemas alone. */
class LazyType implements CustomType {
  readonly #schema: () => CompiledCustomSchema;
  readonly #columns: () => Columns;
  #made: Columns | undefined;
  readonly compiled: CompiledType;

  constructor({ group, names }: Definition, version: DefinitionVersion, schema: () => CompiledCustomSchema) {
    this.#schema = schema;
    this.#columns = () => customColumns(version.columns);
    this.compiled = {
      name: typeNameOf(group, version.name, names.kind),
      decode: (value) => schema().decode(value),
      decodeMerged: (value) => schema().decode(value, { keepNulls: true, dropInvalidMetadata: true }),
      applyDefaults: (value) => schema().applyDefaults(value),
    };
  }

  get schema(): Schema {
    return this.#schema().schema;
  }

  celType(options: SchemaTypeOptions): CelType | undefined {
    return this.#schema().celType(options);
  }

  get columns(): Columns {
    this.#made ??= this.#columns();
    return this.#made;
  }
}

/**
 * What all workspaces' resources of that name have in common: their metadata. The objects are as they are stored, each by its
 * own workspace's definition, so nothing else of them can be shown.
 */
export const sharedResource = (of: GroupResource): Resource => ({
  ...orphanedResource(of),
  custom: new Map(),
});

/** What is left of a resource whose definition is gone, for clean-up. */
export function orphanedResource({ group, resource }: GroupResource): Resource {
  const storage: ResourceVersion = { version: "", kind: resource, type: "", verbs: [], subresources: [] };
  return {
    info: {
      group,
      resource,
      singular: "",
      namespaced: true,
      shortNames: [],
      categories: [],
      versions: [],
      storageVersion: "",
      virtual: false,
    },
    group,
    resource,
    collection: customCollectionPrefix({ group, resource }),
    namespaced: true,
    strategy: plainStrategy,
    storage,
    hasStatus: false,
    form: orphanedForm,
  };
}

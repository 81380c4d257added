/** A definition as resources: one for each of its versions. */
import type { Columns } from "#api/columns/types.ts";
import type { ResourceInfo, ResourceVersion } from "#api/resource.ts";
import type { SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { GroupResource } from "#machinery/meta/object.ts";
import type { CompiledType, Decoded } from "#machinery/schema/decode.ts";
import type { Schema, TypeName } from "#machinery/schema/types.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { customCollectionPrefix } from "#registry/keys.ts";
import type { CustomType, CustomTypes, Resource, StoredForm } from "#registry/resource.ts";
import { plainStrategy, type Strategy } from "#registry/strategy.ts";
import { customColumns } from "./columns.ts";
import type { ConversionServices } from "./conversion.ts";
import { factsOf, infoOf } from "./custom-info.ts";
import { CustomStrategy } from "./custom-strategy.ts";
import type { DefinitionVersion } from "./definition.ts";
import { type LiveDefinition, orphanedForm, VersionForm } from "./stored-form.ts";

/** A version of a custom kind as a path names it. */
export interface CustomView {
  readonly resource: Resource;
  readonly version: ResourceVersion;
  /** What every request for it is warned of. */
  readonly warning: string | undefined;
  /** See {@link DefinitionVersion.isCostly}. */
  readonly isCostly: boolean;
}

/**
 * Views of one definition, made when they are asked for. There may be one for each of very many workspaces: what they have in
 * common lies with the shape, and they are small objects of classes, not closures.
 */
export class DefinitionViews {
  readonly #live: LiveDefinition;
  readonly #conversion: ConversionServices;
  /** Mostly one; a list that grows by pushing would have room for seventeen. */
  #resources: readonly Resource[] = [];
  readonly #types: TypesOfVersions;

  constructor(live: LiveDefinition, conversion: ConversionServices) {
    this.#live = live;
    this.#conversion = conversion;
    this.#types = new TypesOfVersions(live);
  }

  /** The resource as a path names it; undefined when it is not served. */
  served(version: string): CustomView | undefined {
    const { definition } = this.#live;
    const facts = definition.versions.find(({ name }) => name === version);
    if (facts === undefined || !facts.served || !definition.isServed) return undefined;
    const resource = this.resource(version);
    return { resource, version: resource.storage, warning: facts.warning, isCostly: facts.isCostly };
  }

  /** The resource seen in a version, which must be one of the definition's. */
  resource(version: string): Resource {
    let resource = this.#resources.find(({ storage }) => storage.version === version);
    if (resource === undefined) {
      resource = this.#make(version);
      this.#resources = [...this.#resources, resource];
    }
    return resource;
  }

  #make(version: string): Resource {
    const { definition } = this.#live;
    const { names, group, versions } = definition;
    const index = versions.findIndex(({ name }) => name === version);
    if (index < 0) throw new Error(`custom resource ${names.plural}.${group}: no version ${version}`);
    return new ViewedResource(this.#live, index, this.#types, this.#conversion);
  }
}

class ViewedResource implements Resource {
  readonly group: string;
  readonly resource: string;
  readonly collection: string;
  readonly namespaced: boolean;
  readonly strategy: Strategy;
  readonly storage: ResourceVersion;
  readonly hasStatus: boolean;
  readonly custom: CustomTypes;
  readonly form: StoredForm;
  readonly #live: LiveDefinition;

  constructor(live: LiveDefinition, index: number, types: CustomTypes, conversion: ConversionServices) {
    const { group, names, namespaced, versions, shape } = live.definition;
    const facts = factsOf(shape);
    const version = versions[index]!;
    this.#live = live;
    this.group = group;
    this.resource = names.plural;
    this.collection = facts.collection;
    this.namespaced = namespaced;
    this.strategy = new CustomStrategy(version, live);
    this.storage = facts.version(index);
    this.hasStatus = version.hasStatus;
    this.custom = types;
    this.form = new VersionForm(live, version.name, conversion);
  }

  /** Made when it is asked for: it tells of all versions. */
  get info(): ResourceInfo {
    return infoOf(this.#live.definition);
  }
}

class TypesOfVersions implements CustomTypes {
  readonly #live: LiveDefinition;
  #made: readonly LazyType[] = [];

  constructor(live: LiveDefinition) {
    this.#live = live;
  }

  get(version: string): CustomType | undefined {
    let type = this.#made.find(({ facts }) => facts.name === version);
    if (type === undefined) {
      const { versions, shape } = this.#live.definition;
      const index = versions.findIndex(({ name }) => name === version);
      if (index < 0) return undefined;
      type = new LazyType(factsOf(shape).version(index).type, versions[index]!, this.#live);
      this.#made = [...this.#made, type];
    }
    return type;
  }
}

/** What stands behind a version is made when it is needed, and held by the cache of compiled schemas alone. */
class LazyType implements CustomType, CompiledType {
  readonly name: TypeName;
  readonly facts: DefinitionVersion;
  readonly #live: LiveDefinition;

  constructor(name: TypeName, facts: DefinitionVersion, live: LiveDefinition) {
    this.name = name;
    this.facts = facts;
    this.#live = live;
  }

  get compiled(): CompiledType {
    return this;
  }

  decode(value: JsonValue): Decoded {
    return this.#compiled.decode(value);
  }

  decodeMerged(value: JsonValue): Decoded {
    return this.#compiled.decode(value, { keepNulls: true, dropInvalidMetadata: true });
  }

  applyDefaults(value: JsonObject): void {
    this.#compiled.applyDefaults(value);
  }

  get schema(): Schema {
    return this.#compiled.schema;
  }

  celType(options: SchemaTypeOptions): CelType | undefined {
    return this.#compiled.celType(options);
  }

  get columns(): Columns {
    return columnsOf(this.facts);
  }

  get #compiled(): CompiledCustomSchema {
    return this.#live.schema(this.facts.name);
  }
}

const columns = new WeakMap<DefinitionVersion, Columns>();

function columnsOf(version: DefinitionVersion): Columns {
  let made = columns.get(version);
  if (made === undefined) {
    made = customColumns(version.columns);
    columns.set(version, made);
  }
  return made;
}

/** Without types of their own: see {@link sharedResource}. */
const noTypes: CustomTypes = { get: () => undefined };

/**
 * What all workspaces' resources of that name have in common: their metadata. The objects are as they are stored, each by its
 * own workspace's definition, so nothing else of them can be shown.
 */
export const sharedResource = (of: GroupResource): Resource => ({
  ...orphanedResource(of),
  custom: noTypes,
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

/** The resources that workspaces define, as views of the definitions in the store. */
import { createHash } from "node:crypto";
import { Lru } from "#base/lru.ts";
import { Pacer } from "#base/pacer.ts";
import { serviceUnavailable } from "#machinery/errors/errors.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { GroupResource, GroupVersionKind } from "#machinery/meta/object.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { acceptedNameTerm, definedTerm } from "#registry/key-space.ts";
import { collectionPrefix, customResourceOf, listRange, objectKey, parseObjectKey } from "#registry/keys.ts";
import type { CustomResources } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import type { Key, Revision, Store } from "#storage/port.ts";
import { CompiledSchemas, type SchemaCompiler } from "./compiled-schemas.ts";
import type { ConversionServices } from "./conversion.ts";
import { type CustomView, DefinitionViews, orphanedResource, sharedResource } from "./custom-view.ts";
import { type Definition, type DefinitionShape, readDefinition, schemaHash } from "./definition.ts";
import { definitionParts } from "./definition-parts.ts";
import type { LiveDefinition } from "./stored-form.ts";
import { customResourceDefinitions } from "./types.ts";

export interface DefinitionsOptions {
  readonly store: Store;
  readonly compile: SchemaCompiler;
  readonly conversion: ConversionServices;
}

/** Definitions kept parsed, about 1 KB each; a miss costs one read and one parse. */
const cachedDefinitions = 16_384;

/** Shapes that definitions read later may share. */
const sharedShapes = 1_024;
/** Whoever has more versions has a shape of his own: to compare it takes long. */
const sharedVersions = 128;

const collection = collectionPrefix(customResourceDefinitions);

/**
 * Finds definitions by workspace and name. What is kept is checked against the store's revision on every use, so several
 * servers on one store agree; nothing is done for a definition that nobody uses.
 */
export class Definitions implements CustomResources {
  readonly #store: Store;
  readonly #conversion: ConversionServices;
  readonly #schemas: CompiledSchemas;
  readonly #held = new Lru<Key, Held>(cachedDefinitions);
  /** By hash. */
  readonly #shapes = new Lru<string, DefinitionShape>(sharedShapes);

  constructor({ store, compile, conversion }: DefinitionsOptions) {
    this.#store = store;
    this.#conversion = conversion;
    this.#schemas = new CompiledSchemas(compile);
  }

  /** The definition `<plural>.<group>` of a workspace, served or not. */
  definition(cluster: ClusterName, name: string): Definition | undefined {
    return this.#get(cluster, name)?.definition;
  }

  /** All definitions of a workspace, by name; other work has its turn in between. Each is as it was at some moment meanwhile. */
  async all(cluster: ClusterName): Promise<readonly Definition[]> {
    const pacer = new Pacer();
    const found: Definition[] = [];
    let { start } = listRange(collection, cluster, "");
    const { end } = listRange(collection, cluster, "");
    for (let isDone = false; !isDone; await pacer.turn()) {
      isDone = true;
      this.#store.visit({ start, end }, undefined, (key, value, revision) => {
        const { name } = parseObjectKey(collection, false, key);
        const known = this.#held.get(key);
        const isKnown = known?.definition.revision === revision;
        found.push((isKnown ? known : this.#read({ key, cluster, name }, revision, value, known)).definition);
        // A key is followed by itself and more.
        start = `${key}\0` as Key;
        isDone = !pacer.isOver;
        return isDone;
      });
    }
    return found;
  }

  /** A resource in a version as a path names it; undefined when the workspace does not serve it. */
  view(cluster: ClusterName, { group, resource }: GroupResource, version: string): CustomView | undefined {
    // Only such groups can be defined; and no built-in kind is looked for here.
    if (!group.includes(".")) return undefined;
    return this.#get(cluster, `${resource}.${group}`)?.views.served(version);
  }

  /**
   * `openAPIV3Schema` of a version, as the definition had it when it was read.
   * @throws StatusError 503 when that is gone
   */
  openApiSchema(definition: Definition, version: string): JsonObject | undefined {
    return this.#withSchema(definition, version, (bytes) => bytes && (readOwnJson(bytes) as JsonObject));
  }

  /** Calls `use` with the bytes where they lie: copies of ten thousand definitions would be garbage outside the heap. */
  #withSchema<T>(definition: Definition, version: string, use: (bytes: Buffer | undefined) => T): T {
    const { key, name: title, versions, preserveUnknownFields } = definition;
    const index = versions.findIndex(({ name }) => name === version);
    let used: { readonly value: T } | undefined;
    this.#store.visit({ start: key, end: `${key}\0` as Key }, undefined, (_, value, revision) => {
      if (revision === definition.revision) {
        const place = definition.schemas[index];
        used = { value: use(place && value.subarray(place.start, place.end)) };
        return false;
      }
      const { head, schemas } = definitionParts(value);
      const schema = schemas[head.spec.versions.findIndex(({ name }) => name === version)];
      if (schemaHash(schema, preserveUnknownFields) === versions[index]?.schemaHash)
        used = { value: use(schema) };
      return false;
    });
    if (used === undefined)
      throw serviceUnavailable(`the definition ${title} has changed, please try again`, 1);
    return used.value;
  }

  find(cluster: ClusterName, { group, resource }: GroupResource, version?: string): Resource | undefined {
    const held = group.includes(".") ? this.#get(cluster, `${resource}.${group}`) : undefined;
    if (held === undefined || !held.definition.isServed) return undefined;
    if (version !== undefined) return held.views.served(version)?.resource;
    return held.views.resource(held.definition.storageVersion);
  }

  ofKind(cluster: ClusterName, { group, version, kind }: GroupVersionKind): Resource | undefined {
    const term = acceptedNameTerm(cluster, group, "kind", kind);
    for (const { key } of this.#store.indexEntries(term, `${term}\0`, 2)) {
      const held = this.#get(cluster, parseObjectKey(collection, false, key).name);
      const served = held?.definition.names.kind === kind ? held.views.served(version) : undefined;
      if (held !== undefined && served !== undefined)
        return held.views.resource(held.definition.storageVersion);
    }
    return undefined;
  }

  /** The resource of all workspaces together; undefined when none defines it. */
  everywhere({ group, resource }: GroupResource): Resource | undefined {
    const term = definedTerm(group, resource);
    const [first] = this.#store.indexEntries(term, `${term}\0`, 1);
    return first === undefined ? undefined : sharedResource({ group, resource });
  }

  list(cluster: ClusterName): readonly Resource[] {
    return this.#all(cluster)
      .filter(({ definition }) => definition.isServed)
      .map(({ definition, views }) => views.resource(definition.storageVersion));
  }

  ofCollection(cluster: ClusterName, of: string): Resource | undefined {
    const name = customResourceOf(of);
    if (name === undefined) return undefined;
    const held = this.#get(cluster, `${name.resource}.${name.group}`);
    if (held === undefined || held.definition.storageVersion === "") return orphanedResource(name);
    return held.views.resource(held.definition.storageVersion);
  }

  #all(cluster: ClusterName): Held[] {
    const names: string[] = [];
    this.#store.visit(listRange(collection, cluster, ""), undefined, (key) => {
      names.push(parseObjectKey(collection, false, key).name);
    });
    return names.map((name) => this.#get(cluster, name)).filter((held) => held !== undefined);
  }

  #get(cluster: ClusterName, name: string): Held | undefined {
    const key = objectKey(collection, { cluster, namespace: "", name });
    const known = this.#held.get(key);
    const revision = this.#store.revisionOf(key);
    if (revision === 0) {
      if (known !== undefined) this.#held.delete(key);
      return undefined;
    }
    if (known?.definition.revision === revision) return known;
    const entry = this.#store.get(key);
    if (entry === undefined) return undefined;
    return this.#read({ key, cluster, name }, entry.revision, entry.value, known);
  }

  /** `value` is not kept. */
  #read(
    at: { readonly key: Key; readonly cluster: ClusterName; readonly name: string },
    revision: Revision,
    value: Buffer,
    known: Held | undefined,
  ): Held {
    const definition = readDefinition(at, revision, value, known?.definition, (shape) => this.#shared(shape));
    if (known !== undefined && servesTheSame(known.definition, definition)) {
      known.definition = definition;
      return known;
    }
    const held = new Held(definition, this, this.#conversion);
    this.#held.set(at.key, held);
    return held;
  }

  /** The same object for equal shapes, while they are in use. */
  #shared(shape: DefinitionShape): DefinitionShape {
    if (shape.versions.length > sharedVersions) return shape;
    const hash = createHash("sha256").update(JSON.stringify(shape)).digest("base64");
    const known = this.#shapes.get(hash);
    if (known === undefined) this.#shapes.set(hash, shape);
    return known ?? shape;
  }

  /** @throws StatusError 503, see {@link openApiSchema} */
  schema(definition: Definition, version: string): CompiledCustomSchema {
    const hash = definition.versions.find(({ name }) => name === version)?.schemaHash ?? "";
    return this.#schemas.get(hash, () => {
      const { preserveUnknownFields } = definition;
      return this.#withSchema(definition, version, (bytes) => ({
        schema: bytes && (readOwnJson(bytes) as JsonObject),
        size: bytes?.length ?? 0,
        preserveUnknownFields,
      }));
    });
  }
}

/** One definition that was read, with what was made of it. Replaced when anything changes that its views depend on. */
class Held implements LiveDefinition {
  definition: Definition;
  readonly views: DefinitionViews;
  readonly #definitions: Definitions;

  constructor(definition: Definition, definitions: Definitions, conversion: ConversionServices) {
    this.definition = definition;
    this.views = new DefinitionViews(this, conversion);
    this.#definitions = definitions;
  }

  current(): Definition | undefined {
    const { cluster, name } = this.definition;
    const newest = this.#definitions.definition(cluster, name);
    return newest === this.definition ? newest : undefined;
  }

  schema(version: string): CompiledCustomSchema {
    return this.#definitions.schema(this.definition, version);
  }
}

/** Whether the views of a definition hold for another reading of it. */
const servesTheSame = (a: Definition, b: Definition): boolean =>
  a.uid === b.uid && a.generation === b.generation && JSON.stringify(a.names) === JSON.stringify(b.names);

/** How custom objects come from the store and go there (customresource_handler.go: crdConversionRESTOptionsGetter). */
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { apiVersionOf, type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { DefinitionChangedError, type StoredForm } from "#registry/resource.ts";
import { decodeStored, type StoredObject, withIdentity } from "#registry/stored-object.ts";
import type { Comparison } from "#storage/port.ts";
import { type ConversionServices, conversionFailed, convertObjects } from "./conversion.ts";
import type { Definition } from "./definition.ts";

/** A definition as it is now. */
export interface LiveDefinition {
  /** Its newest reading; its schemas and names are those that the views of it were made by. */
  readonly definition: Definition;
  /** Undefined: another definition has taken its place, or none. */
  current(): Definition | undefined;
  /** The schema of one of its versions. */
  schema(version: string): CompiledCustomSchema;
}

/** The form of a kind in one of its versions. */
export class VersionForm implements StoredForm {
  readonly #live: LiveDefinition;
  readonly #version: string;
  readonly #services: ConversionServices;

  constructor(live: LiveDefinition, version: string, services: ConversionServices) {
    this.#live = live;
    this.#version = version;
    this.#services = services;
  }

  get costly(): boolean {
    return this.#live.definition.versions.some(({ isCostly }) => isCostly);
  }

  get asynchronous(): boolean {
    const { webhook, versions } = this.#live.definition;
    return webhook !== undefined && versions.length > 1;
  }

  shownAsStored(object: StoredObject): boolean {
    return this.#isStored && this.#isOfThese(object);
  }

  decode(objects: readonly StoredObject[]): readonly KubeObject[] | Promise<readonly KubeObject[]> {
    const before = objects.map((object) => this.#read(object));
    const now = convertObjects(this.#live.definition, before, this.#version, this.#services);
    return now instanceof Promise
      ? now.then((converted) => this.#shown(objects, before, converted))
      : this.#shown(objects, before, now);
  }

  convert(object: KubeObject, to: string): KubeObject | Promise<KubeObject> {
    const { definition } = this.#live;
    if (object.apiVersion === apiVersionOf(definition.group, to)) return object;
    const finish = ([converted]: readonly KubeObject[]): KubeObject =>
      pruned(this.#live.schema(to), converted!, false);
    const converted = convertObjects(definition, [copyOf(object)], to, this.#services);
    return converted instanceof Promise ? converted.then(finish) : finish(converted);
  }

  encode(object: KubeObject): Buffer | Promise<Buffer> {
    const { definition } = this.#live;
    const { storageVersion, versions } = definition;
    if (this.#isStored && versions.length === 1) return canonicalBytes(object);
    const schema = this.#live.schema(storageVersion);
    // Reading gives no defaults to what was written by these schemas, so it is complete: an object of another version is not.
    const complete = (object: KubeObject): Buffer => {
      schema.applyDefaults(object as unknown as JsonObject);
      return canonicalBytes(object);
    };
    if (this.#isStored) return complete(copyOf(object));
    const write = ([converted]: readonly KubeObject[]): Buffer => complete(pruned(schema, converted!, false));
    // Pruning works in place, and the caller goes on with its object.
    const converted = convertObjects(definition, [copyOf(object)], storageVersion, this.#services);
    return converted instanceof Promise ? converted.then(write) : write(converted);
  }

  isCurrent(): boolean {
    return this.#live.current() !== undefined;
  }

  guard(name: string, creation: boolean): readonly Comparison[] {
    const definition = this.#live.current();
    if (definition === undefined) throw new DefinitionChangedError();
    if (creation && definition.isTerminating) {
      const { group, names } = definition;
      const why = "create not allowed while custom resource definition is terminating";
      throw forbiddenResource({ group, resource: names.plural }, name, why);
    }
    return [{ key: definition.key, revision: definition.revision }];
  }

  get #isStored(): boolean {
    return this.#version === this.#live.definition.storageVersion;
  }

  /** Written by the present schemas. */
  #isOfThese(object: StoredObject): boolean {
    return object.writtenAt > this.#live.definition.since;
  }

  /** Parsed; what was written by other schemas is brought up to the present ones. */
  #read(object: StoredObject): KubeObject {
    const { group, storageVersion, versions } = this.#live.definition;
    const parsed = decodeStored(object);
    if (this.#isOfThese(object) && parsed.apiVersion === apiVersionOf(group, storageVersion)) return parsed;
    const from = parseApiVersion(parsed.apiVersion)?.version ?? "";
    if (!versions.some(({ name }) => name === from)) return parsed;
    const schema = this.#live.schema(from);
    pruned(schema, parsed, true);
    schema.applyDefaults(parsed as unknown as JsonObject);
    return parsed;
  }

  #shown(
    objects: readonly StoredObject[],
    before: readonly KubeObject[],
    now: readonly KubeObject[],
  ): KubeObject[] {
    return now.map((object, index) =>
      object === before[index]
        ? object
        : withIdentity(pruned(this.#live.schema(this.#version), object, false), objects[index]!),
    );
  }
}

/** What is left of a kind whose definition is gone: its objects can be seen and removed. */
export const orphanedForm: StoredForm = {
  costly: false,
  asynchronous: false,
  shownAsStored: () => true,
  decode: (objects) => objects.map(decodeStored),
  convert: (object) => object,
  encode: canonicalBytes,
  isCurrent: () => true,
  guard: () => [],
};

const copyOf = (object: KubeObject): KubeObject =>
  cloneJson(object as unknown as JsonObject) as unknown as KubeObject;

function pruned(schema: CompiledCustomSchema, object: KubeObject, dropInvalidMetadata: boolean): KubeObject {
  try {
    schema.prune(object as unknown as JsonObject, { dropInvalidMetadata });
    return object;
  } catch (error) {
    if (error instanceof DecodeError) throw conversionFailed(error.message);
    throw error;
  }
}

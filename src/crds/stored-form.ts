/** How custom objects come from the store and go there (customresource_handler.go: crdConversionRESTOptionsGetter). */
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import {
  apiVersionOf,
  type GroupResource,
  type KubeObject,
  parseApiVersion,
} from "#machinery/meta/object.ts";
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
export function versionForm(live: LiveDefinition, version: string, services: ConversionServices): StoredForm {
  const { group, storageVersion, webhook, versions } = live.definition;
  const of: GroupResource = { group, resource: live.definition.names.plural };
  const stored = version === storageVersion;
  const storageApiVersion = apiVersionOf(group, storageVersion);
  const isCurrent = (object: StoredObject): boolean => object.writtenAt > live.definition.since;

  /** Parsed; what was written by other schemas is brought up to the present ones. */
  const read = (object: StoredObject): KubeObject => {
    const parsed = decodeStored(object);
    if (isCurrent(object) && parsed.apiVersion === storageApiVersion) return parsed;
    const from = parseApiVersion(parsed.apiVersion)?.version ?? "";
    if (!versions.some(({ name }) => name === from)) return parsed;
    const schema = live.schema(from);
    pruned(schema, parsed, true);
    schema.applyDefaults(parsed as unknown as JsonObject);
    return parsed;
  };
  const shown = (
    objects: readonly StoredObject[],
    before: readonly KubeObject[],
    now: readonly KubeObject[],
  ) =>
    now.map((object, index) =>
      object === before[index]
        ? object
        : withIdentity(pruned(live.schema(version), object, false), objects[index]!),
    );

  return {
    asynchronous: webhook !== undefined && versions.length > 1,
    shownAsStored: (object) => stored && isCurrent(object),
    decode(objects) {
      const before = objects.map(read);
      const now = convertObjects(live.definition, before, version, services);
      return now instanceof Promise
        ? now.then((converted) => shown(objects, before, converted))
        : shown(objects, before, now);
    },
    convert(object, to) {
      if (object.apiVersion === apiVersionOf(group, to)) return object;
      const finish = ([converted]: readonly KubeObject[]): KubeObject =>
        pruned(live.schema(to), converted!, false);
      const converted = convertObjects(live.definition, [copyOf(object)], to, services);
      return converted instanceof Promise ? converted.then(finish) : finish(converted);
    },
    encode(object) {
      const schema = live.schema(storageVersion);
      // Reading gives no defaults to what was written by these schemas, so it is complete: an object of another version is not.
      const complete = (object: KubeObject): Buffer => {
        schema.applyDefaults(object as unknown as JsonObject);
        return canonicalBytes(object);
      };
      if (stored) return versions.length > 1 ? complete(copyOf(object)) : canonicalBytes(object);
      const write = ([converted]: readonly KubeObject[]): Buffer =>
        complete(pruned(schema, converted!, false));
      // Pruning works in place, and the caller goes on with its object.
      const converted = convertObjects(live.definition, [copyOf(object)], storageVersion, services);
      return converted instanceof Promise ? converted.then(write) : write(converted);
    },
    isCurrent: () => live.current() !== undefined,
    guard(name, creation): readonly Comparison[] {
      const definition = live.current();
      if (definition === undefined) throw new DefinitionChangedError();
      if (creation && definition.isTerminating) {
        const why = "create not allowed while custom resource definition is terminating";
        throw forbiddenResource(of, name, why);
      }
      return [{ key: definition.key, revision: definition.revision }];
    },
  };
}

/** What is left of a kind whose definition is gone: its objects can be seen and removed. */
export const orphanedForm: StoredForm = {
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

/** ObjectMeta of custom objects and of resources embedded in them (apiextensions-apiserver pkg/apiserver/schema/objectmeta). */
import { compareBytes } from "#base/bytes.ts";
import {
  type FieldError,
  fieldErrorText,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { sortedCopy } from "#machinery/json/sorted.ts";
import {
  getOwn,
  isJsonObject,
  isRawNumber,
  type JsonObject,
  type JsonValue,
  setOwn,
} from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { objectMetaErrors } from "#machinery/meta/validation.ts";
import { dns1035LabelErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { flags, type SchemaNode } from "./node.ts";

export interface MetaOptions {
  /** meta/v1 ObjectMeta. */
  readonly objectMeta: CompiledType;
  /** Fields of the wrong type are dropped instead of refused. */
  readonly dropInvalid: boolean;
}

export interface CoercedMeta {
  readonly value: JsonObject;
  /** Paths inside the metadata of what ObjectMeta does not have. */
  readonly unknown: readonly string[];
}

/** Metadata as Go reads and writes it again. @throws DecodeError */
export function coerceMeta(metadata: JsonValue, { objectMeta, dropInvalid }: MetaOptions): CoercedMeta {
  try {
    const { value, unknownFields } = objectMeta.decode(metadata);
    return { value, unknown: unknownFields.length === 0 ? none : unknownFields.map(pathOf) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (!dropInvalid) return redecoded(metadata, objectMeta, error);
  }
  if (!isJsonObject(metadata)) {
    throw new DecodeError(`invalid metadata: expected object, got ${goType(metadata)}`);
  }
  const valid: JsonObject = {};
  for (const key of Object.keys(metadata)) {
    const one: JsonObject = {};
    setOwn(one, key, metadata[key]!);
    try {
      objectMeta.decode(one);
      setOwn(valid, key, metadata[key]!);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  const { value, unknownFields } = objectMeta.decode(valid);
  return { value, unknown: unknownFields.map(pathOf) };
}

/** Upstream reads metadata that was written with sorted keys, so the first error is the first in that order. */
function redecoded(metadata: JsonValue, objectMeta: CompiledType, error: DecodeError): never {
  objectMeta.decode(sortedCopy(metadata));
  throw error;
}

const none: readonly string[] = [];

/** The path inside `unknown field "a.b"`. */
const pathOf = (text: string): string => text.slice('unknown field "'.length, -1);

/** How Go names the type of a JSON value. */
export function goType(value: JsonValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (isRawNumber(value)) return "int64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** A {@link DecodeError} that is about one field. */
export class FieldDecodeError extends DecodeError {
  readonly fieldError: FieldError;

  constructor(fieldError: FieldError) {
    super(fieldErrorText(fieldError));
    this.fieldError = fieldError;
  }
}

/**
 * In place: kind and apiVersion of embedded resources are strings, their metadata is ObjectMeta; of the value itself too when `isRoot`.
 * Answers the paths of unknown fields of metadata, sorted. @throws FieldDecodeError
 */
export function coerceEmbedded(
  value: JsonValue,
  schema: SchemaNode | undefined,
  options: MetaOptions,
  path = "",
  isRoot = false,
): string[] {
  const coercion = new Coercion(options);
  coercion.value(value, schema, path, isRoot);
  return coercion.unknown.sort(compareBytes);
}

class Coercion {
  readonly unknown: string[] = [];
  readonly #options: MetaOptions;

  constructor(options: MetaOptions) {
    this.#options = options;
  }

  value(value: JsonValue, schema: SchemaNode | undefined, path: string, isRoot = false): void {
    if (!isRoot && (schema === undefined || !schema.has(flags.embeddedBelow))) return;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.value(value[i]!, schema?.items, `${path}[${i}]`);
      return;
    }
    if (!isJsonObject(value)) return;
    if (isRoot || schema?.has(flags.embedded) === true) this.#resource(value, path);
    if (schema === undefined) return;
    for (const key of Object.keys(value)) {
      const child = schema.property(key);
      if (child !== undefined) this.value(value[key]!, child, join(path, key));
      else if (typeof schema.additional === "object") {
        this.value(value[key]!, schema.additional, `${path}[${key}]`);
      }
    }
  }

  #resource(resource: JsonObject, path: string): void {
    const { dropInvalid } = this.#options;
    for (const key of ["apiVersion", "kind"]) {
      const value = getOwn(resource, key);
      if (value === undefined || typeof value === "string") continue;
      if (!dropInvalid) throw new FieldDecodeError(fieldInvalid(join(path, key), value, "must be a string"));
      delete resource[key];
    }
    const metadata = getOwn(resource, "metadata");
    if (metadata === undefined) return;
    const at = join(path, "metadata");
    let coerced: CoercedMeta;
    try {
      coerced = coerceMeta(metadata, this.#options);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      if (dropInvalid) return;
      throw new FieldDecodeError(fieldInvalid(at, sortedCopy(metadata), error.message));
    }
    for (const inner of coerced.unknown) this.unknown.push(`${at}.${inner}`);
    resource.metadata = coerced.value;
  }
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** What is wrong with the kind, apiVersion and metadata of embedded resources; of the value itself too when `isRoot`. */
export function embeddedErrors(
  value: JsonValue,
  schema: SchemaNode | undefined,
  objectMeta: CompiledType,
  isRoot = false,
  path = "",
): FieldError[] {
  const errors: FieldError[] = [];
  collect(value, schema, { objectMeta, isRoot, errors }, path);
  return errors;
}

interface Collection {
  readonly objectMeta: CompiledType;
  isRoot: boolean;
  readonly errors: FieldError[];
}

function collect(value: JsonValue, schema: SchemaNode | undefined, into: Collection, path: string): void {
  const { isRoot } = into;
  into.isRoot = false;
  if (!isRoot && (schema === undefined || !schema.has(flags.embeddedBelow))) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) collect(value[i]!, schema?.items, into, `${path}[${i}]`);
    return;
  }
  if (!isJsonObject(value)) return;
  if (isRoot || schema?.has(flags.embedded) === true)
    into.errors.push(...resourceErrors(value, path, into.objectMeta));
  if (schema === undefined) return;
  for (const key of Object.keys(value)) {
    const child = schema.property(key);
    if (child !== undefined) collect(value[key]!, child, into, join(path, key));
    else if (typeof schema.additional === "object") {
      collect(value[key]!, schema.additional, into, `${path}[${key}]`);
    }
  }
}

function resourceErrors(resource: JsonObject, path: string, objectMeta: CompiledType): FieldError[] {
  const errors: FieldError[] = [];
  const apiVersion = getOwn(resource, "apiVersion");
  const kind = getOwn(resource, "kind");
  const metadata = getOwn(resource, "metadata");
  if (apiVersion === undefined) errors.push(fieldRequired(join(path, "apiVersion")));
  if (kind === undefined) errors.push(fieldRequired(join(path, "kind")));
  if (apiVersion !== undefined) {
    const at = join(path, "apiVersion");
    if (typeof apiVersion !== "string") errors.push(fieldInvalid(at, apiVersion, "must be a string"));
    else if (apiVersion === "") errors.push(fieldInvalid(at, apiVersion, "must not be empty"));
    else if (apiVersion.split("/").length > 2) {
      errors.push(fieldInvalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
    }
  }
  if (kind !== undefined) {
    const at = join(path, "kind");
    if (typeof kind !== "string") errors.push(fieldInvalid(at, kind, "must be a string"));
    else if (kind === "") errors.push(fieldInvalid(at, kind, "must not be empty"));
    else {
      const messages = dns1035LabelErrors(kind.toLowerCase());
      if (messages.length > 0) {
        const detail = `may have mixed case, but should otherwise match: ${messages.join(",")}`;
        errors.push(fieldInvalid(at, kind, detail));
      }
    }
  }
  if (metadata !== undefined) errors.push(...metadataErrors(metadata, join(path, "metadata"), objectMeta));
  return errors;
}

function metadataErrors(metadata: JsonValue, path: string, objectMeta: CompiledType): FieldError[] {
  let meta: KubeObject["metadata"];
  try {
    meta = { ...coerceMeta(metadata, { objectMeta, dropInvalid: false }).value } as KubeObject["metadata"];
  } catch (error) {
    if (error instanceof DecodeError) return [fieldInvalid(path, sortedCopy(metadata), error.message)];
    throw error;
  }
  if ((meta.name ?? "") === "") meta.name = "fakename";
  const errors = objectMetaErrors(
    { apiVersion: "", kind: "", metadata: meta },
    { namespaced: (meta.namespace ?? "") !== "", validateName: pathSegmentErrors },
  );
  // Those errors are at `metadata...`.
  return errors.map((error) => ({ ...error, field: path + error.field.slice("metadata".length) }));
}

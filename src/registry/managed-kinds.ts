/** The kinds behind endpoints, as managed fields need to know them: a version of a resource, and a subresource. */
import type { Clock } from "#base/clock.ts";
import type { ManagedKind } from "#machinery/apply/field-manager.ts";
import type { FieldSet } from "#machinery/apply/field-set.ts";
import { ApplyError } from "#machinery/apply/typed-errors.ts";
import { type TypedNode, TypedSchemas } from "#machinery/apply/typed-node.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { apiVersionOf, type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import type { CompiledType, TypeCompiler } from "#machinery/schema/decode.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { convertTo, isCustomKind, type Resource } from "./resource.ts";
import { resetFieldsOf } from "./strategies/reset-fields.ts";

export interface ManagedFieldsOptions {
  readonly types: TypeResolver;
  readonly compiler: TypeCompiler;
  readonly clock: Clock;
}

/** One endpoint of a resource: a version and a subresource. */
export interface ManagedEndpoint {
  readonly resource: Resource;
  readonly version: string;
  /** "" for the main endpoint. */
  readonly subresource: string;
  /** When it is written; absent: now. */
  readonly nowMs?: number;
}

/** Converts an object to the version that `to` (an apiVersion) names. */
type Converter = (object: JsonObject, to: string) => JsonObject;

/** Kinds are made once for each resource object and endpoint. */
export class ManagedKinds {
  readonly schemas: TypedSchemas;
  readonly compiler: TypeCompiler;
  readonly clock: Clock;
  readonly #kinds = new WeakMap<Resource, readonly EndpointKind[]>();

  constructor({ types, compiler, clock }: ManagedFieldsOptions) {
    this.schemas = new TypedSchemas(types);
    this.compiler = compiler;
    this.clock = clock;
  }

  of({ resource, version, subresource }: ManagedEndpoint): EndpointKind {
    const kinds = this.#kinds.get(resource) ?? [];
    let kind = kinds.find((one) => one.version === version && one.subresource === subresource);
    if (kind === undefined) {
      kind = new EndpointKind(this, resource, version, subresource);
      this.#kinds.set(resource, [...kinds, kind]);
    }
    return kind;
  }
}

export class EndpointKind implements ManagedKind {
  readonly apiVersion: string;
  readonly version: string;
  readonly subresource: string;
  readonly #kinds: ManagedKinds;
  readonly #resource: Resource;
  readonly #converter: Converter | undefined;
  #empty: JsonObject | undefined;

  constructor(
    kinds: ManagedKinds,
    resource: Resource,
    version: string,
    subresource: string,
    converter?: Converter,
  ) {
    this.#kinds = kinds;
    this.#resource = resource;
    this.version = version;
    this.subresource = subresource;
    this.apiVersion = apiVersionOf(resource.group, version);
    this.#converter = converter;
  }

  /** The same kind with another way to convert. */
  converting(converter: Converter): EndpointKind {
    return new EndpointKind(this.#kinds, this.#resource, this.version, this.subresource, converter);
  }

  get kind(): string {
    return this.#served.kind;
  }

  typeIn(apiVersion: string): TypedNode | undefined {
    const found = this.#versionOf(apiVersion);
    if (found === undefined) return undefined;
    const custom = this.#resource.custom?.get(found.version);
    const { schemas } = this.#kinds;
    return custom === undefined ? schemas.named(found.type) : schemas.node(custom.schema);
  }

  convert(object: JsonObject, apiVersion: string): JsonObject {
    if (this.#converter !== undefined) return this.#converter(object, apiVersion);
    return json(converted(this.#resource, kube(object), parseApiVersion(apiVersion)!.version));
  }

  resetFields(apiVersion: string): FieldSet | undefined {
    if (this.#versionOf(apiVersion) === undefined) return undefined;
    return resetFieldsOf(this.#resource, this.subresource);
  }

  emptyObject(): JsonObject {
    const { apiVersion, kind } = this;
    if (isCustomKind(this.#resource)) return { apiVersion, kind };
    this.#empty ??= this.#compiled.decode({ apiVersion, kind, metadata: {} }).value;
    return this.#empty;
  }

  complete(merged: JsonObject): JsonObject {
    const object = decodeMerged(this.#compiled, merged);
    const { storage, strategy } = this.#resource;
    if (this.version === storage.version) strategy.applyDefaults?.(kube(object), this.#kinds.clock.now());
    return object;
  }

  get #served() {
    const { info, storage } = this.#resource;
    return info.versions.find(({ version }) => version === this.version) ?? storage;
  }

  get #compiled(): CompiledType {
    return (
      this.#resource.custom?.get(this.version)?.compiled ?? this.#kinds.compiler.compile(this.#served.type)
    );
  }

  #versionOf(apiVersion: string) {
    const parsed = parseApiVersion(apiVersion);
    if (parsed?.group !== this.#resource.group) return undefined;
    return this.#resource.info.versions.find(({ version }) => version === parsed.version);
  }
}

const json = (object: KubeObject): JsonObject => object as unknown as JsonObject;
const kube = (object: JsonObject): KubeObject => object as unknown as KubeObject;

/** @throws ApplyError */
export function decodeMerged(compiled: CompiledType, merged: JsonObject): JsonObject {
  try {
    const { value } = compiled.decodeMerged?.(merged) ?? compiled.decode(merged);
    compiled.applyDefaults(value);
    return value;
  } catch (error) {
    if (error instanceof DecodeError)
      throw new ApplyError(`failed to convert new object to proper version: ${error.message}`);
    throw error;
  }
}

function converted(resource: Resource, object: KubeObject, version: string): KubeObject {
  if (resource.form === undefined) return convertTo(resource, object, version);
  const answer = resource.form.convert(object, version);
  if (answer instanceof Promise) throw new Error("a synchronous form answered a promise");
  return answer;
}

/** Custom schemas as upstream sees them: how objects are read and validated there (`cr.*` of the oracle), and here. */
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { type Oracle, OracleError } from "#machinery/testing/oracle.ts";
import type { CompiledCustomSchema } from "../custom-schema.ts";

export interface SchemaCase {
  readonly schema: JsonObject;
  readonly object: JsonObject;
  readonly old?: JsonObject | undefined;
  /** The update goes to the status. */
  readonly status?: boolean;
}

export type Compile = (schema: JsonObject) => CompiledCustomSchema;

/** A definition whose one version has the schema. */
export const definitionOf = (schema: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "foos.example.com", resourceVersion: "1" },
  spec: {
    group: "example.com",
    scope: "Cluster",
    names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
    conversion: { strategy: "None" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
  },
  status: { storedVersions: ["v1"] },
});

/** Pruning, nulls, metadata, defaults. */
export const reading = (compile: Compile) => ({
  ours({ schema, object }: SchemaCase): unknown {
    const compiled = compile(schema);
    try {
      const copy = cloneJson(object);
      const unknown = compiled.prune(copy);
      compiled.applyDefaults(copy);
      return { object: copy, unknown: [...unknown].sort() };
    } catch (error) {
      if (error instanceof DecodeError) return { fault: error.message };
      throw error;
    }
  },
  async theirs(oracle: Oracle, { schema, object }: SchemaCase): Promise<unknown> {
    try {
      const told = (await oracle.ask("cr.decode", { crd: definitionOf(schema), object })) as JsonObject;
      return { object: told.object, unknown: ((told.unknown ?? []) as string[]).sort() };
    } catch (error) {
      if (error instanceof OracleError) return { fault: error.message };
      throw error;
    }
  },
});

export const errorTexts = (value: JsonValue): string[] =>
  (value as JsonObject[]).map((error) => String(error.text)).sort();

/** Everything that is wrong with an object, rules included. */
export const validation = (compile: Compile) => ({
  ours({ schema, object, old, status = false }: SchemaCase): string[] {
    const compiled = compile(schema);
    const errors =
      status && old !== undefined ? compiled.validateStatus(object, old) : compiled.validate(object, old);
    return [...errors, ...compiled.validateRules(object, old, errors)].map(fieldErrorText).sort();
  },
  async theirs(oracle: Oracle, { schema, object, old, status = false }: SchemaCase): Promise<string[]> {
    const crd = definitionOf(schema, { subresources: { status: {} } });
    const asked = { crd, object, status, ...(old === undefined ? {} : { old }) };
    return errorTexts(((await oracle.ask("cr.validate", asked)) as JsonObject).errors!);
  },
});

/** Updates must have a version; that is no matter of schemas. */
export const versioned = (object: JsonObject): JsonObject => {
  const { metadata } = object;
  return cloneJson({
    ...object,
    metadata: { ...(isJsonObject(metadata) ? metadata : {}), resourceVersion: "1" },
  });
};

/** What our own tests do with schemas, so that upstream can be asked the same. */
export class Recorder {
  readonly read: SchemaCase[] = [];
  readonly validated: SchemaCase[] = [];

  /** The compiled schema, which notes what it is asked. */
  recording(schema: JsonObject, compiled: CompiledCustomSchema): CompiledCustomSchema {
    const copy = (object: JsonObject): JsonObject => cloneJson(object);
    return {
      schema: compiled.schema,
      celType: (options) => compiled.celType(options),
      prune: (object, options) => {
        if (options === undefined) this.read.push({ schema, object: copy(object) });
        return compiled.prune(object, options);
      },
      decode: (value, options) => {
        if (options === undefined) this.read.push({ schema, object: copy(value as JsonObject) });
        return compiled.decode(value, options);
      },
      applyDefaults: (object) => compiled.applyDefaults(object),
      validate: (object, old) => {
        this.validated.push({ schema, object: versioned(object), ...(old && { old: versioned(old) }) });
        return compiled.validate(object, old);
      },
      validateStatus: (object, old) => {
        this.validated.push({ schema, object: versioned(object), old: versioned(old), status: true });
        return compiled.validateStatus(object, old);
      },
      validateRules: (object, old, errors) => compiled.validateRules(object, old, errors),
    };
  }
}

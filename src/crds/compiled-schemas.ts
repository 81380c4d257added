import type { JsonObject } from "#machinery/json/value.ts";
import type { TypeCompiler } from "#machinery/schema/decode.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import type { DefinitionContext } from "./validation/definition.ts";

/** Makes a schema ready to use; throws for one that validation would not have let in. */
export type SchemaCompiler = (
  schema: JsonObject | undefined,
  options: { readonly preserveUnknownFields: boolean },
) => CompiledCustomSchema;

/** What all schemas of a server are checked and compiled with. */
export const schemaContext = (types: TypeCompiler): DefinitionContext => ({
  objectMeta: types.compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
  patterns: new PatternCache(),
});

export const customSchemaCompiler =
  (context: DefinitionContext): SchemaCompiler =>
  (schema, options) =>
    compileCustomSchema(schema, { ...context, ...options });

/** What is to be compiled: the schema, and the size of its text in characters. */
export interface SchemaSource {
  readonly schema: JsonObject | undefined;
  readonly size: number;
  readonly preserveUnknownFields: boolean;
}

/** Compiled schemas that are kept, and their texts together: compiled, a schema takes a few times its text. */
const maxSchemas = 4_096;
const maxTextSize = 16 * 1024 * 1024;

/**
 * Compiled schemas by the hash of their content: equal ones, in however many workspaces, are compiled and held once. Those
 * used longest ago are dropped.
 */
export class CompiledSchemas {
  readonly #compile: SchemaCompiler;
  readonly #entries = new Map<string, { compiled: CompiledCustomSchema; size: number }>();
  #size = 0;
  /** The one used last, with its hash: an object asks for its schema several times. */
  #newest: { readonly hash: string; readonly compiled: CompiledCustomSchema } | undefined;

  constructor(compile: SchemaCompiler) {
    this.#compile = compile;
  }

  /** `source` is asked when the schema is not here. */
  get(hash: string, source: () => SchemaSource): CompiledCustomSchema {
    if (this.#newest?.hash === hash) return this.#newest.compiled;
    const known = this.#entries.get(hash);
    if (known !== undefined) {
      this.#entries.delete(hash);
      this.#entries.set(hash, known);
      this.#newest = { hash, compiled: known.compiled };
      return known.compiled;
    }
    const { schema, size, preserveUnknownFields } = source();
    const compiled = this.#compile(schema, { preserveUnknownFields });
    this.#entries.set(hash, { compiled, size });
    this.#newest = { hash, compiled };
    this.#size += size;
    for (const [oldest, entry] of this.#entries) {
      if ((this.#entries.size <= maxSchemas && this.#size <= maxTextSize) || oldest === hash) break;
      this.#entries.delete(oldest);
      this.#size -= entry.size;
    }
    return compiled;
  }
}

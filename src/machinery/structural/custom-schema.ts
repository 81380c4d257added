/** What one version of a custom kind brings along: the seam between CRD schemas and whatever serves the kind. */
import type { SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { FieldError } from "#machinery/errors/field-error.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { CompiledType, Decoded } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import type { PatternCache } from "./pattern.ts";

export interface PruneOptions {
  /**
   * For what the store holds, or an apply or a mutation has made: metadata fields of the wrong type are dropped. Otherwise (requests, answers of conversion
   * webhooks) they are an error.
   */
  readonly dropInvalidMetadata?: boolean;
  /** For what an apply or a mutation has made: upstream does not decode it again, so nulls stay, and are defaulted or refused. */
  readonly keepNulls?: boolean;
}

/**
 * A schema, ready to use. Immutable but for what it compiles lazily; share it by content.
 *
 * Order on every way in (upstream: schemaCoercingDecoder, unstructuredDefaulter, customResourceStrategy):
 * {@link prune} (or {@link decode}), {@link applyDefaults}, then {@link validate} and {@link validateRules}.
 */
export interface CompiledCustomSchema {
  /**
   * In place: coerces the metadata of the object and of embedded resources to ObjectMeta, removes what the schema does not
   * know, and nulls that are neither allowed nor defaulted. Answers the paths of unknown fields as strict validation shows them
   * (`spec.foo`, `spec.list[0].bar`).
   * @throws DecodeError with upstream's text, behind which endpoints put their 400.
   */
  prune(object: JsonObject, options?: PruneOptions): readonly string[];
  /** {@link prune} of a copy, with the fields in the order that the store wants: apiVersion, kind, metadata (annotations first). */
  decode(value: JsonValue, options?: PruneOptions): Decoded;
  /** Fills in defaults, in place: missing keys, and nulls where null is not allowed. Idempotent. */
  applyDefaults(object: JsonObject): void;
  /**
   * Types, value validations, formats, embedded metadata and list types. With `old`, what has not changed is ratcheted.
   * Errors of the object's own metadata are not among them: those are the strategy's.
   */
  validate(object: JsonObject, old?: JsonObject): readonly FieldError[];
  /** The same for a write to the status subresource: only `status` is validated, ratcheted against the old one. */
  validateStatus(object: JsonObject, old: JsonObject): readonly FieldError[];
  /**
   * `x-kubernetes-validations`. `errors` are those found so far (of the strategy and of {@link validate}): some kinds of them
   * keep the rules from being run, which is told by one more error. Empty when the schema has no rules. `warn` is told of
   * failures that are let pass because the value was as it is before.
   */
  validateRules(
    object: JsonObject,
    old: JsonObject | undefined,
    errors: readonly FieldError[],
    warn?: (text: string) => void,
  ): readonly FieldError[];
  /** For apply and OpenAPI; `metadata` of the root refers to the catalogue's ObjectMeta. Derived on demand. */
  readonly schema: Schema;
  /** What expressions see of objects. */
  celType(options: SchemaTypeOptions): CelType | undefined;
}

export interface CustomSchemaOptions {
  /** meta/v1 ObjectMeta, compiled from the catalogue. */
  readonly objectMeta: CompiledType;
  /** `spec.preserveUnknownFields` of the definition: nothing is pruned. */
  readonly preserveUnknownFields?: boolean;
  /** Compiled patterns; give all schemas of a server the same. Default: one of its own. */
  readonly patterns?: PatternCache;
}

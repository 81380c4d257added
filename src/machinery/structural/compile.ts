/** Compiles the schema of a custom kind's version. */

import type { SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { FieldError } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import type { Decoded } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { blockedRules } from "./blocked-rules.ts";
import { Correlated } from "./correlation.ts";
import type { CompiledCustomSchema, CustomSchemaOptions, PruneOptions } from "./custom-schema.ts";
import { applyDefaults } from "./default.ts";
import { diagnose } from "./diagnose.ts";
import { listTypeErrors } from "./list-types.ts";
import { flags, type SchemaNode } from "./node.ts";
import { celTypeOfNode } from "./node-type.ts";
import { coerceEmbedded, coerceMeta, embeddedErrors } from "./object-meta.ts";
import { parseSchema } from "./parse.ts";
import { PatternCache } from "./pattern.ts";
import { isClean, prune, pruneNulls } from "./prune.ts";
import { toFieldErrors } from "./result.ts";
import { RulePrograms } from "./rule-programs.ts";
import { RuleRun } from "./rules.ts";
import { schemaOfNode } from "./to-schema.ts";
import { isValid } from "./valid.ts";

/** `schema` is `openAPIV3Schema` of a version; undefined knows nothing but metadata. Never throws: what is no schema counts as absent. */
export function compileCustomSchema(
  schema: JsonObject | undefined,
  options: CustomSchemaOptions,
): CompiledCustomSchema {
  return new CustomSchema(parseSchema(schema, "custom-resource", options.objectMeta), options);
}

class CustomSchema implements CompiledCustomSchema {
  readonly #root: SchemaNode;
  readonly #options: CustomSchemaOptions;
  readonly #patterns: PatternCache;
  readonly #programs = new RulePrograms();
  #schema: WeakRef<Schema> | undefined;

  constructor(root: SchemaNode, options: CustomSchemaOptions) {
    this.#root = root;
    this.#options = options;
    this.#patterns = options.patterns ?? new PatternCache();
  }

  prune(object: JsonObject, options: PruneOptions = {}): readonly string[] {
    return this.#prune(object, options, isClean(object, this.#root));
  }

  #prune(object: JsonObject, options: PruneOptions, clean: boolean): readonly string[] {
    const { objectMeta } = this.#options;
    const root = this.#root;
    const meta = { objectMeta, dropInvalid: options.dropInvalidMetadata === true };
    const unknown: string[] = [];
    const own = Object.hasOwn(object, "metadata") ? coerceMeta(object.metadata!, meta) : undefined;
    if (own !== undefined) unknown.push(...own.unknown.map((path) => `metadata.${path}`));
    const { apiVersion, kind } = object;
    if (this.#options.preserveUnknownFields !== true && !clean) {
      unknown.push(...prune(object, root, true));
      if (options.keepNulls !== true) pruneNulls(object, root);
    }
    if (root.has(flags.embeddedBelow)) unknown.push(...coerceEmbedded(object, root, meta));
    if (typeof kind === "string") object.kind = kind;
    if (typeof apiVersion === "string") object.apiVersion = apiVersion;
    if (own !== undefined) object.metadata = own.value;
    return unknown;
  }

  decode(value: JsonValue, options: PruneOptions = {}): Decoded {
    if (!isJsonObject(value)) throw new DecodeError("json: cannot unmarshal into an object");
    // What is clean already is only read, so it may be shared with the input.
    const clean = isClean(value, this.#root);
    const shares = clean && !this.#root.has(flags.embeddedBelow);
    const source = shares ? { ...value } : cloneJson(value);
    const unknown = this.#prune(source, options, clean);
    const decoded: JsonObject = {};
    for (const key of ["apiVersion", "kind", "metadata"]) {
      if (Object.hasOwn(source, key)) decoded[key] = source[key]!;
    }
    for (const key of Object.keys(source)) {
      if (!Object.hasOwn(decoded, key)) setOwn(decoded, key, source[key]!);
    }
    return { value: decoded, unknownFields: unknown.map((path) => `unknown field "${path}"`) };
  }

  applyDefaults(object: JsonObject): void {
    applyDefaults(object, this.#root);
  }

  validate(object: JsonObject, old?: JsonObject): readonly FieldError[] {
    const root = this.#root;
    const errors: FieldError[] = [];
    if (!isValid(object, root, this.#patterns)) {
      const correlated = old === undefined ? undefined : new Correlated(object, old, root);
      errors.push(...toFieldErrors(diagnose(object, root, this.#patterns, correlated), undefined));
    }
    if (root.has(flags.embeddedBelow)) {
      errors.push(...embeddedErrors(object, root, this.#options.objectMeta));
    }
    errors.push(...this.#listTypes(object, old));
    return errors;
  }

  validateStatus(object: JsonObject, old: JsonObject): readonly FieldError[] {
    const errors: FieldError[] = [];
    const status = Object.hasOwn(object, "status") ? object.status : undefined;
    const schema = this.#root.property("status");
    if (status !== undefined && schema !== undefined && !isValid(status, schema, this.#patterns)) {
      const correlated =
        new Correlated(object, old, this.#root).field("status") ?? new Correlated(status, null, schema);
      errors.push(...toFieldErrors(diagnose(status, schema, this.#patterns, correlated), "status"));
    }
    errors.push(...this.#listTypes(object, old));
    return errors;
  }

  /** Duplicates are no error where the old object had some. */
  #listTypes(object: JsonObject, old: JsonObject | undefined): FieldError[] {
    const root = this.#root;
    if (!root.has(flags.listTypesBelow)) return [];
    const errors = listTypeErrors(object, root);
    return errors.length === 0 || old === undefined || listTypeErrors(old, root).length === 0 ? errors : [];
  }

  validateRules(
    object: JsonObject,
    old: JsonObject | undefined,
    errors: readonly FieldError[],
    warn?: (text: string) => void,
  ): readonly FieldError[] {
    const root = this.#root;
    if (!root.has(flags.rulesBelow)) return [];
    const blocked = blockedRules(errors);
    if (blocked !== undefined) return [blocked];
    const correlated = old === undefined ? undefined : new Correlated(object, old, root);
    return new RuleRun(this.#programs, warn).check(object, old, root, true, "", correlated);
  }

  celType(options: SchemaTypeOptions): CelType | undefined {
    return celTypeOfNode(this.#root, options);
  }

  get schema(): Schema {
    let schema = this.#schema?.deref();
    if (schema === undefined) {
      schema = schemaOfNode(this.#root, this.#options.preserveUnknownFields === true);
      this.#schema = new WeakRef(schema);
    }
    return schema;
  }
}

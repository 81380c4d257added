/** Whether the defaults of a schema are pruned and valid (apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go). */
import { aggregateFieldErrors, type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { sortedCopy } from "#machinery/json/sorted.ts";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { diagnose } from "#machinery/structural/diagnose.ts";
import { flags, type SchemaNode } from "#machinery/structural/node.ts";
import { coerceEmbedded, embeddedErrors, FieldDecodeError } from "#machinery/structural/object-meta.ts";
import type { PatternCache } from "#machinery/structural/pattern.ts";
import { prune } from "#machinery/structural/prune.ts";
import { toFieldErrors } from "#machinery/structural/result.ts";
import { RuleRun } from "#machinery/structural/rules.ts";

export interface DefaultsOptions {
  readonly objectMeta: CompiledType;
  readonly patterns: PatternCache;
  readonly requiresPruned: boolean;
}

/** `root` read for defaults, of a structural schema; `path` of the schema. */
export function defaultsErrors(root: SchemaNode, path: string, options: DefaultsOptions): FieldError[] {
  if (root.default === undefined && !root.has(flags.defaultsBelow)) return [];
  const check = new DefaultsCheck(options);
  const resource: Resource = { schema: root, isRoot: true, steps: [], insideMeta: false };
  check.node(root, path, resource);
  return check.errors;
}

/** The resource, the root or an embedded one, whose metadata may be around a value. */
interface Resource {
  readonly schema: SchemaNode;
  /** The node is the resource itself. */
  readonly isRoot: boolean;
  /** From the resource to the node: names, and null for an item of a list. */
  readonly steps: readonly (string | null)[];
  readonly insideMeta: boolean;
}

class DefaultsCheck {
  readonly errors: FieldError[] = [];
  readonly #options: DefaultsOptions;
  readonly #rules = new RuleRun();
  #isOutOfBudget = false;

  constructor(options: DefaultsOptions) {
    this.#options = options;
  }

  node(node: SchemaNode, path: string, around: Resource): void {
    const isResource = around.isRoot || node.has(flags.embedded);
    const resource: Resource = isResource
      ? { schema: node, isRoot: true, steps: [], insideMeta: false }
      : around;
    if (node.default !== undefined) this.#default(node, node.default, `${path}.default`, resource);
    if (this.#isOutOfBudget || !node.has(flags.defaultsBelow)) return;
    const below = { ...resource, isRoot: false };
    if (node.items !== undefined) {
      this.node(node.items, `${path}.items`, { ...below, steps: [...below.steps, null] });
    }
    for (let i = 0; i < node.names.length && !this.#isOutOfBudget; i++) {
      const name = node.names[i]!;
      const isMeta = isResource && (name === "metadata" || name === "apiVersion" || name === "kind");
      this.node(node.nodes[i]!, `${path}.properties[${name}]`, {
        ...below,
        steps: [...below.steps, name],
        insideMeta: below.insideMeta || isMeta,
      });
    }
    // Defaults below additionalProperties are not looked at, as upstream.
  }

  #default(node: SchemaNode, value: JsonValue, path: string, resource: Resource): void {
    const { objectMeta, patterns, requiresPruned } = this.#options;
    const shown = sortedCopy(value);
    const isResource = resource.isRoot;
    if (resource.insideMeta) {
      const problem = metadataProblem(surround(value, resource.steps), resource.schema, objectMeta);
      if (problem !== undefined) {
        this.errors.push(fieldInvalid(path, shown, `must result in valid metadata: ${problem}`));
        return;
      }
    } else {
      if (requiresPruned) {
        const pruned = cloneJson(value);
        prune(pruned, node, isResource);
        if (!jsonEqual(pruned, value))
          this.errors.push(fieldInvalid(path, shown, "must not have unknown fields"));
      }
      const copy = cloneJson(value);
      try {
        coerceEmbedded(copy, node, { objectMeta, dropInvalid: false }, path, isResource);
      } catch (error) {
        if (!(error instanceof FieldDecodeError)) throw error;
        this.errors.push(error.fieldError);
        return;
      }
      const embedded = embeddedErrors(copy, node, objectMeta, isResource, path);
      this.errors.push(...embedded);
      if (embedded.length > 0) return;
    }
    const invalid = toFieldErrors(diagnose(value, node, patterns), path);
    this.errors.push(...invalid);
    if (invalid.length > 0 || (node.rules === undefined && !node.has(flags.rulesBelow))) return;
    const errors = this.#rules.checkDefault(value, node, resource.isRoot, path);
    this.errors.push(...errors);
    this.#isOutOfBudget = this.#rules.isExhausted;
  }
}

/** The default inside an otherwise empty resource. */
function surround(value: JsonValue, steps: readonly (string | null)[]): JsonObject {
  let inner = cloneJson(value);
  for (const step of [...steps].reverse()) {
    if (step === null) inner = [inner];
    else {
      const object: JsonObject = {};
      setOwn(object, step, inner);
      inner = object;
    }
  }
  const resource = isJsonObject(inner) ? inner : {};
  if (!Object.hasOwn(resource, "kind")) resource.kind = "Validation";
  if (!Object.hasOwn(resource, "apiVersion")) resource.apiVersion = "validation/v1";
  return resource;
}

function metadataProblem(
  resource: JsonObject,
  schema: SchemaNode,
  objectMeta: CompiledType,
): string | undefined {
  try {
    coerceEmbedded(resource, schema, { objectMeta, dropInvalid: false }, "", true);
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  const errors = embeddedErrors(resource, schema, objectMeta, true);
  return errors.length === 0 ? undefined : aggregateFieldErrors(errors);
}

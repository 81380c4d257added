/** Values of a schema, small on purpose: what an object has and what a patch says shall meet. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { deref, type Field, type Schema, type TypeResolver } from "#machinery/schema/types.ts";
import type { Chance } from "#machinery/testing/chance.ts";

/** Recursive types end here. */
const maxDepth = 12;
/** Always worth a visit: what is merged stands below them. */
const inner: ReadonlySet<string> = new Set(["metadata", "spec", "status", "template", "jobTemplate"]);
const texts = ["a", "b", "c", "d", "e"];

export class PlainValues {
  readonly #types: TypeResolver;
  readonly #chance: Chance;

  constructor(types: TypeResolver, chance: Chance) {
    this.#types = types;
    this.#chance = chance;
  }

  of(schema: Schema, depth = 0): JsonValue {
    const chance = this.#chance;
    const node = deref(schema, this.#types);
    switch (node.kind) {
      case "object":
        return Object.fromEntries(
          this.fieldsOf(node.fields.values(), depth).map((field) => [
            field.name,
            this.ofField(field, depth + 1),
          ]),
        );
      case "map":
        return Object.fromEntries(chance.some(texts, 3).map((key) => [key, this.of(node.values, depth + 1)]));
      case "list":
        return Array.from({ length: depth > maxDepth ? 0 : chance.below(4) }, () =>
          this.of(node.items, depth + 1),
        );
      case "string":
        return chance.pick(texts);
      case "boolean":
        return chance.is(0.5);
      case "any":
        return chance.pick<JsonValue>(["a", 1, { a: "b" }]);
      default:
        return 1 + chance.below(4);
    }
  }

  /** A field's value: items of lists that are merged have keys of their own. */
  ofField(field: Field, depth: number): JsonValue {
    const value = this.of(field.schema, depth);
    if (!isMerged(field) || !Array.isArray(value)) return value;
    const key = field.patchMergeKey;
    if (key === undefined) return [...new Set(value)];
    const left = this.keys(field, value.length);
    return value.map((item, index) => ({ ...(item as JsonObject), [key]: left[index]! }));
  }

  /** Values of the merge key of a list, each another one. */
  keys(field: Field, count: number, taken: readonly JsonValue[] = []): JsonValue[] {
    const list = deref(field.schema, this.#types);
    const item = list.kind === "list" ? deref(list.items, this.#types) : undefined;
    const key = item?.kind === "object" ? item.fields.get(field.patchMergeKey!) : undefined;
    const isText = key === undefined || deref(key.schema, this.#types).kind === "string";
    const all: JsonValue[] = isText ? texts : [1, 2, 3, 4, 5];
    return this.#chance.shuffled(all.filter((one) => !taken.includes(one))).slice(0, count);
  }

  fieldsOf(fields: Iterable<Field>, depth: number): Field[] {
    return [...fields].filter((field) => {
      if (field.inline === true || depth > maxDepth) return false;
      return this.#chance.is(isMerged(field) || inner.has(field.name) ? 0.6 : depth < 3 ? 0.3 : 0.12);
    });
  }
}

export const isMerged = (field: Field): boolean => field.patchStrategy?.includes("merge") === true;

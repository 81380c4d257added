/** Merges what an expression made into an object, as an apply without owners (plugin/policy/mutating/patch/smd.go). */

import { mergeTyped } from "#machinery/apply/merge.ts";
import { elementText, fieldElement } from "#machinery/apply/path-element.ts";
import { TypedErrors } from "#machinery/apply/typed-errors.ts";
import type { TypedNode } from "#machinery/apply/typed-node.ts";
import { validateTyped } from "#machinery/apply/validate.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { MutationError } from "./mutating-policy.ts";

/** The object with the part. Neither is changed. @throws MutationError with upstream's text */
export function applyConfiguration(node: TypedNode, object: JsonObject, part: JsonObject): JsonObject {
  const whole = { ...part, apiVersion: object.apiVersion!, kind: object.kind! };
  checked("failed to convert patch object to typed object", () =>
    validateTyped(node, whole, { allowDuplicates: false }),
  );
  const atomics = atomicPaths(node, whole, "");
  if (atomics.length > 0)
    throw new MutationError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(", ")}`,
    );
  checked("failed to convert original object to typed object", () =>
    validateTyped(node, object, { allowDuplicates: true }),
  );
  return mergeTyped(node, object, whole) as JsonObject;
}

function checked(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof TypedErrors)) throw error;
    throw new MutationError(`error applying patch: ${what}: ${error.message}`);
  }
}

/** Whoever sets a part of something atomic would remove the rest of it without meaning to. */
function atomicPaths(node: TypedNode, value: JsonValue, path: string): string[] {
  const found: string[] = [];
  if (isJsonObject(value) && node.map !== undefined) {
    if (node.map.atomic) found.push(path);
    for (const [name, member] of Object.entries(value)) {
      const field = node.map.fields.get(name);
      if (field !== undefined)
        found.push(...atomicPaths(field.type, member, path + elementText(fieldElement(name))));
    }
  } else if (Array.isArray(value) && node.list !== undefined) {
    if (node.list.atomic) found.push(path);
    const { items } = node.list;
    value.forEach((item, index) => {
      found.push(...atomicPaths(items, item, `${path}[${index}]`));
    });
  }
  return found;
}

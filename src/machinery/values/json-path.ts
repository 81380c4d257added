/**
 * JSON paths as printer columns and selectable fields have them (k8s.io/client-go/util/jsonpath), with missing keys allowed:
 * `.spec.ports[0].name`, `.metadata.labels['a\.b']`, `.status.conditions[?(@.type=="Ready")].status`, `..name`, `[1:3]`, `[*]`.
 * Fields of an object are taken in their order, where upstream takes them in a chance order.
 */
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { type PathList, type PathNode, parsePath, type Slice } from "./json-path-parser.ts";
import { type Found, goEqual, goLess, Made } from "./json-path-values.ts";

/** A path that was read. */
export interface JsonPath {
  /**
   * All values that the path leads to, in order. Undefined when something on the way is not what the path expects: an index
   * beyond its list, a filter of what is no list.
   */
  find(root: JsonValue): readonly Found[] | undefined;
}

/** Most values that one path may visit in one object; beyond them it finds nothing (`..` on a large object). */
export const maxVisited = 100_000;

/** Undefined when the text is no path of this language. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const actions = parsePath(text);
  if (actions === undefined) return undefined;
  return {
    find(root) {
      const walk = new Walk();
      const all = actions.map((list) => walk.list([root], list));
      return walk.failed ? undefined : all[0];
    },
  };
}

/**
 * One evaluation. What goes wrong is noted in `failed`, and the walk goes on with the values that upstream has at that moment: a
 * filter that only asks whether something exists looks at them, and not at the error.
 */
class Walk {
  failed = false;
  #visited = 0;

  list(values: readonly Found[], nodes: PathList): readonly Found[] {
    let found = values;
    for (const node of nodes) {
      found = this.#step(found, node);
      if (this.failed) break;
    }
    return found;
  }

  #step(values: readonly Found[], node: PathNode): readonly Found[] {
    this.#visit(values.length);
    if (this.failed) return [];
    switch (node.kind) {
      case "field":
        return values.flatMap((value) => {
          const member = isObject(value) ? getOwn(value, node.name) : undefined;
          return member === undefined ? [] : [member];
        });
      case "wildcard":
        return values.flatMap((value) => this.#parts(value));
      case "recursive":
        return this.#descend(values);
      case "array":
        return this.#array(values, node.slice);
      case "union":
        return this.#union(values, node.choices);
      case "filter":
        return this.#filter(values, node);
      case "text":
        return [node.text];
      case "boolean":
        return values.map(() => node.value);
      case "number":
        return values.map(() => new Made(node.whole ? "int" : "float64", node.value));
      case "identifier":
        // Also `range` and `end`, which go from one action to another and are no matter of a single cell.
        return this.#fail(values);
    }
  }

  #fail(values: readonly Found[]): readonly Found[] {
    this.failed = true;
    return values;
  }

  #visit(count: number): void {
    this.#visited += count;
    if (this.#visited > maxVisited) this.failed = true;
  }

  #parts(value: Found): readonly Found[] {
    const parts = Array.isArray(value)
      ? value
      : isObject(value)
        ? Object.values(value)
        : typeof value === "string"
          ? bytesOf(value)
          : [];
    this.#visit(parts.length);
    return this.failed ? [] : parts;
  }

  /** Every value that has parts, and all such below it. Texts have parts: bytes, which have none. */
  #descend(values: readonly Found[]): readonly Found[] {
    const found: Found[] = [];
    const open = values.toReversed();
    while (open.length > 0 && !this.failed) {
      const value = open.pop()!;
      if (typeof value === "string") {
        if (value !== "") found.push(value);
        continue;
      }
      const parts = this.#parts(value);
      if (parts.length === 0) continue;
      found.push(value);
      for (let i = parts.length - 1; i >= 0; i--) open.push(parts[i]!);
    }
    return found;
  }

  #array(values: readonly Found[], slice: Slice): readonly Found[] {
    const found: Found[] = [];
    for (const value of values) {
      if (value === null) continue;
      if (!Array.isArray(value)) return this.#fail(values);
      const { length } = value;
      const start = fromEnd(slice.start ?? 0, length);
      let end = slice.end ?? length;
      if (end < 0 || (end === 0 && slice.item)) end += length;
      // Nothing is asked for: what follows is not looked at either.
      if (start === end) return found;
      if (start >= length || start < 0 || end > length || end < 0 || start > end) return this.#fail(values);
      const { step = 1 } = slice;
      if (step <= 0) return this.#fail(values);
      for (let i = start; i < end; i += step) found.push(value[i]!);
      this.#visit(end - start);
    }
    return found;
  }

  #union(values: readonly Found[], choices: readonly PathList[]): readonly Found[] {
    const found: Found[] = [];
    for (const choice of choices) {
      found.push(...this.list(values, choice));
      if (this.failed) return values;
    }
    return found;
  }

  #filter(values: readonly Found[], node: PathNode & { readonly kind: "filter" }): readonly Found[] {
    const found: Found[] = [];
    for (const value of values) {
      if (!Array.isArray(value)) return this.#fail(values);
      this.#visit(value.length);
      for (const item of value) {
        const left = this.list([item], node.left);
        if (this.#visited > maxVisited) return this.#fail([]);
        if (node.operator === "exists") {
          this.failed = false;
          if (left.length > 0) found.push(item);
          continue;
        }
        if (this.failed) return values;
        if (left.length === 0) continue;
        if (left.length > 1) return this.#fail(values);
        const right = this.list([item], node.right);
        if (this.failed) return values;
        if (right.length === 0) continue;
        if (right.length > 1) return this.#fail(values);
        const passes = compared(left[0]!, node.operator, right[0]!);
        if (passes === undefined) return this.#fail(found);
        if (passes) found.push(item);
      }
    }
    return found;
  }
}

const isObject = (value: Found): value is JsonObject => !(value instanceof Made) && isJsonObject(value);

const fromEnd = (index: number, length: number): number => (index < 0 ? index + length : index);

/** No more than are looked at: a longer text has too many. */
function bytesOf(text: string): readonly Made[] {
  const bytes = new TextEncoder().encode(text.slice(0, maxVisited + 1));
  return Array.from(bytes, (byte) => new Made("uint8", byte));
}

/** Undefined: the two cannot be compared. */
function compared(left: Found, operator: string, right: Found): boolean | undefined {
  switch (operator) {
    case "==":
      return goEqual(left, right);
    case "!=":
      return not(goEqual(left, right));
    case "<":
      return goLess(left, right);
    case ">=":
      return not(goLess(left, right));
    case "<=":
      return lessOrEqual(left, right);
    case ">":
      return not(lessOrEqual(left, right));
    default:
      // `=`, `=!` and the like are read, and known to nobody.
      return undefined;
  }
}

function lessOrEqual(left: Found, right: Found): boolean | undefined {
  const less = goLess(left, right);
  return less === false ? goEqual(left, right) : less;
}

const not = (told: boolean | undefined): boolean | undefined => (told === undefined ? undefined : !told);

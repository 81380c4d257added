/**
 * JSON paths as printer columns and selectable fields have them (k8s.io/client-go/util/jsonpath), with missing keys allowed:
 * `.spec.ports[0].name`, `.metadata.labels['a\.b']`, `.status.conditions[?(@.type=="Ready")].status`, `..name`, `[1:3]`, `[*]`.
 */
import { getOwn, isJsonObject, isRawNumber, type JsonValue } from "#machinery/json/value.ts";

/** A path that was read. */
export interface JsonPath {
  /** All values that the path leads to, in order. */
  find(root: JsonValue): JsonValue[];
}

type Step = (values: readonly JsonValue[], root: JsonValue) => JsonValue[];

/** Most values that one step of a path may hand on; longer lists are cut (`..` on a large object). */
const maxValues = 10_000;

/** Undefined when the text is no path of this language. */
export function parseJsonPath(text: string): JsonPath | undefined {
  // A dot alone is the field without a name, which almost no object has; the object itself is `@`.
  if (text.trim() === ".") return { find: (root) => fieldWithoutName(root) };
  const steps = new Reader(text).steps();
  if (steps === undefined) return undefined;
  return { find: (root) => walk(steps, root, root) };
}

function fieldWithoutName(root: JsonValue): JsonValue[] {
  const value = isJsonObject(root) ? getOwn(root, "") : undefined;
  return value === undefined ? [] : [value];
}

function walk(steps: readonly Step[], from: JsonValue, root: JsonValue): JsonValue[] {
  let values: JsonValue[] = [from];
  for (const step of steps) {
    values = step(values, root);
    if (values.length === 0) return values;
    if (values.length > maxValues) values.length = maxValues;
  }
  return values;
}

const namePattern = /^(?:\\.|[^\s.[\](){}\\'"?@$,<>=!:*|&])+/;
const blank = /^\s*/;

class Reader {
  #rest: string;

  constructor(text: string) {
    this.#rest = text.trim();
  }

  steps(): Step[] | undefined {
    this.#take(/^[$@]/);
    const steps = this.#sequence();
    return steps === undefined || this.#rest !== "" ? undefined : steps;
  }

  /** As long as steps follow. Undefined: what follows is broken. */
  #sequence(): Step[] | undefined {
    const steps: Step[] = [];
    for (;;) {
      let step: Step | undefined;
      if (this.#take(/^\.\.(?=.)/) !== undefined) {
        steps.push(descend);
        if (this.#rest.startsWith("[")) continue;
        step = this.#member();
      } else if (this.#take(/^\.(?=\[)/) !== undefined) continue;
      else if (this.#take(/^\./) !== undefined) {
        // A dot alone is the value itself.
        if (this.#rest === "" && steps.length === 0) return steps;
        step = this.#member();
      } else if (this.#take(/^\[/) !== undefined) step = this.#subscript();
      else return steps;
      if (step === undefined) return undefined;
      steps.push(step);
    }
  }

  #member(): Step | undefined {
    if (this.#take(/^\*/) !== undefined) return members;
    const name = this.#take(namePattern);
    return name === undefined ? undefined : member(unescaped(name));
  }

  #subscript(): Step | undefined {
    this.#take(blank);
    let step: Step | undefined;
    if (this.#take(/^\*/) !== undefined) step = members;
    else if (this.#take(/^\?\(/) !== undefined) step = this.#filter();
    else step = this.#union();
    this.#take(blank);
    return step !== undefined && this.#take(/^\]/) !== undefined ? step : undefined;
  }

  #union(): Step | undefined {
    const choices: Step[] = [];
    do {
      this.#take(blank);
      const choice = this.#choice();
      if (choice === undefined) return undefined;
      choices.push(choice);
      this.#take(blank);
    } while (this.#take(/^,/) !== undefined);
    if (choices.length === 1) return choices[0]!;
    return (values, root) => values.flatMap((value) => choices.flatMap((choice) => choice([value], root)));
  }

  #choice(): Step | undefined {
    const quoted = this.#quoted();
    if (quoted !== undefined) return member(quoted);
    const slice = this.#take(/^-?[0-9]*\s*:\s*-?[0-9]*(?:\s*:\s*[0-9]*)?/);
    if (slice !== undefined) {
      const [start = "", end = "", step = ""] = slice.split(":").map((part) => part.trim());
      return sliced(start, end, step);
    }
    const index = this.#take(/^-?[0-9]+/);
    return index === undefined ? undefined : item(Number(index));
  }

  #filter(): Step | undefined {
    const left = this.#operand();
    if (left === undefined) return undefined;
    this.#take(blank);
    const operator = this.#take(/^(?:==|!=|<=|>=|<|>)/);
    let right: Operand | undefined;
    if (operator !== undefined) {
      this.#take(blank);
      right = this.#operand();
      if (right === undefined) return undefined;
    }
    this.#take(blank);
    if (this.#take(/^\)/) === undefined) return undefined;
    return (values, root) =>
      values
        .flatMap((value) => (Array.isArray(value) ? value : []))
        .filter((value) => {
          const found = left(value, root);
          if (operator === undefined) return found.length > 0;
          const other = right!(value, root);
          return found.length === 1 && other.length === 1 && compare(found[0]!, operator, other[0]!);
        });
  }

  #operand(): Operand | undefined {
    const quoted = this.#quoted();
    if (quoted !== undefined) return () => [quoted];
    const base = this.#take(/^[@$]/);
    if (base !== undefined) {
      const steps = this.#sequence();
      return steps && ((value, root) => walk(steps, base === "$" ? root : value, root));
    }
    const literal = this.#take(/^(?:true|false|-?[0-9]+(?:\.[0-9]+)?)/);
    return literal === undefined ? undefined : () => [JSON.parse(literal) as JsonValue];
  }

  #quoted(): string | undefined {
    const text = this.#take(/^(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")/);
    return text === undefined ? undefined : unescaped(text.slice(1, -1));
  }

  #take(pattern: RegExp): string | undefined {
    const match = pattern.exec(this.#rest);
    if (match === null) return undefined;
    this.#rest = this.#rest.slice(match[0].length);
    return match[0];
  }
}

type Operand = (value: JsonValue, root: JsonValue) => JsonValue[];

const unescaped = (text: string): string => text.replace(/\\(.)/g, "$1");

const member =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => {
      const found = isJsonObject(value) ? getOwn(value, name) : undefined;
      return found === undefined ? [] : [found];
    });

const members: Step = (values) =>
  values.flatMap((value) => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []));

const item =
  (index: number): Step =>
  (values) =>
    values.flatMap((value) => {
      const found = Array.isArray(value) ? value.at(index) : undefined;
      return found === undefined ? [] : [found];
    });

const sliced =
  (start: string, end: string, step: string): Step =>
  (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return [];
      const every = step === "" ? 1 : Number(step);
      if (every < 1) return [];
      const cut = value.slice(start === "" ? 0 : Number(start), end === "" ? undefined : Number(end));
      return cut.filter((_, index) => index % every === 0);
    });

/** The value itself and everything below it. */
const descend: Step = (values) => {
  const found: JsonValue[] = [];
  const open = [...values].reverse();
  while (open.length > 0 && found.length < maxValues) {
    const value = open.pop()!;
    found.push(value);
    const below = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    for (let i = below.length - 1; i >= 0; i--) open.push(below[i]!);
  }
  return found;
};

function compare(left: JsonValue, operator: string, right: JsonValue): boolean {
  const [a, b] = [scalar(left), scalar(right)];
  if (typeof a !== typeof b) return false;
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    default:
      if (typeof a !== "string" && typeof a !== "number") return false;
      return operator === "<" ? a < b! : operator === ">" ? a > b! : operator === "<=" ? a <= b! : a >= b!;
  }
}

const scalar = (value: JsonValue): string | number | boolean | undefined =>
  isRawNumber(value)
    ? Number(value.rawJSON)
    : typeof value === "object" || value === null
      ? undefined
      : value;

/**
 * Variables, selections and index operations. A chain such as `self.items[0].name` is one attribute: a start and its
 * qualifiers, which is how cel-go evaluates it and counts its cost (interpreter/attributes.go).
 */
import type { Context, Step } from "./context.ts";
import { display, goTypeName } from "./display.ts";
import { typeName } from "./operations.ts";
import {
  CelDouble,
  CelError,
  CelList,
  CelMap,
  CelOptional,
  type CelResult,
  CelUint,
  type CelValue,
  noSuchOverload,
  optionalNone,
} from "./values.ts";

/** One selection or index operation. */
export interface Qualifier {
  /** The key or index when the expression says it; else it is computed. */
  readonly key: CelValue | undefined;
  /** Computes the key; its own attribute costs nothing more than its qualifiers. */
  readonly computed: Step | undefined;
  /** `.?field` and `[?index]`. */
  readonly optional: boolean;
  /** Of `has(...)`. */
  readonly testOnly: boolean;
}

export type Attribute =
  | { readonly kind: "plain"; readonly start: Step; readonly qualifiers: Qualifier[] }
  | {
      readonly kind: "conditional";
      readonly condition: Step;
      readonly whenTrue: Attribute;
      readonly whenFalse: Attribute;
    };

export function addQualifier(attribute: Attribute, qualifier: Qualifier): void {
  if (attribute.kind === "plain") {
    attribute.qualifiers.push(qualifier);
    return;
  }
  addQualifier(attribute.whenTrue, qualifier);
  addQualifier(attribute.whenFalse, qualifier);
}

/**
 * The value of an attribute. `cost` is that of the attribute itself beside its qualifiers: 1 for a plain one, unless it is
 * part of another. The code is made by functions of their own, so that it holds no more than it needs.
 */
export function resolver(attribute: Attribute, cost: 0 | 1 = 0): Step {
  if (attribute.kind === "conditional") {
    const { condition, whenTrue, whenFalse } = attribute;
    return conditionalStep(condition, resolver(whenTrue), resolver(whenFalse));
  }
  const { start, qualifiers } = attribute;
  if (qualifiers.length === 0) return unqualifiedStep(start, cost);
  const simple = qualifiers.every(
    ({ key, optional, testOnly }) => key !== undefined && !optional && !testOnly,
  );
  return simple
    ? keysStep(
        start,
        qualifiers.map(({ key }) => key!),
        cost,
      )
    : qualifiersStep(start, qualifiers.slice(), cost);
}

function conditionalStep(condition: Step, whenTrue: Step, whenFalse: Step): Step {
  return (context) => {
    const value = condition(context);
    if (value === true) return whenTrue(context);
    if (value === false) return whenFalse(context);
    return value instanceof CelError ? value : noSuchOverload;
  };
}

function unqualifiedStep(start: Step, cost: number): Step {
  return (context) => {
    const value = start(context);
    context.charge(cost);
    return value instanceof CelOptional && value.value !== undefined
      ? new CelOptional(rawValue(value.value))
      : value;
  };
}

function keysStep(start: Step, keys: readonly CelValue[], cost: number): Step {
  return (context) => {
    let value = start(context);
    if (value instanceof CelOptional) {
      const qualifiers = keys.map((key) => ({ key, computed: undefined, optional: false, testOnly: false }));
      value = applyQualifiers(context, value, qualifiers);
    } else {
      for (const key of keys) {
        if (value instanceof CelError) break;
        value = qualify(value, key);
        context.charge(1);
      }
    }
    context.charge(cost);
    return value;
  };
}

function qualifiersStep(start: Step, qualifiers: readonly Qualifier[], cost: number): Step {
  return (context) => {
    const value = applyQualifiers(context, start(context), qualifiers);
    context.charge(cost);
    return value;
  };
}

function rawValue(value: CelValue): CelValue {
  return value instanceof CelMap || value instanceof CelList ? value.raw : value;
}

/** Applies qualifiers one by one; after an optional one, what is absent makes the whole an empty optional. */
function applyQualifiers(context: Context, start: CelResult, qualifiers: readonly Qualifier[]): CelResult {
  let value = start;
  let optional = false;
  if (value instanceof CelOptional) {
    if (value.value === undefined) return value;
    optional = true;
    value = rawValue(value.value);
  }
  for (const qualifier of qualifiers) {
    if (value instanceof CelError) return value;
    optional ||= qualifier.optional;
    const present = qualifier.testOnly || optional ? presence(context, value, qualifier) : undefined;
    if (present === undefined) {
      value = qualifyBy(context, value, qualifier);
      continue;
    }
    if (present.value instanceof CelError) return present.value;
    if (!optional) {
      context.charge(1);
      value = present.value !== undefined;
      continue;
    }
    if (present.value === undefined) return optionalNone;
    context.charge(1);
    value = present.value;
  }
  return optional && !(value instanceof CelError) ? new CelOptional(value) : value;
}

function keyOf(context: Context, qualifier: Qualifier): CelResult {
  const key = qualifier.key ?? qualifier.computed!(context);
  if (key instanceof CelError || isKey(key)) return key;
  return new CelError(`invalid qualifier type: ${goTypeName(key)}`);
}

/** Whether a value may be a key or an index at all. */
export function isKey(value: CelValue): boolean {
  return (
    value !== null && (typeof value !== "object" || value instanceof CelUint || value instanceof CelDouble)
  );
}

function qualifyBy(context: Context, value: CelValue, qualifier: Qualifier): CelResult {
  const key = keyOf(context, qualifier);
  const result = key instanceof CelError ? key : qualify(value, key);
  context.charge(1);
  return result;
}

function presence(
  context: Context,
  value: CelValue,
  qualifier: Qualifier,
): { readonly value: CelResult | undefined } {
  const key = keyOf(context, qualifier);
  return { value: key instanceof CelError ? key : lookUp(value, key) };
}

/** What a key or index leads to, undefined when it is absent. */
function lookUp(value: CelValue, key: CelValue): CelResult | undefined {
  if (value instanceof CelMap) return value.find(key);
  if (value instanceof CelList) {
    const index = listIndex(key);
    if (index instanceof CelError) return index;
    return index >= 0 && index < value.size ? value.get(index) : undefined;
  }
  return undefined;
}

function qualify(value: CelValue, key: CelValue): CelResult {
  const found = lookUp(value, key);
  if (found !== undefined) return found;
  if (value instanceof CelList) return new CelError(`index out of bounds: ${display(key)}`);
  return new CelError(`no such key: ${display(key)}`);
}

/** The index that a number of any type is; -1 for integers beyond all lists. */
function listIndex(key: CelValue): number | CelError {
  if (typeof key === "number") return key;
  if (typeof key === "bigint") return -1;
  if (key instanceof CelUint) return key.value <= 2n ** 53n ? Number(key.value) : -1;
  if (key instanceof CelDouble) {
    if (Number.isInteger(key.value) && Math.abs(key.value) < 2 ** 63) return key.value;
    return new CelError(`unsupported index value ${display(key)} in list`);
  }
  return new CelError(`unsupported index type '${typeName(key)}' in list`);
}

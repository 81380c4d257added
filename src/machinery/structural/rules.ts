/** Running `x-kubernetes-validations` (apiextensions-apiserver pkg/apiserver/schema/cel/validation.go). */

import { byteLength } from "#base/bytes.ts";
import { quote } from "#base/quote.ts";
import { trimSpace } from "#base/spaces.ts";
import { type CelBudget, type CelProgram, perCallCostLimit, runtimeCostBudget } from "#machinery/cel/cel.ts";
import { CelBudgetError, CelRuntimeError } from "#machinery/cel/errors.ts";
import { toCel } from "#machinery/cel/schema-typed.ts";
import type { CelValue } from "#machinery/cel/values.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldErrorText,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { type Correlated, MapList } from "./correlation.ts";
import { followFieldPath, type PathSchema } from "./field-path.ts";
import { flags, type Rule, type SchemaNode } from "./node.ts";
import { shownValue } from "./numbers.ts";
import { type RuleProgram, RulePrograms } from "./rule-programs.ts";
import { brokenValue, RuleVariables, usable } from "./rule-variables.ts";

/** Longest message that an expression may make, in bytes. */
const maxMessageBytes = 5 * 1_024;

const nodePath: PathSchema<SchemaNode> = {
  property: (node, name) => node.property(name),
  hasProperties: (node) => node.names.length > 0,
  additional: ({ additional }) => (typeof additional === "boolean" ? null : additional),
};

/** Where the old value of a value is, for ratcheting. */
interface Ratchet {
  readonly current?: Correlated | undefined;
  /** The nearest value around that has an old one. */
  readonly parent?: Correlated | undefined;
}

/** Thrown inside when no further rule may be run. */
const exhausted = new Error("out of budget");

/** One object's rules, or those of all defaults of a schema: they share a budget. */
export class RuleRun {
  readonly #programs: RulePrograms;
  readonly #warn: (text: string) => void;
  #budget: CelBudget = { remaining: runtimeCostBudget, perCall: perCallCostLimit };
  #errors: FieldError[] = [];
  #isExhausted = false;

  /** `warn` is told what was wrong before already, and is let pass for that. */
  constructor(programs = new RulePrograms(), warn: (text: string) => void = () => undefined) {
    this.#programs = programs;
    this.#warn = warn;
  }

  /** A rule has used up the budget: no further one is run. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** `correlated`: both objects, for ratcheting; without it nothing is ratcheted. */
  check(
    value: JsonValue,
    old: JsonValue | undefined,
    schema: SchemaNode,
    isResource: boolean,
    path: string,
    correlated?: Correlated,
  ): FieldError[] {
    this.#errors = [];
    if (!this.#isExhausted) {
      try {
        this.#value(value, old, schema, isResource, path, { current: correlated });
      } catch (error) {
        if (error !== exhausted) throw error;
        this.#isExhausted = true;
      }
    }
    return this.#errors;
  }

  /** As an unchanged value, and then as one that comes out of nowhere; the dearer of both counts. */
  checkDefault(value: JsonValue, schema: SchemaNode, isResource: boolean, path: string): FieldError[] {
    if (schema.rules !== undefined && !schema.has(flags.exposed)) {
      const detail =
        "rule compiler initialization error: failed to convert to declType for CEL validation rules";
      return [fieldInvalid(path, schema.type, detail)];
    }
    const { remaining } = this.#budget;
    const unchanged = this.check(value, value, schema, isResource, path);
    if (unchanged.length > 0 || this.#isExhausted) return unchanged;
    const left = this.#budget.remaining;
    this.#budget.remaining = remaining;
    const created = this.check(value, undefined, schema, isResource, path);
    this.#budget.remaining = Math.min(left, this.#budget.remaining);
    return created;
  }

  #value(
    value: JsonValue,
    old: JsonValue | undefined,
    schema: SchemaNode,
    isResource: boolean,
    path: string,
    ratchet: Ratchet,
  ): void {
    if (value === null || !schema.has(flags.rulesBelow)) return;
    if (schema.rules !== undefined) this.#rules(value, old ?? undefined, schema, isResource, path, ratchet);
    if (Array.isArray(value)) this.#list(value, old, schema, path, ratchet);
    else if (isJsonObject(value)) this.#object(value, old, schema, path, ratchet);
  }

  #list(
    list: readonly JsonValue[],
    old: JsonValue | undefined,
    schema: SchemaNode,
    path: string,
    ratchet: Ratchet,
  ): void {
    const { items } = schema;
    if (items === undefined || !items.has(flags.rulesBelow)) return;
    const oldItems = new MapList(schema, Array.isArray(old) ? old : []);
    for (let i = 0; i < list.length; i++) {
      const { current } = ratchet;
      const inner = current === undefined ? ratchet : { current: current.item(i), parent: current };
      const item = list[i]!;
      this.#value(item, oldItems.get(item), items, items.has(flags.embedded), `${path}[${i}]`, inner);
    }
  }

  #object(
    object: JsonObject,
    old: JsonValue | undefined,
    schema: SchemaNode,
    path: string,
    ratchet: Ratchet,
  ): void {
    const oldObject = isJsonObject(old) ? old : undefined;
    const field = (key: string, node: SchemaNode, at: string): void => {
      const before = oldObject !== undefined && Object.hasOwn(oldObject, key) ? oldObject[key] : undefined;
      this.#value(object[key]!, before, node, node.has(flags.embedded), at, fieldRatchet(ratchet, key));
    };
    const { additional } = schema;
    if (typeof additional === "object") {
      for (const key of Object.keys(object)) field(key, additional, `${path}[${key}]`);
      return;
    }
    for (const key of Object.keys(object)) {
      const node = schema.property(key);
      if (node?.has(flags.rulesBelow) === true) field(key, node, path === "" ? key : `${path}.${key}`);
    }
  }

  #rules(
    value: JsonValue,
    old: JsonValue | undefined,
    schema: SchemaNode,
    isResource: boolean,
    path: string,
    ratchet: Ratchet,
  ): void {
    const compiled = this.#programs.of(schema, isResource);
    if (compiled === undefined) return;
    const where = path === "" ? undefined : path;
    const invalid = (detail: string): void => {
      this.#errors.push(fieldInvalid(where, schema.type, detail));
    };
    if (this.#budget.remaining <= 0) {
      invalid(outOfBudget);
      throw exhausted;
    }
    const self = toCel(value, compiled.type);
    const before = old === undefined ? undefined : toCel(old, compiled.type);
    // Data of another type than the schema says, which can only be there where it has not changed.
    const variables = new RuleVariables(usable(self), usable(before));
    for (let i = 0; i < compiled.programs.length; i++) {
      const program = compiled.programs[i]!;
      const rule = schema.rules![i]!;
      if (program.error !== undefined) {
        invalid(`rule compile error: ${program.error}`);
        continue;
      }
      if (program.program === undefined) continue;
      const optional = rule.optionalOldSelf === true;
      if (program.usesOldSelf && old === undefined && !optional) continue;
      const broken = brokenValue(program.program, self, before);
      if (broken !== undefined) {
        invalid(`${broken.message} evaluating rule: ${shownRule(rule)}`);
        continue;
      }
      const result = this.#evaluate(
        program.program,
        optional ? variables.optional : variables.plain,
        rule,
        invalid,
      );
      if (result === true || result === undefined) continue;
      const ratcheted = !program.usesOldSelf && isRatcheted(ratchet);
      const tell = ratcheted
        ? (error: FieldError) => this.#warn(fieldErrorText(error))
        : (error: FieldError) => void this.#errors.push(error);
      this.#fail(program, rule, variables, value, schema, where, tell);
    }
  }

  /** Undefined when an error was told. */
  #evaluate(
    program: CelProgram,
    variables: ReadonlyMap<string, CelValue>,
    rule: Rule,
    invalid: (detail: string) => void,
  ): CelValue | undefined {
    try {
      return program.evaluate(variables, this.#budget);
    } catch (error) {
      if (error instanceof CelBudgetError) {
        invalid(
          error.limit === "total"
            ? outOfBudget
            : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shownRule(rule)}`,
        );
        throw exhausted;
      }
      if (!(error instanceof CelRuntimeError)) throw error;
      invalid(
        error.message.startsWith("no such overload")
          ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shownRule(rule)}`
          : `${error.message} evaluating rule: ${shownRule(rule)}`,
      );
      return undefined;
    }
  }

  #fail(
    program: RuleProgram,
    rule: Rule,
    variables: RuleVariables,
    value: JsonValue,
    schema: SchemaNode,
    where: string | undefined,
    tell: (error: FieldError) => void,
  ): void {
    const at = fieldOf(rule, schema, where);
    const add = (detail: string): void => tell(fieldInvalid(at, schema.type, detail));
    const message = this.#message(program, rule, variables, add) ?? defaultMessage(rule);
    const shown = schema.type === "object" || schema.type === "array" ? undefined : shownValue(value);
    tell(failure(rule.reason, at, shown, message));
  }

  /** What the message expression says; undefined when there is none, or it fails. */
  #message(
    program: RuleProgram,
    rule: Rule,
    variables: RuleVariables,
    add: (detail: string) => void,
  ): string | undefined {
    if (program.message === undefined) return undefined;
    let message: CelValue;
    try {
      message = program.message.evaluate(variables.plain, this.#budget);
    } catch (error) {
      if (error instanceof CelRuntimeError) return undefined;
      if (!(error instanceof CelBudgetError)) throw error;
      add(
        error.limit === "total"
          ? "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
          : `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${quote(rule.messageExpression ?? "")}`,
      );
      throw exhausted;
    }
    if (typeof message !== "string") return undefined;
    const trimmed = trimSpace(message);
    if (trimmed === "" || trimmed.includes("\n") || byteLength(trimmed) > maxMessageBytes) return undefined;
    return trimmed;
  }
}

const outOfBudget =
  "validation failed due to running out of cost budget, no further validation rules will be run";

function fieldRatchet(ratchet: Ratchet, key: string): Ratchet {
  const { current, parent } = ratchet;
  if (current === undefined) return ratchet;
  // Both objects have been converted to the same version, so a change of these is not seen.
  if (parent === undefined && (key === "apiVersion" || key === "kind")) return {};
  return { current: current.field(key), parent: current };
}

const isRatcheted = ({ current, parent }: Ratchet): boolean => (current ?? parent)?.isUnchanged === true;

function fieldOf(rule: Rule, schema: SchemaNode, where: string | undefined): string | undefined {
  if (rule.fieldPath === undefined) return where;
  const followed = followFieldPath(rule.fieldPath, schema, nodePath, true);
  if (followed instanceof Error) return where;
  return where === undefined ? followed.path : `${where}.${followed.path}`;
}

function failure(
  reason: string | undefined,
  at: string | undefined,
  value: unknown,
  detail: string,
): FieldError {
  switch (reason) {
    case "FieldValueForbidden":
      return fieldForbidden(at, detail);
    case "FieldValueRequired":
      return fieldRequired(at, detail);
    case "FieldValueDuplicate":
      return fieldDuplicate(at, value);
    default:
      return fieldInvalid(at, value, detail);
  }
}

const shownRule = (rule: Rule): string => trimSpace(rule.message ?? rule.rule);
const defaultMessage = (rule: Rule): string =>
  rule.message === undefined ? `failed rule: ${trimSpace(rule.rule)}` : trimSpace(rule.message);

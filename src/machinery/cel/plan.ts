/**
 * Compiles a checked tree to closures. What is constant is computed here, as cel-go's planner does with its
 * optimizations on (interpreter/planner.go, decorators.go): constants cost nothing at run time.
 */

import type { CallExpr, Expr, ListExpr, MapExpr, SelectExpr, StructExpr } from "./ast.ts";
import { type Attribute, addQualifier, isKey, type Qualifier, resolver } from "./attributes.ts";
import { planCall } from "./calls.ts";
import { Context, type Step } from "./context.ts";
import { display, goTypeName } from "./display.ts";
import { planFold } from "./folds.ts";
import type { FunctionDeclaration } from "./functions.ts";
import { listCost, mapCost, structCost } from "./runtime-cost.ts";
import type { StructConstructor } from "./structs.ts";
import {
  CelError,
  CelOptional,
  type CelResult,
  CelTypeValue,
  type CelValue,
  noSuchOverload,
  ValueList,
  ValueMap,
} from "./values.ts";

export type Plan =
  | { readonly kind: "constant"; readonly value: CelValue }
  | { readonly kind: "attribute"; readonly attribute: Attribute; readonly testOnly: boolean }
  | { readonly kind: "step"; readonly step: Step };

/** The expression cannot be evaluated: a constant part of it is wrong. */
export class PlanError extends Error {}

/** A context for constants, which have no variables. */
export const constantContext = (): Context =>
  new Context(new Map(), 0, { remaining: Number.POSITIVE_INFINITY, perCall: Number.POSITIVE_INFINITY });

export interface Local {
  readonly name: string;
  readonly slot: number;
  /** Computes an accumulator when it is first asked for. */
  readonly initial: Step | undefined;
}

export class Planner {
  readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  readonly #construct: StructConstructor | undefined;
  readonly #locals: Local[] = [];
  /** Of the environment, one for all places that use it. */
  readonly #variables = new Map<string, Step>();
  /** Slots for variables of macros. */
  slots = 0;

  constructor(functions: ReadonlyMap<string, FunctionDeclaration>, construct: StructConstructor | undefined) {
    this.functions = functions;
    this.#construct = construct;
  }

  /** The code of an expression. */
  step(expr: Expr): Step {
    return toStep(this.plan(expr));
  }

  plan(expr: Expr): Plan {
    switch (expr.kind) {
      case "literal":
        return { kind: "constant", value: expr.value };
      case "ident":
        if (expr.typeName !== undefined) return { kind: "constant", value: new CelTypeValue(expr.typeName) };
        return plainAttribute(this.#variable(expr.name));
      case "select":
        return this.#planSelect(expr);
      case "call":
        return this.#planCall(expr);
      case "list":
        return this.#planList(expr);
      case "map":
        return this.#planMap(expr);
      case "struct":
        return { kind: "step", step: this.#planStruct(expr) };
      case "fold":
        return { kind: "step", step: planFold(this, expr) };
      case "error":
        return { kind: "step", step: () => noSuchOverload };
    }
  }

  /** Plans what is in the scope of a variable of a macro. */
  within<T>(local: Omit<Local, "slot">, slot: number, inner: () => T): T {
    this.#locals.push({ ...local, slot });
    try {
      return inner();
    } finally {
      this.#locals.pop();
    }
  }

  #variable(name: string): Step {
    const local = this.#locals.findLast((candidate) => candidate.name === name);
    if (local !== undefined) return localStep(local);
    let step = this.#variables.get(name);
    if (step === undefined) {
      step = variableStep(name);
      this.#variables.set(name, step);
    }
    return step;
  }

  #planSelect(expr: SelectExpr): Plan {
    if (expr.qualified !== undefined) return this.plan(expr.qualified);
    const plan = this.plan(expr.operand);
    const attribute = toAttribute(plan);
    addQualifier(attribute, {
      key: expr.field,
      computed: undefined,
      optional: false,
      testOnly: expr.testOnly,
    });
    return { kind: "attribute", attribute, testOnly: expr.testOnly };
  }

  #planCall(expr: CallExpr): Plan {
    const { fn, args } = expr;
    if (fn === "_?_:_") {
      const [condition, whenTrue, whenFalse] = args as [Expr, Expr, Expr];
      return {
        kind: "attribute",
        testOnly: false,
        attribute: {
          kind: "conditional",
          condition: this.step(condition),
          whenTrue: toAttribute(this.plan(whenTrue)),
          whenFalse: toAttribute(this.plan(whenFalse)),
        },
      };
    }
    if (fn === "_[_]" || fn === "_[?_]" || fn === "_?._")
      return this.#planIndex(args[0]!, args[1]!, fn !== "_[_]");
    return planCall(this, expr);
  }

  #planIndex(target: Expr, index: Expr, optional: boolean): Plan {
    const attribute = toAttribute(this.plan(target));
    const plan = this.plan(index);
    if (plan.kind === "constant" && !isKey(plan.value))
      throw new PlanError(`invalid qualifier type: ${goTypeName(plan.value)}`);
    const qualifier: Qualifier =
      plan.kind === "constant"
        ? { key: plan.value, computed: undefined, optional, testOnly: false }
        : {
            key: undefined,
            computed: plan.kind === "step" ? plan.step : resolver(plan.attribute),
            optional,
            testOnly: false,
          };
    addQualifier(attribute, qualifier);
    return { kind: "attribute", attribute, testOnly: false };
  }

  #planList(expr: ListExpr): Plan {
    const plans = expr.elements.map((element) => this.plan(element));
    const steps = plans.map(toStep);
    const { optionals } = expr;
    const build = (context: Context): CelResult => {
      const values: CelResult[] = [];
      for (let index = 0; index < steps.length; index++) {
        const value = steps[index]!(context);
        if (value instanceof CelError) return value;
        if (!optionals.has(index)) values.push(value);
        else if (!(value instanceof CelOptional)) {
          return new CelError(
            `cannot initialize optional list element from non-optional value ${display(value)}`,
          );
        } else if (value.value !== undefined) values.push(value.value);
      }
      return new ValueList(values);
    };
    return charged(plans, build, listCost);
  }

  #planMap(expr: MapExpr): Plan {
    const entries = expr.entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const steps = entries.map(({ key, value, optional }) => ({
      key: toStep(key),
      value: toStep(value),
      optional,
    }));
    const build = (context: Context): CelResult => {
      const map = new ValueMap();
      for (const entry of steps) {
        const key = entry.key(context);
        if (key instanceof CelError) return key;
        const value = entry.value(context);
        if (value instanceof CelError) return value;
        const kept = entry.optional ? optionalEntry(display(key), value) : value;
        if (kept instanceof CelError) return kept;
        const failed = kept === undefined ? map.delete(key) : map.set(key, kept);
        if (failed instanceof CelError) return failed;
      }
      return map;
    };
    return charged(
      entries.flatMap(({ key, value }) => [key, value]),
      build,
      mapCost,
    );
  }

  #planStruct(expr: StructExpr): Step {
    const construct = this.#construct;
    const fields = expr.fields.map(({ name, value, optional }) => ({
      name,
      step: this.step(value),
      optional,
    }));
    const typeName = expr.type!.name;
    const build = (context: Context): CelResult => {
      const values = new Map<string, CelValue>();
      for (const { name, step, optional } of fields) {
        const value = step(context);
        if (value instanceof CelError) return value;
        const kept = optional ? optionalEntry(name, value) : value;
        if (kept instanceof CelError) return kept;
        if (kept === undefined) values.delete(name);
        else values.set(name, kept);
      }
      return construct === undefined
        ? new CelError(`unknown type: ${typeName}`)
        : construct(typeName, values);
    };
    return (context) => {
      const value = build(context);
      context.charge(structCost);
      return value;
    };
  }
}

function variableStep(name: string): Step {
  return (context) => {
    const value = context.variables.get(name);
    return value === undefined ? new CelError(`no such attribute(s): ${name}`) : value;
  };
}

function localStep({ slot, initial }: Local): Step {
  if (initial === undefined) return (context) => context.locals[slot]!;
  return (context) => {
    const value = context.locals[slot];
    if (value !== undefined) return value;
    const first = initial(context);
    context.locals[slot] = first;
    return first;
  };
}

/** The value of a `?key: value` entry, undefined when it is left out. */
function optionalEntry(name: string, value: CelValue): CelValue | undefined | CelError {
  if (value instanceof CelOptional) return value.value;
  return new CelError(`cannot initialize optional entry '${name}' from non-optional value ${display(value)}`);
}

/** A literal: built once when its parts are constant, else for each evaluation and at a cost. */
function charged(parts: readonly Plan[], build: Step, cost: number): Plan {
  if (parts.every(({ kind }) => kind === "constant")) return constant(build(constantContext()));
  return {
    kind: "step",
    step: (context) => {
      const value = build(context);
      context.charge(cost);
      return value;
    },
  };
}

/** @throws PlanError for an error */
export function constant(value: CelResult): Plan {
  if (value instanceof CelError) throw new PlanError(value.message);
  return { kind: "constant", value };
}

function plainAttribute(start: Step): Plan {
  return { kind: "attribute", testOnly: false, attribute: { kind: "plain", start, qualifiers: [] } };
}

/** The attribute to add qualifiers to. */
function toAttribute(plan: Plan): Attribute {
  if (plan.kind === "attribute" && !plan.testOnly) return plan.attribute;
  return { kind: "plain", start: toStep(plan), qualifiers: [] };
}

/** The code of a plan, which from now on takes no more qualifiers. */
export function toStep(plan: Plan): Step {
  switch (plan.kind) {
    case "constant": {
      const { value } = plan;
      return () => value;
    }
    case "step":
      return plan.step;
    case "attribute":
      return attributeStep(plan.attribute, plan.testOnly);
  }
}

function attributeStep(attribute: Attribute, testOnly: boolean): Step {
  if (testOnly) return presenceStep(resolver(attribute));
  return attribute.kind === "conditional" ? resolver(attribute) : resolver(attribute, 1);
}

function presenceStep(resolve: Step): Step {
  return (context) => {
    const value = resolve(context);
    return value instanceof CelOptional ? value.value !== undefined : value;
  };
}

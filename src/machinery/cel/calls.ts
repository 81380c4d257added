/** Evaluates calls: operators on fast paths, functions through their declarations. */
import type { CallExpr } from "./ast.ts";
import type { Context, Step } from "./context.ts";
import { fastBinary } from "./fast-binary.ts";
import type { FunctionDeclaration, Implementation, Overload } from "./functions.ts";
import { membership } from "./membership.ts";
import { equal, typeName } from "./operations.ts";
import { constant, constantContext, type Plan, PlanError, type Planner, toStep } from "./plan.ts";
import { constantRegex, constantRegexError, isRegexFunction } from "./regex.ts";
import { type CallCost, callCost, comparisonCost, isKnownBefore } from "./runtime-cost.ts";
import { isRuntimeType } from "./runtime-types.ts";
import { CelError, CelOptional, type CelResult, type CelValue, noSuchOverload } from "./values.ts";

const conversions = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "dyn",
  "int",
  "string",
  "timestamp",
  "type",
  "uint",
]);

export function planCall(planner: Planner, expr: CallExpr): Plan {
  const operands = expr.target === undefined ? expr.args : [expr.target, ...expr.args];
  const plans = operands.map((operand) => planner.plan(operand));
  const steps = plans.map(toStep);
  const overload = expr.overloads?.length === 1 ? expr.overloads[0] : undefined;
  const [first, second] = steps as [Step, Step];
  switch (expr.fn) {
    case "_&&_":
      return { kind: "step", step: logicStep(first, second, false) };
    case "_||_":
      return { kind: "step", step: logicStep(first, second, true) };
    case "_==_":
      return { kind: "step", step: equalityStep(first, second, true) };
    case "_!=_":
      return { kind: "step", step: equalityStep(first, second, false) };
    case "@not_strictly_false":
      return { kind: "step", step: notStrictlyFalse(first) };
    case "or":
    case "orValue":
      return { kind: "step", step: optionalOr(first, second, expr.fn === "orValue") };
    case "@in":
      if (overload === "in_list" && plans[1]!.kind === "constant") {
        const plan = membership(first, plans[1]!.value);
        if (plan !== undefined) return plan;
      }
  }
  const pattern = plans[1]?.kind === "constant" ? plans[1].value : undefined;
  const wrong = typeof pattern === "string" ? constantRegexError(expr.fn, pattern) : undefined;
  if (wrong !== undefined) throw new PlanError(wrong);
  const declaration = planner.functions.get(expr.fn)!;
  const step = callStep(declaration, overload, plans, steps);
  if (conversions.has(expr.fn) && plans[0]?.kind === "constant" && plans.length === 1)
    return constant(step(constantContext()));
  return { kind: "step", step };
}

/** `&&` (decided by false) and `||` (decided by true): an error counts only when the other side does not decide. */
function logicStep(left: Step, right: Step, decides: boolean): Step {
  return (context) => {
    const first = left(context);
    if (first === decides) return decides;
    const second = right(context);
    if (second === decides) return decides;
    if (typeof first !== "boolean") return first instanceof CelError ? first : noSuchOverload;
    if (typeof second !== "boolean") return second instanceof CelError ? second : noSuchOverload;
    return !decides;
  };
}

function equalityStep(left: Step, right: Step, wanted: boolean): Step {
  const cost = callCost(wanted ? "_==_" : "_!=_", wanted ? "equals" : "not_equals")!;
  return (context) => {
    const first = left(context);
    const second = right(context);
    // Numbers and booleans are the common case, and cost 1.
    if (typeof first === typeof second && (typeof first === "number" || typeof first === "boolean")) {
      context.charge(1);
      return (first === second) === wanted;
    }
    if (typeof first === "string" && typeof second === "string") {
      context.charge(comparisonCost(first, second));
      return (first === second) === wanted;
    }
    const result = compareResults(first, second, wanted);
    context.charge(cost([first, second], result));
    return result;
  };
}

function compareResults(first: CelResult, second: CelResult, wanted: boolean): CelResult {
  if (first instanceof CelError) return first;
  if (second instanceof CelError) return second;
  const same = equal(first, second);
  // Values that cannot be compared are not equal, so `!=` holds for them.
  if (same instanceof CelError) return wanted ? same : true;
  return same === wanted;
}

function notStrictlyFalse(operand: Step): Step {
  return (context) => {
    const value = operand(context);
    context.charge(1);
    return typeof value === "boolean" ? value : true;
  };
}

function optionalOr(left: Step, right: Step, unwrap: boolean): Step {
  return (context) => {
    const value = left(context);
    if (!(value instanceof CelOptional)) return value;
    if (value.value === undefined) return right(context);
    return unwrap ? value.value : value;
  };
}

function callStep(
  declaration: FunctionDeclaration,
  id: string | undefined,
  plans: readonly Plan[],
  steps: readonly Step[],
): Step {
  const overload =
    id === undefined ? undefined : declaration.overloads.find((candidate) => candidate.id === id);
  const cost = callCost(declaration.name, id);
  if (steps.length === 2) {
    const fast = fastBinary(declaration.name, steps[0]!, steps[1]!, cost);
    if (fast !== undefined) return fast;
  }
  const pattern = plans[1]?.kind === "constant" ? plans[1].value : undefined;
  const isRegex = typeof pattern === "string" && isRegexFunction(declaration.name);
  const regex = isRegex ? constantRegex(declaration.name, pattern) : undefined;
  const implementation = regex ?? implementationOf(declaration, overload);
  // Functions of more than two arguments, those with a constant regular expression, and those chosen by their values stop
  // at the first error among their arguments.
  const lazy = steps.length > 2 || isRegex || (overload === undefined && declaration.singleton === undefined);
  return lazy ? lazyCall(steps, implementation, cost) : strictCall(steps, implementation, cost);
}

/** Calls with arguments that may be errors; what it costs is taken first where the arguments tell it. */
function called(implementation: Implementation, cost: CallCost | undefined) {
  const before = isKnownBefore(cost);
  return (context: Context, args: readonly CelResult[]): CelResult => {
    if (before) context.charge(cost === undefined ? 1 : cost(args, null));
    const result = args.find(isError) ?? implementation(...(args as CelValue[]));
    if (!before) context.charge(cost!(args, result));
    return result;
  };
}

const isError = (value: CelResult): value is CelError => value instanceof CelError;

function strictCall(
  steps: readonly Step[],
  implementation: Implementation,
  cost: CallCost | undefined,
): Step {
  const invoke = called(implementation, cost);
  if (steps.length === 1) {
    const [operand] = steps as [Step];
    return (context) => invoke(context, [operand(context)]);
  }
  return (context) =>
    invoke(
      context,
      steps.map((step) => step(context)),
    );
}

function lazyCall(steps: readonly Step[], implementation: Implementation, cost: CallCost | undefined): Step {
  const invoke = called(implementation, cost);
  return (context) => {
    const args: CelResult[] = [];
    for (const step of steps) {
      const value = step(context);
      args.push(value);
      // The call itself costs something only when all arguments are there.
      if (value instanceof CelError) return args.length === steps.length ? invoke(context, args) : value;
    }
    return invoke(context, args);
  };
}

function implementationOf(declaration: FunctionDeclaration, overload: Overload | undefined): Implementation {
  if (declaration.singleton !== undefined) return declaration.singleton;
  if (overload?.implementation === undefined) return (...args) => dispatch(declaration, args);
  if (declaration.unguarded === true) return overload.implementation;
  const { implementation } = overload;
  return (...args) =>
    accepts(overload, args) ? implementation(...args) : noOverload(declaration.name, args);
}

function accepts({ params }: Overload, args: readonly CelValue[]): boolean {
  return params.length === args.length && params.every((type, index) => isRuntimeType(type, args[index]!));
}

/** Chooses the overload by the values. */
function dispatch(declaration: FunctionDeclaration, args: readonly CelValue[]): CelResult {
  for (const overload of declaration.overloads) {
    if (overload.implementation !== undefined && accepts(overload, args))
      return overload.implementation(...args);
  }
  return noOverload(declaration.name, args);
}

function noOverload(name: string, args: readonly CelValue[]): CelError {
  return new CelError(`no such overload: ${name}(${args.map(typeName).join(", ")})`);
}

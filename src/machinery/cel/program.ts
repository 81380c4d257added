/** Compiled programs. They keep their code; the tree, and what its names mean, only until the cost was estimated. */
import type { Expr } from "./ast.ts";
import type { CelBudget, CelCostEstimate, CelProgram } from "./cel.ts";
import { check } from "./checker.ts";
import type { CheckerEnvironment } from "./checker-environment.ts";
import { Context, type Step } from "./context.ts";
import { estimateCost } from "./cost/estimate.ts";
import { CelCompileError, CelRuntimeError } from "./errors.ts";
import { parse } from "./parser.ts";
import { PlanError, Planner } from "./plan.ts";
import { Source } from "./source.ts";
import type { CelType } from "./types.ts";
import { validate } from "./validators.ts";
import { CelError, type CelValue } from "./values.ts";

interface Checked {
  readonly expr: Expr;
  readonly type: CelType;
  readonly variables: ReadonlySet<string>;
}

/** @throws CelCompileError */
function checkSource(text: string, environment: CheckerEnvironment): Checked {
  const source = new Source(text);
  const expr = parse(source);
  const checked = expr === undefined ? undefined : check(expr, source, environment);
  if (expr !== undefined && checked !== undefined) validate(expr, source);
  if (expr === undefined || checked === undefined || source.hasIssues)
    throw new CelCompileError(source.display(), source.issues);
  return { expr, ...checked };
}

/** @throws CelCompileError */
export function compileProgram(text: string, environment: CheckerEnvironment): CelProgram {
  return new Program(text, environment, checkSource(text, environment));
}

/** What most rules of schemas use. */
const onlySelf: ReadonlySet<string> = new Set(["self"]);

class Program implements CelProgram {
  readonly type: CelType;
  readonly variables: ReadonlySet<string>;
  readonly #code: { readonly step: Step; readonly slots: number };
  /** What an estimate is made from; the tree only until then. */
  #source: { readonly text: string; readonly environment: CheckerEnvironment } | undefined;
  #tree: Expr | undefined;
  #estimate: CelCostEstimate | undefined;

  constructor(text: string, environment: CheckerEnvironment, { expr, type, variables }: Checked) {
    this.type = type;
    this.variables = variables.size === 1 && variables.has("self") ? onlySelf : variables;
    this.#source = { text, environment };
    this.#tree = expr;
    this.#code = planned(expr, environment, type);
  }

  estimateCost(): CelCostEstimate {
    if (this.#estimate === undefined) {
      const { text, environment } = this.#source!;
      const tree = this.#tree ?? checkSource(text, environment).expr;
      this.#estimate = estimateCost(tree, environment.variables);
      // The types of all variables hang on it.
      this.#source = undefined;
      this.#tree = undefined;
    }
    return this.#estimate;
  }

  evaluate(variables: ReadonlyMap<string, CelValue>, budget: CelBudget): CelValue {
    this.#tree = undefined;
    const context = new Context(variables, this.#code.slots, budget);
    try {
      const result = this.#code.step(context);
      if (result instanceof CelError) throw new CelRuntimeError(result.message);
      return result;
    } finally {
      budget.remaining -= context.cost;
    }
  }
}

/** @throws CelCompileError: what is wrong with constant parts shows only here */
function planned(
  expr: Expr,
  environment: CheckerEnvironment,
  type: CelType,
): { readonly step: Step; readonly slots: number } {
  const planner = new Planner(environment.functions, environment.construct);
  try {
    return { step: planner.step(expr), slots: planner.slots };
  } catch (error) {
    if (error instanceof PlanError) throw new CelCompileError(error.message, [], type);
    throw error;
  }
}

/** Compiled programs. They keep their source: the tree and the code are made when they are needed, and the tree not kept. */
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

class Program implements CelProgram {
  readonly type: CelType;
  readonly variables: ReadonlySet<string>;
  readonly #text: string;
  readonly #environment: CheckerEnvironment;
  #checked: Checked | undefined;
  #code: { readonly step: Step; readonly slots: number } | undefined;
  #estimate: CelCostEstimate | undefined;

  constructor(text: string, environment: CheckerEnvironment, checked: Checked) {
    this.#text = text;
    this.#environment = environment;
    this.#checked = checked;
    this.type = checked.type;
    this.variables = checked.variables;
    // What is wrong with constant parts shows only here; the code is made again when it is needed.
    this.#plan(checked);
  }

  /** @throws CelCompileError */
  #plan({ expr }: Checked): { readonly step: Step; readonly slots: number } {
    const planner = new Planner(this.#environment.functions, this.#environment.construct);
    try {
      return { step: planner.step(expr), slots: planner.slots };
    } catch (error) {
      if (error instanceof PlanError) throw new CelCompileError(error.message, [], "program");
      throw error;
    }
  }

  /** The tree, which is kept only until it was needed once. */
  #takeChecked(): Checked {
    const checked = this.#checked ?? checkSource(this.#text, this.#environment);
    this.#checked = undefined;
    return checked;
  }

  estimateCost(): CelCostEstimate {
    this.#estimate ??= estimateCost(this.#takeChecked().expr, this.#environment.variables);
    return this.#estimate;
  }

  evaluate(variables: ReadonlyMap<string, CelValue>, budget: CelBudget): CelValue {
    this.#code ??= this.#plan(this.#takeChecked());
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

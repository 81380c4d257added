/** The state of one evaluation: variables, and what it has cost. */
import { CelBudgetError } from "./errors.ts";
import type { CelResult, CelValue } from "./values.ts";

/** One compiled part of an expression. */
export type Step = (context: Context) => CelResult;

export class Context {
  /** Cost units so far. */
  cost = 0;
  readonly variables: ReadonlyMap<string, CelValue>;
  /** Variables of macros by their slots; undefined while an accumulator is not initialized. */
  readonly locals: (CelResult | undefined)[];
  readonly #limit: number;
  readonly #limitName: "perCall" | "total";

  constructor(
    variables: ReadonlyMap<string, CelValue>,
    slots: number,
    limits: { readonly remaining: number; readonly perCall: number },
  ) {
    this.variables = variables;
    this.locals = slots === 0 ? noLocals : new Array<CelResult | undefined>(slots).fill(undefined);
    this.#limit = Math.min(limits.remaining, limits.perCall);
    this.#limitName = limits.remaining < limits.perCall ? "total" : "perCall";
  }

  /** @throws CelBudgetError */
  charge(units: number): void {
    this.cost += units;
    if (this.cost > this.#limit) throw new CelBudgetError(this.#limitName);
  }
}

const noLocals: (CelResult | undefined)[] = [];

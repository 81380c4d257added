/** `variables` of policies: each is computed when it is read (plugin/cel/composition.go). */
import { perCallCostLimit, runtimeCostBudget } from "#machinery/cel/cel.ts";
import { LazyObject } from "#machinery/cel/structs.ts";
import { CelError, type CelResult } from "#machinery/cel/values.ts";
import type { Expression } from "#registry/expressions/compile.ts";
import type { Variables } from "#registry/expressions/variables.ts";
import type { Activation } from "../expressions.ts";

/** The same values, and `variables`; nothing is computed yet. */
export function withVariables({ values }: Activation, { expressions }: Variables): Activation {
  let cost = 0;
  const all = new Map(values);
  const compute = (name: string, { program, error }: Expression): CelResult => {
    if (program === undefined)
      return new CelError(`composited variable "${name}" fails to compile: ${error}`);
    // The expression that reads it fails for its budget anyway: no need to go on.
    if (cost > runtimeCostBudget) return new CelError("operation cancelled: actual cost limit exceeded");
    const budget = { remaining: Number.MAX_SAFE_INTEGER, perCall: perCallCostLimit };
    try {
      return program.evaluate(all, budget);
    } catch (thrown) {
      return new CelError(`composited variable "${name}" fails to evaluate: ${(thrown as Error).message}`);
    } finally {
      cost += Number.MAX_SAFE_INTEGER - budget.remaining;
    }
  };
  all.set(
    "variables",
    new LazyObject(new Map(expressions.map(([name, one]) => [name, () => compute(name, one)]))),
  );
  return {
    values: all,
    takeCost() {
      const taken = cost;
      cost = 0;
      return taken;
    },
  };
}

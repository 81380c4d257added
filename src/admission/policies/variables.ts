/** `variables` of policies (plugin/cel/composition.go): each may use those before it, and is computed when it is read. */
import { perCallCostLimit } from "#machinery/cel/cel.ts";
import { LazyObject, lazyObjectType } from "#machinery/cel/structs.ts";
import { type CelType, dynType } from "#machinery/cel/types.ts";
import { CelError, type CelResult } from "#machinery/cel/values.ts";
import { type Members, textAt } from "#registry/strategies/members.ts";
import {
  type Activation,
  compileExpression,
  type Expression,
  type ExpressionScope,
  expressionEnvironment,
} from "../expressions.ts";

const typeName = "kubernetes.variables";

export interface Variables {
  /** Of `variables`. */
  readonly type: CelType;
  readonly expressions: readonly (readonly [string, Expression])[];
}

export function compileVariables(variables: readonly Members[], scope: ExpressionScope): Variables {
  const types = new Map<string, CelType>();
  const expressions = variables.map((variable): readonly [string, Expression] => {
    const environment = expressionEnvironment({ ...scope, variables: lazyObjectType(typeName, types) });
    const expression = compileExpression(environment, textAt(variable, "expression"), []);
    types.set(textAt(variable, "name"), expression.program?.type ?? dynType);
    return [textAt(variable, "name"), expression];
  });
  return { type: lazyObjectType(typeName, types), expressions };
}

/** The same values, and `variables`; nothing is computed yet. */
export function withVariables({ values }: Activation, { expressions }: Variables): Activation {
  let cost = 0;
  const all = new Map(values);
  const compute = (name: string, { program, error }: Expression): CelResult => {
    if (program === undefined)
      return new CelError(`composited variable "${name}" fails to compile: ${error}`);
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

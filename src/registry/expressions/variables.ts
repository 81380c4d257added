/** `variables` of policies, compiled: each may use those before it (plugin/cel/composition.go). */
import { lazyObjectType } from "#machinery/cel/structs.ts";
import { type CelType, dynType, optionalTypeName } from "#machinery/cel/types.ts";
import { type Members, textAt } from "../strategies/members.ts";
import {
  compileExpression,
  type Expression,
  type ExpressionScope,
  expressionEnvironment,
} from "./compile.ts";

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
    const type = expression.program?.type ?? dynType;
    // Optionals are no types of declarations: others see something of any type.
    types.set(textAt(variable, "name"), type.name === optionalTypeName ? dynType : type);
    return [textAt(variable, "name"), expression];
  });
  return { type: lazyObjectType(typeName, types), expressions };
}

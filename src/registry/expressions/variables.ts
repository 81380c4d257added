/** `variables` of policies, compiled: each may use those before it (plugin/cel/composition.go). */
import { trimSpace } from "#base/spaces.ts";
import { lazyObjectType } from "#machinery/cel/structs.ts";
import { type CelType, dynType, listType, mapType } from "#machinery/cel/types.ts";
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
    // Without an expression there is none.
    if (trimSpace(expression.source) !== "")
      types.set(textAt(variable, "name"), declaredType(expression.program?.type ?? dynType));
    return [textAt(variable, "name"), expression];
  });
  return { type: lazyObjectType(typeName, types), expressions };
}

/** Objects, optionals and the like are no types of declarations: other expressions see something of any type. */
function declaredType(type: CelType): CelType {
  const [first, second] = type.parameters;
  switch (type.kind) {
    case "bool":
    case "bytes":
    case "double":
    case "duration":
    case "int":
    case "null":
    case "string":
    case "timestamp":
    case "uint":
      return type;
    case "list":
      return listType(declaredType(first!));
    case "map":
      return mapType(declaredType(first!), declaredType(second!));
    default:
      return dynType;
  }
}

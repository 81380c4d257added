/** CEL expressions of webhooks and policies: how they are compiled (k8s.io/apiserver pkg/admission/plugin/cel/compile.go). */
import { type CelEnvironment, type CelProgram, createCelEnvironment } from "#machinery/cel/cel.ts";
import { CelCompileError } from "#machinery/cel/errors.ts";
import { authorizerType, resourceCheckType } from "#machinery/cel/libraries/authorizer.ts";
import { type CelType, dynType } from "#machinery/cel/types.ts";
import { namespaceType, requestType } from "./request-types.ts";

/** Which variables there are besides object, oldObject, request and namespaceObject. */
export interface ExpressionScope {
  readonly params: boolean;
  /** `authorizer` and `authorizer.requestResource`; default: true. */
  readonly authorizer?: boolean;
  /** The type of `variables`, where there is one. */
  readonly variables?: CelType;
  /** The expression makes a patch. */
  readonly mutation?: boolean;
  /** Types of `object` and `oldObject`, and of `params`, where they are known (type checking). */
  readonly objectType?: CelType;
  readonly paramsType?: CelType;
}

export function expressionEnvironment(scope: ExpressionScope): CelEnvironment {
  const { params, variables, authorizer = true, mutation = false } = scope;
  const { objectType = dynType, paramsType = dynType } = scope;
  return createCelEnvironment({
    variables: new Map([
      ["object", objectType],
      ["oldObject", objectType],
      ["request", requestType],
      ["namespaceObject", namespaceType],
      ...(authorizer
        ? ([
            ["authorizer", authorizerType],
            ["authorizer.requestResource", resourceCheckType],
          ] as const)
        : []),
      ...(params ? ([["params", paramsType]] as const) : []),
      ...(variables === undefined ? [] : ([["variables", variables]] as const)),
    ]),
    mutation,
  });
}

/** A compiled expression, or why it is none. */
export interface Expression {
  readonly source: string;
  readonly program: CelProgram | undefined;
  /** Upstream's text; "" when it compiles. */
  readonly error: string;
  /** Upstream takes the error for one of its own: a constant part of the expression is wrong. */
  readonly internal?: boolean;
}

/** @param wanted types that the result may have; none: any */
export function compileExpression(
  environment: CelEnvironment,
  source: string,
  wanted: readonly CelType[],
): Expression {
  try {
    const program = environment.compile(source);
    const error = typeError(program.type, wanted);
    return { source, program: error === "" ? program : undefined, error };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    if (error.type === undefined)
      return { source, program: undefined, error: `compilation failed: ${error.message}` };
    const other = typeError(error.type, wanted);
    if (other !== "") return { source, program: undefined, error: other };
    return {
      source,
      program: undefined,
      error: `program instantiation failed: ${error.message}`,
      internal: true,
    };
  }
}

/** "" when the type is one of the wanted ones. */
function typeError(type: CelType, wanted: readonly CelType[]): string {
  const name = typeText(type);
  if (wanted.length === 0 || wanted.some((one) => typeText(one) === name)) return "";
  const names = wanted.map(typeText);
  return names.length === 1
    ? `must evaluate to ${names[0]} but got ${name}`
    : `must evaluate to one of [${names.join(" ")}] but got ${name}`;
}

/** What is wrong with an expression's syntax or types, in the compiler's words; "" when nothing is. */
export function checkExpression(environment: CelEnvironment, source: string): string {
  try {
    environment.compile(source);
    return "";
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return error.phase === "check" ? error.message : "";
  }
}

/** As cel-go prints a type by itself. */
export const typeText = ({ name, parameters }: CelType): string =>
  parameters.length === 0 ? name : `${name}(${parameters.map(typeText).join(", ")})`;

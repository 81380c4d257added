/** CEL expressions of webhooks and policies: how they are compiled, and what they are evaluated with. */
import {
  type CelBudget,
  type CelEnvironment,
  type CelProgram,
  createCelEnvironment,
} from "#machinery/cel/cel.ts";
import { CelBudgetError, CelCompileError, CelRuntimeError } from "#machinery/cel/errors.ts";
import { dynamicView } from "#machinery/cel/json-view.ts";
import {
  authorizerType,
  authorizerValue,
  requestResourceValue,
  resourceCheckType,
} from "#machinery/cel/libraries/authorizer.ts";
import { toCel } from "#machinery/cel/schema-typed.ts";
import { type CelType, dynType } from "#machinery/cel/types.ts";
import type { CelValue } from "#machinery/cel/values.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { namespaceType, requestType } from "./expression-types.ts";
import type { RequestAuthorizer } from "./request-authorizer.ts";
import { requestFacts } from "./webhooks/review.ts";
import type { VersionedWrite, Write } from "./write.ts";

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
}

/** @param wanted types that the result may have; none: any */
export function compileExpression(
  environment: CelEnvironment,
  source: string,
  wanted: readonly CelType[],
): Expression {
  try {
    const program = environment.compile(source);
    const type = typeText(program.type);
    if (wanted.length === 0 || wanted.some((one) => typeText(one) === type))
      return { source, program, error: "" };
    const names = wanted.map(typeText);
    const error =
      names.length === 1
        ? `must evaluate to ${names[0]} but got ${type}`
        : `must evaluate to one of [${names.join(" ")}] but got ${type}`;
    return { source, program: undefined, error };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return { source, program: undefined, error: `compilation failed: ${error.message}` };
  }
}

/** As cel-go prints a type by itself. */
const typeText = ({ name, parameters }: CelType): string =>
  parameters.length === 0 ? name : `${name}(${parameters.map(typeText).join(", ")})`;

/** No further expression can be evaluated. */
export class OutOfBudgetError extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** The values that expressions are evaluated with. */
export interface Activation {
  readonly values: Map<string, CelValue>;
  /** What computing lazy variables has cost since it was asked last. */
  takeCost?(): number;
}

/**
 * @param params null where the policy has none
 * @param namespace undefined for cluster-scoped kinds, and where upstream shows none
 */
export function activationOf(
  write: Write,
  versioned: VersionedWrite,
  params: KubeObject | null,
  namespace: KubeObject | undefined,
  authorizer: RequestAuthorizer | undefined,
): Activation {
  const view = (object: KubeObject | null | undefined): CelValue =>
    object === undefined || object === null ? null : dynamicView(object as JsonValue);
  const values = new Map<string, CelValue>([
    ["object", view(versioned.object)],
    ["oldObject", view(versioned.old)],
    ["params", view(params)],
    ["request", toCel(requestFacts(write, versioned), requestType) as CelValue],
    [
      "namespaceObject",
      namespace === undefined ? null : (toCel(namespace as JsonValue, namespaceType) as CelValue),
    ],
  ]);
  if (authorizer !== undefined) {
    const { resource, subresource, name } = write.attributes;
    values.set("authorizer", authorizerValue(authorizer));
    values.set(
      "authorizer.requestResource",
      requestResourceValue(authorizer, {
        group: resource.group,
        resource: resource.resource,
        subresource,
        namespace: write.namespace,
        name,
      }),
    );
  }
  return { values };
}

export type Evaluated = { readonly value: CelValue } | { readonly error: string };

/** @throws OutOfBudgetError */
export function evaluate(
  { source, program, error }: Expression,
  activation: Activation,
  budget: CelBudget,
): Evaluated {
  if (program === undefined) return { error: `compilation error: ${error}` };
  const spend = (): void => {
    budget.remaining -= activation.takeCost?.() ?? 0;
    if (budget.remaining < 0) throw new OutOfBudgetError();
  };
  try {
    const value = program.evaluate(activation.values, budget);
    spend();
    return { value };
  } catch (thrown) {
    if (thrown instanceof OutOfBudgetError) throw thrown;
    spend();
    if (thrown instanceof CelBudgetError && thrown.limit === "total") throw new OutOfBudgetError();
    if (!(thrown instanceof CelRuntimeError || thrown instanceof CelBudgetError)) throw thrown;
    return { error: `expression '${source}' resulted in error: ${thrown.message}` };
  }
}

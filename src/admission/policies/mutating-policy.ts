/** MutatingAdmissionPolicy, compiled, and its mutations (k8s.io/apiserver plugin/policy/mutating/patch). */
import { perCallCostLimit, runtimeCostBudget } from "#machinery/cel/cel.ts";
import { CelRuntimeError } from "#machinery/cel/errors.ts";
import { fromCel } from "#machinery/cel/from-cel.ts";
import { jsonPatchType, objectType, StructValue, structNameErrors } from "#machinery/cel/structs.ts";
import { listType } from "#machinery/cel/types.ts";
import { CelError, CelList, type CelValue } from "#machinery/cel/values.ts";
import { type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import {
  compileExpression,
  type Expression,
  type ExpressionScope,
  expressionEnvironment,
} from "#registry/expressions/compile.ts";
import { compileVariables, type Variables } from "#registry/expressions/variables.ts";
import { listAt, type Members, textAt, valueAt } from "#registry/strategies/members.ts";
import { type Activation, evaluate } from "../expressions.ts";
import { MatchConditions } from "../match-conditions.ts";
import { patchValue } from "./patch-value.ts";
import { withVariables } from "./variables.ts";

interface Mutation {
  readonly type: "JSONPatch" | "ApplyConfiguration";
  readonly expression: Expression;
}

export interface MutatingPolicy {
  readonly variables: Variables;
  readonly conditions: MatchConditions;
  readonly mutations: readonly Mutation[];
  readonly reinvocable: boolean;
}

/** The mutation could not be made; the failure policy decides. */
export class MutationError extends Error {
  override readonly name = "MutationError";
}

export function compileMutatingPolicy(spec: Members): MutatingPolicy {
  const scope: ExpressionScope = { params: valueAt(spec, "paramKind") !== undefined };
  const variables = compileVariables(listAt(spec, "variables"), scope);
  const environment = expressionEnvironment({ ...scope, variables: variables.type });
  const forPatches = expressionEnvironment({ ...scope, variables: variables.type, mutation: true });
  return {
    variables,
    conditions: new MatchConditions(listAt(spec, "matchConditions"), {
      failsOpen: textAt(spec, "failurePolicy") === "Ignore",
      params: scope.params,
      environment,
    }),
    mutations: listAt(spec, "mutations").map((mutation): Mutation => {
      const isPatch = textAt(mutation, "patchType") === "JSONPatch";
      const source = textAt(mutation, isPatch ? "jsonPatch" : "applyConfiguration", "expression");
      return {
        type: isPatch ? "JSONPatch" : "ApplyConfiguration",
        expression: compileExpression(forPatches, source, [isPatch ? listType(jsonPatchType) : objectType]),
      };
    }),
    reinvocable: textAt(spec, "reinvocationPolicy") === "IfNeeded",
  };
}

/** What a mutation's expression makes: operations of a JSON patch, or a part of an object. */
export type Patch =
  | { readonly type: "JSONPatch"; readonly operations: JsonValue[] }
  | { readonly type: "ApplyConfiguration"; readonly part: JsonObject };

/** Does nothing else than evaluate. @throws MutationError, OutOfBudgetError */
export function evaluateMutation(
  { type, expression }: Mutation,
  activation: Activation,
  variables: Variables,
): Patch {
  if (expression.program === undefined) throw new MutationError(expression.error);
  const budget = { remaining: runtimeCostBudget, perCall: perCallCostLimit };
  const result = evaluate(expression, withVariables(activation, variables), budget);
  if ("error" in result) throw new MutationError(result.error);
  try {
    return type === "JSONPatch"
      ? { type, operations: operationsOf(result.value) }
      : { type, part: partOf(result.value) };
  } catch (error) {
    if (error instanceof CelRuntimeError) throw new MutationError(error.message);
    throw error;
  }
}

function partOf(value: CelValue): JsonObject {
  checkNames(value);
  return fromCel(value) as JsonObject;
}

/** Objects must be named after the fields that they are for. */
function checkNames(value: CelValue, path?: readonly string[]): void {
  const errors = structNameErrors(value, path);
  if (errors.length > 0) throw new MutationError(`type mismatch: ${errors.join("\n")}`);
}

function operationsOf(value: CelValue): JsonValue[] {
  if (!(value instanceof CelList))
    throw new MutationError("type mismatch: JSONPatchType.expression should evaluate to array");
  return Array.from({ length: value.size }, (_, index) => {
    const item = value.get(index);
    if (item instanceof CelError) throw new MutationError(item.message);
    if (!(item instanceof StructValue))
      throw new MutationError(
        "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch",
      );
    return operationOf(item);
  });
}

function operationOf(operation: StructValue): JsonObject {
  // What is not given is empty to upstream.
  const json: JsonObject = { op: "", path: "" };
  for (const [name, value] of operation.fields) {
    // An object is for the field that the path ends in: its own type tells which, and what is in it must fit.
    if (name === "value" && value instanceof StructValue) checkNames(value, value.typeName.split("."));
    if (name === "from" && value === "") continue;
    setOwn(json, name, patchValue(value));
  }
  return json;
}

/** ValidatingAdmissionPolicy, compiled, and its evaluation (k8s.io/apiserver plugin/policy/validating/validator.go). */

import { byteLength } from "#base/bytes.ts";
import { trimSpace } from "#base/spaces.ts";
import { type CelBudget, perCallCostLimit, runtimeCostBudget } from "#machinery/cel/cel.ts";
import { boolType, formatType, nullType, stringType } from "#machinery/cel/types.ts";
import {
  compileExpression,
  type Expression,
  type ExpressionScope,
  expressionEnvironment,
} from "#registry/expressions/compile.ts";
import { compileVariables, type Variables } from "#registry/expressions/variables.ts";
import { listAt, type Members, textAt, valueAt } from "#registry/strategies/members.ts";
import {
  type Activation,
  type Evaluated,
  evaluate,
  OutOfBudgetError,
  withoutNamespace,
} from "../expressions.ts";
import { MatchConditions } from "../match-conditions.ts";
import type { Write } from "../write.ts";
import { withVariables } from "./variables.ts";

interface Validation {
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
}

export interface ValidatingPolicy {
  readonly failsOpen: boolean;
  readonly variables: Variables;
  readonly conditions: MatchConditions;
  readonly validations: readonly Validation[];
  readonly annotations: readonly { readonly key: string; readonly expression: Expression }[];
}

export interface Refusal {
  /** Place of the validation; 0 where the policy as a whole failed. */
  readonly index: number;
  readonly message: string;
  readonly reason: string;
}

export interface ValidationOutcome {
  readonly refusals: readonly Refusal[];
  /** Values for the audit log. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
  /** Annotations that failed refuse, whatever the binding's actions. */
  readonly annotationErrors: readonly string[];
}

/** Longest message that an expression may make; a longer one is not used. */
const maxMessageBytes = 5 * 1_024;

export function compileValidatingPolicy(spec: Members): ValidatingPolicy {
  const failsOpen = textAt(spec, "failurePolicy") === "Ignore";
  const scope: ExpressionScope = { params: valueAt(spec, "paramKind") !== undefined };
  const variables = compileVariables(listAt(spec, "variables"), scope);
  const environment = expressionEnvironment({ ...scope, variables: variables.type });
  const forMessages = expressionEnvironment({ ...scope, authorizer: false, variables: variables.type });
  return {
    failsOpen,
    variables,
    conditions: new MatchConditions(listAt(spec, "matchConditions"), {
      failsOpen,
      params: scope.params,
      environment,
    }),
    validations: listAt(spec, "validations").map((validation) => {
      const messageExpression = textAt(validation, "messageExpression");
      return {
        expression: compileExpression(environment, textAt(validation, "expression"), [boolType]),
        message: trimSpace(textAt(validation, "message")),
        messageExpression:
          messageExpression === ""
            ? undefined
            : compileExpression(forMessages, messageExpression, [stringType]),
        reason: textAt(validation, "reason"),
      };
    }),
    annotations: listAt(spec, "auditAnnotations").map((annotation) => ({
      key: textAt(annotation, "key"),
      expression: compileExpression(environment, textAt(annotation, "valueExpression"), [
        stringType,
        nullType,
      ]),
    })),
  };
}

const nothing: ValidationOutcome = { refusals: [], annotations: [], annotationErrors: [] };

/** What a policy says about one write with one parameter. Does nothing else than evaluate. */
export async function evaluateValidatingPolicy(
  policy: ValidatingPolicy,
  activation: Activation,
  write: Write,
): Promise<ValidationOutcome> {
  const failed = (message: string): ValidationOutcome =>
    policy.failsOpen ? nothing : { ...nothing, refusals: [{ index: 0, message, reason: "" }] };
  try {
    const matched = await policy.conditions.evaluate(
      withVariables(withoutNamespace(activation), policy.variables),
      write,
    );
    if ("error" in matched) return failed(matched.error);
    if (!matched.matches) return nothing;
    const budget = { remaining: runtimeCostBudget, perCall: perCallCostLimit };
    const values = withVariables(activation, policy.variables);
    const results: Evaluated[] = [];
    for (const { expression } of policy.validations) {
      await write.breathe();
      results.push(evaluate(expression, values, budget));
    }
    return {
      refusals: await refusalsOf(policy, results, activation, budget, write),
      ...(await annotationsOf(policy, activation, write)),
    };
  } catch (error) {
    if (error instanceof OutOfBudgetError) return failed(error.message);
    throw error;
  }
}

async function refusalsOf(
  policy: ValidatingPolicy,
  results: readonly Evaluated[],
  activation: Activation,
  budget: CelBudget,
  write: Write,
): Promise<Refusal[]> {
  const messages = await messagesOf(policy, activation, budget, write);
  return results.flatMap((result, index): Refusal[] => {
    const failed = (message: string): Refusal[] => (policy.failsOpen ? [] : [{ index, message, reason: "" }]);
    if ("error" in result) return failed(result.error);
    if (typeof messages === "string") return failed(`failed messageExpression: ${messages}`);
    if (result.value === true) return [];
    const { message, expression, reason } = policy.validations[index]!;
    const own = messages[index] ?? "";
    const text =
      own !== "" ? own : message !== "" ? message : `failed expression: ${trimSpace(expression.source)}`;
    return [{ index, message: text, reason: reason === "" ? "Invalid" : reason }];
  });
}

/** What message expressions make; a text when the budget was used up, which fails all validations. */
async function messagesOf(
  policy: ValidatingPolicy,
  activation: Activation,
  budget: CelBudget,
  write: Write,
): Promise<readonly (string | undefined)[] | string> {
  const values = withVariables(activation, policy.variables);
  try {
    const messages: (string | undefined)[] = [];
    for (const { messageExpression } of policy.validations) {
      await write.breathe();
      messages.push(
        messageExpression === undefined
          ? undefined
          : messageText(evaluate(messageExpression, values, budget)),
      );
    }
    return messages;
  } catch (error) {
    if (error instanceof OutOfBudgetError) return error.message;
    throw error;
  }
}

/** Undefined for what cannot be shown. */
function messageText(result: Evaluated): string | undefined {
  if ("error" in result || typeof result.value !== "string") return undefined;
  const text = trimSpace(result.value);
  return text.includes("\n") || byteLength(text) > maxMessageBytes ? undefined : text;
}

async function annotationsOf(
  policy: ValidatingPolicy,
  activation: Activation,
  write: Write,
): Promise<Pick<ValidationOutcome, "annotations" | "annotationErrors">> {
  const budget = { remaining: runtimeCostBudget, perCall: perCallCostLimit };
  const values = withVariables(activation, policy.variables);
  const annotations: (readonly [string, string])[] = [];
  const annotationErrors: string[] = [];
  for (const { key, expression } of policy.annotations) {
    await write.breathe();
    const result = evaluate(expression, values, budget);
    if ("error" in result) {
      if (!policy.failsOpen) annotationErrors.push(result.error);
    } else if (typeof result.value === "string") {
      const value = trimSpace(result.value);
      if (value !== "") annotations.push([key, value]);
    } else if (result.value !== null) {
      const type = expression.program === undefined ? "" : formatType(expression.program.type);
      annotationErrors.push(
        `valueExpression '${expression.source}' resulted in unsupported return type: ${type}. Return type must be either string or null.`,
      );
    }
  }
  return { annotations, annotationErrors };
}

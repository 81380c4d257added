/** CEL expressions of webhooks and policies: what they are evaluated with. */
import type { CelBudget } from "#machinery/cel/cel.ts";
import { CelBudgetError, CelRuntimeError } from "#machinery/cel/errors.ts";
import { dynamicView } from "#machinery/cel/json-view.ts";
import { authorizerValue, requestResourceValue } from "#machinery/cel/libraries/authorizer.ts";
import { toCel } from "#machinery/cel/schema-typed.ts";
import type { CelValue } from "#machinery/cel/values.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Expression } from "#registry/expressions/compile.ts";
import { namespaceType, requestType } from "#registry/expressions/request-types.ts";
import type { RequestAuthorizer } from "./request-authorizer.ts";
import { requestFacts } from "./webhooks/review.ts";
import type { VersionedWrite, Write } from "./write.ts";

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

/** What match conditions see: upstream shows them no namespace. */
export const withoutNamespace = ({ values }: Activation): Activation => ({
  values: new Map(values).set("namespaceObject", null),
});

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

/** `matchConditions` (k8s.io/apiserver plugin/webhook/matchconditions): all must be true for a webhook or policy to apply. */
import type { Authorizer } from "#authz/authorizer.ts";
import { type CelBudget, type CelEnvironment, perCallCostLimit } from "#machinery/cel/cel.ts";
import { boolType } from "#machinery/cel/types.ts";
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { aggregate } from "#machinery/errors/field-error.ts";
import { compileExpression, type Expression, expressionEnvironment } from "#registry/expressions/compile.ts";
import { type Members, textAt } from "#registry/strategies/members.ts";
import { type Activation, activationOf, evaluate, OutOfBudgetError } from "./expressions.ts";
import { RequestAuthorizer } from "./request-authorizer.ts";
import type { VersionedWrite, Write } from "./write.ts";

/** Cost units for all conditions of one webhook or policy. */
export const matchConditionsBudget = 2_500_000;

export interface MatchConditionsOptions {
  /** An error means that the conditions do not hold, instead of a refusal. */
  readonly failsOpen: boolean;
  readonly params: boolean;
  /** Default: one without `variables`. */
  readonly environment?: CelEnvironment;
}

export type MatchOutcome = { readonly matches: boolean } | { readonly error: string };

export class MatchConditions {
  readonly #expressions: readonly Expression[];
  readonly #failsOpen: boolean;

  constructor(conditions: readonly Members[], { failsOpen, params, environment }: MatchConditionsOptions) {
    const usable = conditions.length === 0 ? undefined : (environment ?? expressionEnvironment({ params }));
    this.#expressions = conditions.map((condition) =>
      compileExpression(usable!, textAt(condition, "expression"), [boolType]),
    );
    this.#failsOpen = failsOpen;
  }

  get isEmpty(): boolean {
    return this.#expressions.length === 0;
  }

  /** For webhooks. @throws StatusError 403 when a condition cannot be evaluated and the webhook fails closed */
  async match(write: Write, versioned: VersionedWrite, authorizer: Authorizer): Promise<boolean> {
    if (this.isEmpty) return true;
    const asking = RequestAuthorizer.of(authorizer, write);
    const activation = activationOf(write, versioned, null, undefined, asking);
    const outcome = await asking.settled(() => this.evaluate(activation, write));
    if ("matches" in outcome) return outcome.matches;
    throw forbiddenResource(write.attributes.resource, write.attributes.name, outcome.error);
  }

  /** One that is false decides, whatever is wrong with the others. */
  async evaluate(
    activation: Activation,
    write: Pick<Write, "breathe">,
    budget: CelBudget = { remaining: matchConditionsBudget, perCall: perCallCostLimit },
  ): Promise<MatchOutcome> {
    const errors: string[] = [];
    // As upstream all are evaluated, and paid for.
    let isFalse = false;
    try {
      for (const expression of this.#expressions) {
        await write.breathe();
        const result = evaluate(expression, activation, budget);
        if ("error" in result) errors.push(result.error);
        else if (result.value === false) isFalse = true;
      }
    } catch (error) {
      if (!(error instanceof OutOfBudgetError)) throw error;
      return this.#failsOpen ? { matches: false } : { error: error.message };
    }
    if (isFalse) return { matches: false };
    if (errors.length === 0) return { matches: true };
    return this.#failsOpen ? { matches: false } : { error: aggregate(errors) };
  }
}

/** One expression through our engine, answered as the oracle's `cel.run` answers it. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { type CelEnvironment, createCelEnvironment, perCallCostLimit } from "../cel.ts";
import { CelBudgetError, CelCompileError, CelRuntimeError } from "../errors.ts";
import { celTypeOfSchema, toCel } from "../schema-typed.ts";
import { type CelType, dynType, formatType, optionalType } from "../types.ts";
import { CelOptional, type CelValue, optionalNone } from "../values.ts";
import { tagged } from "./tagged.ts";

export interface CelCase {
  readonly expression: string;
  readonly schema?: JsonObject;
  readonly resourceRoot?: boolean;
  readonly optional?: boolean;
  readonly self?: JsonValue;
  readonly oldSelf?: JsonValue;
}

export interface CelOutcome {
  compileError?: string;
  programError?: string;
  type?: string;
  min?: string;
  max?: string;
  value?: unknown;
  error?: string;
  cost?: string;
}

const environments = new Map<string, { environment: CelEnvironment; type: CelType }>();

function environmentOf(input: CelCase): { environment: CelEnvironment; type: CelType } {
  const key = JSON.stringify([input.schema ?? null, input.resourceRoot ?? false, input.optional ?? false]);
  const known = environments.get(key);
  if (known !== undefined) return known;
  const type =
    input.schema === undefined
      ? dynType
      : celTypeOfSchema(input.schema, { isResourceRoot: input.resourceRoot ?? false })!;
  const old = input.optional === true ? optionalType(type) : type;
  const environment = createCelEnvironment({
    variables: new Map([
      ["self", type],
      ["oldSelf", old],
    ]),
  });
  environments.set(key, { environment, type });
  return { environment, type };
}

/** Saturated estimates print as upstream's largest number. */
const digits = (value: number): string => (value >= 2 ** 64 ? "18446744073709551615" : String(BigInt(value)));

export function runCase(input: CelCase): CelOutcome {
  const { environment, type } = environmentOf(input);
  const outcome: CelOutcome = {};
  try {
    const program = environment.compile(input.expression);
    outcome.type = formatType(program.type);
    const { min, max } = program.estimateCost();
    outcome.min = digits(min);
    outcome.max = digits(max);
    if (input.self === undefined) return outcome;
    const variables = new Map<string, CelValue>([["self", toCel(input.self, type) as CelValue]]);
    if (input.oldSelf !== undefined) {
      const old = toCel(input.oldSelf, type) as CelValue;
      variables.set("oldSelf", input.optional === true ? new CelOptional(old) : old);
    } else if (input.optional === true) variables.set("oldSelf", optionalNone);
    const budget = { remaining: Number.MAX_SAFE_INTEGER, perCall: perCallCostLimit };
    try {
      outcome.value = tagged(program.evaluate(variables, budget));
    } catch (error) {
      if (!(error instanceof CelRuntimeError || error instanceof CelBudgetError)) throw error;
      outcome.error = error.message;
    }
    outcome.cost = String(Number.MAX_SAFE_INTEGER - budget.remaining);
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    if (error.phase === "check") outcome.compileError = error.message;
    else {
      outcome.programError = error.message;
      // Upstream has the type when making the program fails.
      outcome.type = "";
    }
  }
  return outcome;
}

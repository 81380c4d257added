/**
 * The Common Expression Language, as Kubernetes 1.36 offers it: the narrow interface through which everything else uses it.
 *
 * Compiling parses, checks types and gives upstream's texts for what is wrong. A compiled program is immutable, holds
 * no state between evaluations, and may be shared. Which libraries there are: docs/cel.md.
 */
import { checkerEnvironment } from "./environment.ts";
import { compileProgram } from "./program.ts";
import type { CelType } from "./types.ts";
import type { CelValue } from "./values.ts";

export interface CelEnvironmentOptions {
  /** Identifiers that expressions may use, and their types. */
  readonly variables: ReadonlyMap<string, CelType>;
  /** Adds what mutating policies may construct: `Object{...}`, `JSONPatch{...}` and `jsonpatch.escapeKey`. */
  readonly mutation?: boolean;
}

export interface CelEnvironment {
  /** @throws CelCompileError with upstream's issue texts */
  compile(source: string): CelProgram;
}

/** Cost units; upstream's numbers. Estimates saturate at 2^64. */
export interface CelCostEstimate {
  readonly min: number;
  readonly max: number;
}

export interface CelBudget {
  /** Cost units left; every evaluation takes away what it cost, whether it succeeds or not. */
  remaining: number;
  /** The most that one evaluation may cost. */
  readonly perCall: number;
}

export interface CelProgram {
  /** The type of the result. */
  readonly type: CelType;
  /** Identifiers of the environment that the expression uses. */
  readonly variables: ReadonlySet<string>;
  /** The cost before anything is known of the values, from cel-go's and Kubernetes' estimators. */
  estimateCost(): CelCostEstimate;
  /**
   * @throws CelRuntimeError for an error that nothing absorbed
   * @throws CelBudgetError when the cost exceeds `budget.perCall` or `budget.remaining`
   */
  evaluate(variables: ReadonlyMap<string, CelValue>, budget: CelBudget): CelValue;
}

/** Cost units that one evaluation may use (upstream's PerCallLimit). */
export const perCallCostLimit = 1_000_000;
/** Cost units that all evaluations for one object may use (upstream's RuntimeCELCostBudget). */
export const runtimeCostBudget = 10_000_000;
/** Largest static estimate of a rule of a CRD (upstream's StaticEstimatedCostLimit). */
export const staticCostLimit = 10_000_000;

export function createCelEnvironment(options: CelEnvironmentOptions): CelEnvironment {
  const checker = checkerEnvironment(options.variables, { mutation: options.mutation ?? false });
  return { compile: (source) => compileProgram(source, checker) };
}

/** What expressions of rules may use: `self` and `oldSelf`. */
import type { CelProgram } from "#machinery/cel/cel.ts";
import { CelError, CelOptional, type CelResult, type CelValue, optionalNone } from "#machinery/cel/values.ts";

/** What the expressions of one value may use. */
export class RuleVariables {
  readonly plain: ReadonlyMap<string, CelValue>;
  readonly #old: CelValue | undefined;
  #optional: ReadonlyMap<string, CelValue> | undefined;

  constructor(self: CelValue | undefined, old: CelValue | undefined) {
    const plain = new Map<string, CelValue>();
    if (self !== undefined) plain.set("self", self);
    this.#old = old;
    if (old !== undefined) plain.set("oldSelf", old);
    this.plain = plain;
  }

  /** The same with `oldSelf` as an optional. */
  get optional(): ReadonlyMap<string, CelValue> {
    this.#optional ??= new Map(this.plain).set(
      "oldSelf",
      this.#old === undefined ? optionalNone : new CelOptional(this.#old),
    );
    return this.#optional;
  }
}

/** The error in the place of a value that the expression uses. */
export function brokenValue(
  { variables }: CelProgram,
  self: CelResult,
  old: CelResult | undefined,
): CelError | undefined {
  if (self instanceof CelError && variables.has("self")) return self;
  return old instanceof CelError && variables.has("oldSelf") ? old : undefined;
}

/** The value; undefined where there is none or an error in its place. */
export const usable = (result: CelResult | undefined): CelValue | undefined =>
  result instanceof CelError ? undefined : result;

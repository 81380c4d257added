/**
 * What the rules of a schema node need to be checked: the CEL type of the value, how often it can occur, and what all rules together may cost
 * (apiextensions/validation cel_validation.go).
 */
import { celTypeOfSchema } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import { type Props, sourceOf } from "./props.ts";

/** Largest estimate of all rules of a schema together (upstream's StaticEstimatedCRDCostLimit). */
export const maxSchemaCost = 100_000_000;
/** Rules named when that is exceeded. */
const namedRules = 4;

/** The costs of a schema's rules so far. */
class TotalCost {
  total = 0;
  readonly #expensive: { path: string; cost: number }[] = [];

  add(path: string, cost: number): void {
    this.total += cost;
    // Rules that add less than one per cent are not named.
    if (cost < maxSchemaCost / 100) return;
    this.#expensive.push({ path, cost });
    this.#expensive.sort((a, b) => b.cost - a.cost);
    this.#expensive.length = Math.min(this.#expensive.length, namedRules);
  }

  /** Paths of the rules that cost most. */
  get mostExpensive(): readonly string[] {
    return this.#expensive.map(({ path }) => path);
  }
}

export class RuleScope {
  readonly #props: Props;
  /** Undefined: unbounded. */
  readonly maxCardinality: number | undefined;
  readonly costs: TotalCost;

  private constructor(props: Props, maxCardinality: number | undefined, costs: TotalCost) {
    this.#props = props;
    this.maxCardinality = maxCardinality;
    this.costs = costs;
  }

  static root(props: Props): RuleScope {
    return new RuleScope(props, 1, new TotalCost());
  }

  /** Of a property, the items or the additional properties. */
  child(props: Props): RuleScope {
    const factor = maxElements(this.#props);
    const outer = this.maxCardinality;
    const cardinality = factor === undefined || outer === undefined ? undefined : factor * outer;
    return new RuleScope(props, cardinality, this.costs);
  }

  /** The type of the value; undefined when the schema cannot be shown to expressions. */
  typeOf(isRoot: boolean): CelType | undefined {
    const isResourceRoot = isRoot || this.#props.embeddedResource === true;
    return celTypeOfSchema(this.#props[sourceOf], { isResourceRoot, typeName: "selfType" });
  }
}

/** How many values below a value there can be for each schema below its schema. */
function maxElements(props: Props): number | undefined {
  if (props.type === "object") {
    if (props.additionalProperties === undefined) return 1;
    return props.maxProperties === undefined ? undefined : Math.max(0, props.maxProperties);
  }
  if (props.type !== "array") return 1;
  return props.maxItems === undefined ? undefined : Math.max(0, props.maxItems);
}

/** `... exceeds budget by factor of more than 100x (...)` */
export function costError(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100x" : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  return `${name} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

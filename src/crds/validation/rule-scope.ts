/**
 * What the rules of a schema node need to be checked: the CEL type of the value, how often it can occur, and what all rules together may cost
 * (apiextensions/validation cel_validation.go).
 */
import { escapeName } from "#machinery/cel/escape.ts";
import { celTypeOfSchema } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import { type Props, sourceOf } from "./props.ts";

/** Largest estimate of all rules of a schema together (upstream's StaticEstimatedCRDCostLimit). */
export const maxSchemaCost = 100_000_000;
/** Rules named when that is exceeded. */
const namedRules = 4;

/** The costs of a schema's rules so far. */
export class TotalCost {
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

type Access = (parent: CelType) => CelType | undefined;

export class RuleScope {
  readonly #props: Props;
  readonly #parent: RuleScope | undefined;
  readonly #access: Access | undefined;
  readonly #withinRules: boolean;
  /** Undefined: unbounded. */
  readonly maxCardinality: number | undefined;
  readonly costs: TotalCost;
  #type: { readonly type: CelType | undefined } | undefined;

  private constructor(props: Props, parent: RuleScope | undefined, access: Access | undefined) {
    this.#props = props;
    this.#parent = parent;
    this.#access = access;
    const outerRules = parent === undefined ? false : parent.#withinRules;
    this.#withinRules = outerRules || props.validations !== undefined;
    this.costs = parent?.costs ?? new TotalCost();
    const factor = parent === undefined ? 1 : maxElements(parent.#props);
    const outer = parent === undefined ? 1 : parent.maxCardinality;
    this.maxCardinality = factor === undefined || outer === undefined ? undefined : factor * outer;
  }

  static root(props: Props): RuleScope {
    return new RuleScope(props, undefined, undefined);
  }

  property(name: string, props: Props): RuleScope {
    return new RuleScope(props, this, (parent) => {
      const escaped = escapeName(name);
      return escaped === undefined ? undefined : parent.fields?.get(escaped)?.type;
    });
  }

  items(props: Props): RuleScope {
    return new RuleScope(props, this, (parent) =>
      parent.kind === "list" ? parent.parameters[0] : undefined,
    );
  }

  values(props: Props): RuleScope {
    return new RuleScope(props, this, (parent) => (parent.kind === "map" ? parent.parameters[1] : undefined));
  }

  /** The type of the value; undefined when the schema cannot be shown to expressions. */
  get type(): CelType | undefined {
    if (!this.#withinRules) return undefined;
    this.#type ??= { type: this.#find() };
    return this.#type.type;
  }

  #find(): CelType | undefined {
    const outer = this.#parent?.type;
    const found = outer === undefined ? undefined : this.#access?.(outer);
    if (found !== undefined) return found;
    const isResourceRoot = this.#parent === undefined || this.#props.embeddedResource === true;
    return celTypeOfSchema(this.#props[sourceOf], { isResourceRoot });
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

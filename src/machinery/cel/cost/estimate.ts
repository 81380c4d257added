/**
 * The static cost of an expression: what it may cost for values as large as their declared types allow
 * (cel-go's checker/cost.go with the sizes of apiextensions' schema/cel/compilation.go).
 */
import type { CallExpr, Expr, FoldExpr, ListExpr, MapExpr, SelectExpr } from "../ast.ts";
import type { CelCostEstimate } from "../cel.ts";
import { listCost, mapCost, structCost } from "../runtime-cost.ts";
import { countCodePoints } from "../source.ts";
import type { CelType } from "../types.ts";
import { optionalValue } from "../unify.ts";
import { CelBytes } from "../values.ts";
import { libraryEstimate } from "./library-estimates.ts";
import type { CallEstimate, CostNode } from "./node.ts";
import { conditionalSize, standardEstimate } from "./standard-estimates.ts";
import { fixed, maxUint, one, plus, type Range, times, union, unknownRange, zero } from "./uint64.ts";

/** Upstream's estimator knows one root type, that of `self`. */
const rootVariable = "self";

export function estimateCost(expr: Expr, variables: ReadonlyMap<string, CelType>): CelCostEstimate {
  const { min, max } = new Coster(variables).cost(expr);
  return { min: Number(min), max: Number(max) };
}

/** Sizes of keys (or indexes) and values of a list or map that the expression makes. */
interface EntrySize {
  readonly container: "list" | "map";
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly path: readonly string[];
  readonly size: Range | undefined;
  readonly entries: EntrySize | undefined;
}

const scalars = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);

function isScalar(type: CelType): boolean {
  if (scalars.has(type.kind)) return true;
  const value = optionalValue(type);
  return value !== undefined && isScalar(value);
}

class Coster {
  readonly #variables: ReadonlyMap<string, CelType>;
  readonly #paths = new Map<Expr, readonly string[]>();
  readonly #sizes = new Map<Expr, Range>();
  readonly #entries = new Map<Expr, EntrySize>();
  readonly #locals: [name: string, local: Local][] = [];

  constructor(variables: ReadonlyMap<string, CelType>) {
    this.#variables = variables;
  }

  /** The declared size at a path. */
  sizeAt(path: readonly string[]): Range | undefined {
    const [start, ...rest] = path;
    if (start === undefined) return undefined;
    const declared = this.#variables.get(start) ?? this.#variables.get(rootVariable);
    let type: CelType | undefined = declared && (optionalValue(declared) ?? declared);
    for (const name of rest) {
      if (type === undefined) return undefined;
      if (name === "@items" || name === "@values") type = type.parameters.at(-1);
      else if (name === "@keys") type = type.kind === "map" ? type.parameters[0] : undefined;
      else type = type.fields?.get(name)?.type;
    }
    return type && { min: 0n, max: BigInt(type.maxElements) };
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case "literal":
        return zero;
      case "ident":
        this.#paths.set(expr, this.#local(expr.name)?.path ?? [expr.name]);
        return one;
      case "select":
        return this.#selectCost(expr);
      case "call":
        return this.#callCost(expr);
      case "list":
        return this.#listCost(expr);
      case "map":
        return this.#mapCost(expr);
      case "struct":
        return expr.fields.reduce(
          (sum, field) => plus(sum, this.cost(field.value)),
          fixed(BigInt(structCost)),
        );
      case "fold":
        return isBind(expr) ? this.#bindCost(expr) : this.#foldCost(expr);
      case "error":
        return zero;
    }
  }

  #selectCost(expr: SelectExpr): Range {
    if (expr.qualified !== undefined) {
      this.#paths.set(expr, [expr.qualified.name]);
      return one;
    }
    const operand = this.cost(expr.operand);
    if (expr.testOnly) return operand;
    this.#paths.set(expr, [...this.#path(expr.operand), expr.field]);
    const { kind } = expr.operand.type!;
    return kind === "map" || kind === "struct" ? plus(operand, one) : operand;
  }

  #callCost(expr: CallExpr): Range {
    const [first] = expr.args;
    if (expr.fn === "dyn" && first !== undefined) {
      const cost = plus(one, this.cost(first));
      this.#copySizes(expr, first);
      return cost;
    }
    const argCosts = expr.args.map((arg) => this.cost(arg));
    const args = expr.args.map((arg) => this.#node(arg));
    const targetCost = expr.target === undefined ? zero : this.cost(expr.target);
    const target = expr.target === undefined ? undefined : this.#node(expr.target);
    let cost: Range = { min: maxUint, max: 0n };
    let size: Range | undefined;
    for (const overload of expr.overloads ?? []) {
      const estimate = this.#overloadEstimate(expr, overload, target, args, argCosts);
      cost = union(cost, estimate.cost);
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size);
      if ((overload === "index_list" || overload === "index_map") && first !== undefined) {
        size = this.#entrySizes(first)?.value;
        this.#paths.set(expr, [...this.#path(first), overload === "index_list" ? "@items" : "@values"]);
      }
      size ??= this.#size(expr);
    }
    if (size !== undefined) this.#sizes.set(expr, size);
    return plus(targetCost, cost);
  }

  /** The cost of a call with that of its arguments. */
  #overloadEstimate(
    expr: CallExpr,
    overload: string,
    target: CostNode | undefined,
    args: readonly CostNode[],
    argCosts: readonly Range[],
  ): CallEstimate {
    const sum = argCosts.reduce(plus, zero);
    const known = libraryEstimate({ fn: expr.fn, overload, target, args, sizes: this });
    if (known !== undefined) return { ...known, cost: plus(known.cost, sum) };
    if (overload === "logical_or" || overload === "logical_and")
      return { cost: { min: argCosts[0]!.min, max: sum.max } };
    if (overload === "conditional") {
      this.#joinEntries(expr, expr.args[1]!, expr.args[2]!);
      return {
        cost: plus(argCosts[0]!, union(argCosts[1]!, argCosts[2]!)),
        size: conditionalSize(args[1]!, args[2]!),
      };
    }
    if (overload.startsWith("add_") && /^add_(string|bytes|list)$/.test(overload))
      this.#joinEntries(expr, expr.args[0]!, expr.args[1]!);
    const estimate = standardEstimate(overload, target, args);
    return { ...estimate, cost: plus(estimate.cost, sum) };
  }

  #joinEntries(expr: Expr, a: Expr, b: Expr): void {
    const left = this.#entrySizes(a);
    const right = this.#entrySizes(b);
    if (left === undefined || right === undefined) return;
    this.#entries.set(expr, {
      container: left.container,
      key: union(left.key, right.key),
      value: union(left.value, right.value),
    });
  }

  #listCost(expr: ListExpr): Range {
    let sum = fixed(BigInt(listCost));
    let value: Range = { min: expr.elements.length === 0 ? 0n : maxUint, max: 0n };
    for (const element of expr.elements) {
      sum = plus(sum, this.cost(element));
      value = union(value, this.#size(element) ?? unknownRange);
    }
    this.#entries.set(expr, { container: "list", key: one, value });
    return sum;
  }

  #mapCost(expr: MapExpr): Range {
    let sum = fixed(BigInt(mapCost));
    const least = expr.entries.length === 0 ? 0n : maxUint;
    let key: Range = { min: least, max: 0n };
    let value: Range = { min: least, max: 0n };
    for (const entry of expr.entries) {
      sum = plus(plus(sum, this.cost(entry.key)), this.cost(entry.value));
      key = union(key, this.#size(entry.key) ?? unknownRange);
      value = union(value, this.#size(entry.value) ?? unknownRange);
    }
    this.#entries.set(expr, { container: "map", key, value });
    return sum;
  }

  #bindCost(expr: FoldExpr): Range {
    const sum = plus(this.cost(expr.range), this.cost(expr.initial));
    const cost = this.#within([[expr.accumulator, this.#bound(expr.initial)]], () => this.cost(expr.result));
    this.#within([[expr.accumulator, this.#bound(expr.initial)]], () => this.#copySizes(expr, expr.result));
    return plus(sum, cost);
  }

  #foldCost(expr: FoldExpr): Range {
    let sum = plus(this.cost(expr.range), this.cost(expr.initial));
    const [result, turn] = this.#within([[expr.accumulator, this.#bound(expr.initial)]], () => {
      const cost = this.#within(this.#iterationLocals(expr), () =>
        plus(this.cost(expr.condition), this.cost(expr.step)),
      );
      return [this.cost(expr.result), cost] as const;
    });
    const count = this.#size(expr.range) ?? unknownRange;
    sum = plus(plus(sum, result), times(count, turn));
    if (expr.initial.kind === "literal") this.#setSize(expr, this.#size(expr.initial));
    else if (expr.initial.kind === "list" || expr.initial.kind === "map") {
      this.#sizes.set(expr, count);
      const entries = this.#entrySizes(expr.step);
      if (entries !== undefined) this.#entries.set(expr, entries);
    }
    return sum;
  }

  #bound(expr: Expr): Local {
    return { path: this.#path(expr), size: this.#size(expr), entries: this.#entrySizes(expr) };
  }

  #iterationLocals(expr: FoldExpr): [string, Local][] {
    const entries = this.#entrySizes(expr.range);
    const isList = (entries?.container ?? expr.range.type!.kind) === "list";
    const path = this.#path(expr.range);
    const local = (part: string, size: Range | undefined): Local => ({
      path: [...path, part],
      size,
      entries: undefined,
    });
    const values = local(isList ? "@items" : "@values", entries?.value);
    const keys = local(isList ? "@indices" : "@keys", entries?.key);
    if (expr.variable2 !== undefined)
      return [
        [expr.variable, keys],
        [expr.variable2, values],
      ];
    return [[expr.variable, isList ? values : keys]];
  }

  #within<T>(locals: readonly [string, Local][], inner: () => T): T {
    this.#locals.push(...locals);
    const result = inner();
    this.#locals.length -= locals.length;
    return result;
  }

  #local(name: string): Local | undefined {
    return this.#locals.findLast(([local]) => local === name)?.[1];
  }

  #path(expr: Expr): readonly string[] {
    const local = expr.kind === "ident" ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr) ?? [];
  }

  #node(expr: Expr): CostNode {
    return { path: this.#path(expr), type: expr.type!, expr, size: this.#size(expr) };
  }

  #setSize(expr: Expr, size: Range | undefined): void {
    if (size !== undefined) this.#sizes.set(expr, size);
  }

  #copySizes(to: Expr, from: Expr): void {
    this.#setSize(to, this.#size(from));
    const entries = this.#entrySizes(from);
    if (entries !== undefined) this.#entries.set(to, entries);
  }

  #size(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known !== undefined) return known;
    const declared = this.sizeAt(this.#path(expr));
    if (declared !== undefined) {
      this.#sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(expr.type!)) return one;
    return expr.kind === "ident" ? this.#local(expr.name)?.size : undefined;
  }

  #entrySizes(expr: Expr): EntrySize | undefined {
    return this.#entries.get(expr) ?? (expr.kind === "ident" ? this.#local(expr.name)?.entries : undefined);
  }
}

/** A variable bound by a macro: a loop over nothing. */
function isBind({ range, condition }: FoldExpr): boolean {
  return (
    range.kind === "list" &&
    range.elements.length === 0 &&
    condition.kind === "literal" &&
    condition.value === false
  );
}

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === "list") return fixed(BigInt(expr.elements.length));
  if (expr.kind === "map") return fixed(BigInt(expr.entries.length));
  if (expr.kind !== "literal") return undefined;
  const { value } = expr;
  if (typeof value === "string") return fixed(BigInt(countCodePoints(value)));
  return value instanceof CelBytes ? fixed(BigInt(value.value.length)) : one;
}

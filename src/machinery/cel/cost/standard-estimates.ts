/** cel-go's own estimates of calls (checker/cost.go, functionCost), for functions that no library estimates. */
import { regexFactor, traversalFactor } from "../runtime-cost.ts";
import type { CallEstimate, CostNode } from "./node.ts";
import { least, one, plus, type Range, times, timesFactor, union, unknownRange } from "./uint64.ts";

/** Sizes that the expression tells; declared sizes have been looked up for them. */
const sizeOf = (node: CostNode | undefined): Range => node?.size ?? unknownRange;
const traverse = (size: Range): Range => timesFactor(size, traversalFactor);

const textComparisons = new Set(
  ["less", "greater", "less_equals", "greater_equals"].flatMap((name) => [`${name}_string`, `${name}_bytes`]),
);

/** The estimate without the costs of the arguments; `&&`, `||` and `?:` are not among these calls. */
export function standardEstimate(
  overload: string,
  target: CostNode | undefined,
  args: readonly CostNode[],
): CallEstimate {
  const [first, second] = args;
  switch (overload) {
    case "string_format":
      return { cost: traverse(sizeOf(target)) };
    case "string_to_bytes": {
      const size = sizeOf(first);
      return { cost: traverse(size), size: { min: size.min, max: BigInt.asUintN(64, size.max * 4n) } };
    }
    case "bytes_to_string": {
      const size = sizeOf(first);
      return { cost: traverse(size), size: { min: size.min / 4n, max: size.max } };
    }
    case "strings_quote": {
      const size = sizeOf(first);
      const max = BigInt.asUintN(64, size.max * 2n + 2n);
      return { cost: traverse(size), size: { min: BigInt.asUintN(64, size.min + 2n), max } };
    }
    case "starts_with_string":
    case "ends_with_string":
      return { cost: traverse(sizeOf(first)) };
    case "in_list":
      return { cost: timesFactor(sizeOf(second), 1) };
    case "matches_string": {
      const regex = timesFactor(sizeOf(first), regexFactor);
      return { cost: times(traverse(plus(sizeOf(target), one)), regex) };
    }
    case "contains_string":
      return { cost: times(traverse(sizeOf(target)), traverse(sizeOf(first))) };
    case "add_list":
      return { cost: one, size: plus(sizeOf(first), sizeOf(second)) };
    case "add_string":
    case "add_bytes": {
      const size = plus(sizeOf(first), sizeOf(second));
      return { cost: traverse(size), size };
    }
  }
  if (overload === "equals" || overload === "not_equals" || textComparisons.has(overload)) {
    const max = least(sizeOf(first).max, sizeOf(second).max);
    return { cost: traverse({ min: max > 0n ? 1n : 0n, max }) };
  }
  return { cost: one };
}

export const conditionalSize = (whenTrue: CostNode, whenFalse: CostNode): Range =>
  union(sizeOf(whenTrue), sizeOf(whenFalse));

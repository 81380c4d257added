/** Parts of an expression as estimators of calls see them. */
import type { Expr } from "../ast.ts";
import type { CelType } from "../types.ts";
import type { Range } from "./uint64.ts";
import { unknownRange } from "./uint64.ts";

export interface CostNode {
  /** From a variable through its declared type: field names, `@items`, `@keys`, `@values`. Empty when it is no such part. */
  readonly path: readonly string[];
  readonly type: CelType;
  readonly expr: Expr | undefined;
  /** The size when the expression tells it. */
  readonly size: Range | undefined;
}

export interface CallEstimate {
  readonly cost: Range;
  /** The size of the result, of what has one. */
  readonly size?: Range | undefined;
}

/** Finds sizes in the declared types of variables. */
export interface SizeEstimator {
  sizeAt(path: readonly string[]): Range | undefined;
}

export function sizeOfNode(sizes: SizeEstimator, node: CostNode): Range {
  return node.size ?? sizes.sizeAt(node.path) ?? unknownRange;
}

/** The elements of a list, undefined for what has no declared elements. */
export function elementsOf(list: CostNode): CostNode | undefined {
  const [element] = list.type.parameters;
  if (element === undefined) return undefined;
  const path = list.path.length === 0 ? [] : [...list.path, "@items"];
  return { path, type: element, expr: undefined, size: undefined };
}

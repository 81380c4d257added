/** Operators and the functions they stand for. */
import { type CallExpr, call, type Expr } from "./ast.ts";

export const relations: ReadonlyMap<string, string> = new Map([
  ["<", "_<_"],
  ["<=", "_<=_"],
  [">=", "_>=_"],
  [">", "_>_"],
  ["==", "_==_"],
  ["!=", "_!=_"],
  ["in", "@in"],
]);
export const products: ReadonlyMap<string, string> = new Map([
  ["*", "_*_"],
  ["/", "_/_"],
  ["%", "_%_"],
]);
export const sums: ReadonlyMap<string, string> = new Map([
  ["+", "_+_"],
  ["-", "_-_"],
]);

/** A balanced tree of a chain of `&&` or `||`. */
export function balanced(
  fn: string,
  terms: readonly Expr[],
  operators: readonly number[],
  low: number,
  high: number,
): CallExpr {
  const middle = (low + high + 1) >> 1;
  const left = middle === low ? terms[middle]! : balanced(fn, terms, operators, low, middle - 1);
  const right = middle === high ? terms[middle + 1]! : balanced(fn, terms, operators, middle + 1, high);
  return call(operators[middle]!, fn, [left, right]);
}

/** Walks of the syntax tree. */
import type { Expr } from "./ast.ts";

/** `a.b.c` as a name, undefined when it is something else. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === "ident") return expr.name;
  if (expr.kind !== "select" || expr.testOnly) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}

/** Calls `visit` for the expression and all its parts, outer ones first. */
export function forEachExpr(expr: Expr, visit: (expr: Expr) => void): void {
  visit(expr);
  switch (expr.kind) {
    case "select":
      forEachExpr(expr.operand, visit);
      break;
    case "call":
      if (expr.target !== undefined) forEachExpr(expr.target, visit);
      for (const arg of expr.args) forEachExpr(arg, visit);
      break;
    case "list":
      for (const element of expr.elements) forEachExpr(element, visit);
      break;
    case "map":
      for (const { key, value } of expr.entries) {
        forEachExpr(key, visit);
        forEachExpr(value, visit);
      }
      break;
    case "struct":
      for (const { value } of expr.fields) forEachExpr(value, visit);
      break;
    case "fold":
      for (const part of [expr.range, expr.initial, expr.condition, expr.step, expr.result])
        forEachExpr(part, visit);
  }
}

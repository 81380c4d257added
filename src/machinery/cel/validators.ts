/** Checks of a tree that has its types: literals that cannot be what they are used for (cel-go's cel/validator.go). */
import type { CallExpr, Expr } from "./ast.ts";
import { toDuration, toTimestamp } from "./conversions.ts";
import { compileRegex } from "./regex.ts";
import type { Source } from "./source.ts";
import { CelError, type CelResult, type CelValue } from "./values.ts";
import { forEachExpr } from "./walk.ts";

const literalChecks: readonly (readonly [fn: string, check: (value: CelValue) => CelResult | object])[] = [
  ["duration", toDuration],
  ["timestamp", toTimestamp],
  ["matches", (value) => compileRegex(String(value))],
];

/** Reports to the source. */
export function validate(expr: Expr, source: Source): void {
  const calls: CallExpr[] = [];
  forEachExpr(expr, (node) => {
    if (node.kind === "call") calls.push(node);
  });
  for (const [fn, check] of literalChecks) {
    for (const call of calls) {
      const arg = call.args[0];
      if (call.fn === fn && arg?.kind === "literal" && check(arg.value) instanceof CelError)
        source.report(arg.offset, `invalid ${fn} argument`);
    }
  }
}

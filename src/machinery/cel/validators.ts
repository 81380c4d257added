/** Checks of a tree that has its types (cel-go's cel/validator.go, ext/formatting.go). */
import type { CallExpr, Expr, ListExpr, MapExpr } from "./ast.ts";
import { toDuration, toTimestamp } from "./conversions.ts";
import { validateFormat } from "./format-validator.ts";
import { compileRegex } from "./regex.ts";
import type { Source } from "./source.ts";
import { type CelType, formatType } from "./types.ts";
import { CelError, type CelResult, type CelValue } from "./values.ts";
import { forEachExpr } from "./walk.ts";

const literalChecks: readonly (readonly [fn: string, check: (value: CelValue) => CelResult | object])[] = [
  ["duration", toDuration],
  ["timestamp", toTimestamp],
  ["matches", (value) => compileRegex(String(value))],
];

/** Reports literals that cannot be what they are used for, and mixed lists and maps. */
export function validate(expr: Expr, source: Source): void {
  const calls: CallExpr[] = [];
  const lists: ListExpr[] = [];
  const maps: MapExpr[] = [];
  // What is within a call of `format` may be mixed.
  const exempt = new Set<Expr>();
  forEachExpr(expr, (node) => {
    if (node.kind === "call") calls.push(node);
    else if (node.kind === "list") lists.push(node);
    else if (node.kind === "map") maps.push(node);
    if (node.kind === "call" && node.fn === "format" && !exempt.has(node))
      forEachExpr(node, (inner) => exempt.add(inner));
  });
  for (const [fn, check] of literalChecks) {
    for (const call of calls) {
      const arg = call.args[0];
      if (call.fn === fn && arg?.kind === "literal" && check(arg.value) instanceof CelError)
        source.report(arg.offset, `invalid ${fn} argument`);
    }
  }
  for (const list of lists) if (!exempt.has(list)) validateList(list, source);
  for (const map of maps) if (!exempt.has(map)) validateMap(map, source);
  for (const call of calls) validateFormat(call, source);
}

function mismatch(source: Source, at: Expr, expected: CelType, found: CelType): void {
  source.report(at.offset, `expected type '${formatType(expected)}' but found '${formatType(found)}'`);
}

function validateList({ elements, optionals }: ListExpr, source: Source): void {
  let expected: CelType | undefined;
  for (const [index, element] of elements.entries()) {
    const type = typeOfPart(element, optionals.has(index));
    expected ??= type;
    if (isEquivalent(expected, type)) continue;
    mismatch(source, element, expected, type);
    return;
  }
}

function validateMap({ entries }: MapExpr, source: Source): void {
  let keyType: CelType | undefined;
  let valueType: CelType | undefined;
  for (const { key, value, optional } of entries) {
    const type = typeOfPart(value, optional);
    keyType ??= key.type!;
    valueType ??= type;
    if (!isEquivalent(keyType, key.type!)) mismatch(source, key, keyType, key.type!);
    if (!isEquivalent(valueType, type)) mismatch(source, value, valueType, type);
  }
}

/** The type of what an optional part stands for. */
function typeOfPart({ type }: Expr, optional: boolean): CelType {
  return (optional ? type!.parameters[0] : undefined) ?? type!;
}

function isEquivalent(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.parameters.length !== b.parameters.length) return false;
  if (a.kind !== "param" && a.name !== b.name) return false;
  return a.parameters.every((parameter, index) => isEquivalent(parameter, b.parameters[index]!));
}

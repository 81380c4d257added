/** Checks calls of `format` whose text and arguments the expression says (cel-go's ext/formatting.go). */
import type { CallExpr, Expr } from "./ast.ts";
import { clauseErrors, walkFormat } from "./libraries/string-format.ts";
import type { Source } from "./source.ts";
import type { CelKind } from "./types.ts";

const clauseKinds: Readonly<Record<string, readonly CelKind[]>> = {
  s: [
    "list",
    "map",
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "timestamp",
    "bytes",
    "duration",
    "type",
    "null",
  ],
  d: ["int", "uint"],
  f: ["double", "string"],
  e: ["double", "string"],
  b: ["int", "uint", "bool"],
  x: ["int", "uint", "string", "bytes"],
  X: ["int", "uint", "string", "bytes"],
  o: ["int", "uint"],
};

export function validateFormat(call: CallExpr, source: Source): void {
  const { fn, target, args, overloads } = call;
  if (fn !== "format" || target?.kind !== "literal" || typeof target.value !== "string") return;
  const list = args[0];
  if (list?.kind !== "list" || overloads?.includes("string_format") === false) return;
  const { elements } = list;
  let requested = 0;
  let place = call.offset;
  const result = walkFormat(target.value, elements.length, (index, verb) => {
    requested++;
    const wrong = wrongPart(elements[index]!, verb);
    if (wrong === undefined) return { text: "" };
    place = wrong.offset;
    return { error: clauseErrors[verb]! + wrong.type!.name };
  });
  if ("error" in result) source.report(place, result.error);
  else if (elements.length > requested) {
    source.report(
      call.offset,
      `too many arguments supplied to string.format (expected ${requested}, got ${elements.length})`,
    );
  }
}

/** What of an argument a clause cannot format. */
function wrongPart(arg: Expr, verb: string): Expr | undefined {
  const { kind } = arg.type!;
  if (kind !== "dyn" && clauseKinds[verb]?.includes(kind) !== true) return arg;
  if (verb !== "s") return undefined;
  const parts =
    arg.kind === "list"
      ? arg.elements
      : arg.kind === "map"
        ? arg.entries.flatMap(({ key, value }) => [key, value])
        : [];
  for (const part of parts) {
    const wrong = wrongPart(part, verb);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

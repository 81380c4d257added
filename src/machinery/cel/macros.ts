/** Macros: calls that the parser replaces by what they stand for (cel-go's parser/macro.go, ext/comprehensions.go, optionals). */
import { accumulatorName, call, copy, type Expr, fold, ident, list, literal, map, select } from "./ast.ts";

/** A macro that was meant, with arguments that it does not take. */
export class MacroError {
  readonly offset: number;
  readonly message: string;

  constructor(offset: number, message: string) {
    this.offset = offset;
    this.message = message;
  }
}

/** Builds the expansion; `at` is the place of the call. */
type Expander = (at: number, target: Expr | undefined, args: readonly Expr[]) => Expr | MacroError;

/** The older name of the accumulator, which no variable may take either. */
const oldAccumulatorName = "__result__";
const unusedVariable = "#unused";

/** The expansion of a call, its error, or undefined when it is an ordinary call. */
export function expandMacro(
  at: number,
  fn: string,
  target: Expr | undefined,
  args: readonly Expr[],
): Expr | MacroError | undefined {
  const style = target === undefined ? "global" : "member";
  return macros.get(`${style} ${fn} ${args.length}`)?.(at, target, args);
}

const accumulator = (at: number): Expr => ident(at, accumulatorName);
const isAccumulator = (name: string): boolean => name === accumulatorName || name === oldAccumulatorName;

const has: Expander = (at, _target, args) => {
  const arg = args[0]!;
  if (arg.kind !== "select" || arg.testOnly)
    return new MacroError(arg.offset, "invalid argument to has() macro");
  return select(at, arg.operand, arg.field, true);
};

/** The names of one or two iteration variables. */
function iterationVariables(
  args: readonly Expr[],
  message: string,
): { variable: string; variable2: string | undefined } | MacroError {
  const names: string[] = [];
  for (const arg of args) {
    if (arg.kind !== "ident") return new MacroError(arg.offset, message);
    names.push(arg.name);
  }
  const [variable, variable2] = names as [string, string | undefined];
  if (variable === variable2) return new MacroError(args[1]!.offset, `duplicate variable name: ${variable}`);
  for (const [index, name] of names.entries()) {
    if (isAccumulator(name))
      return new MacroError(args[index]!.offset, "iteration variable overwrites accumulator variable");
  }
  return { variable, variable2 };
}

type Quantifier = "all" | "exists" | "existsOne";

function quantifierParts(at: number, quantifier: Quantifier, predicate: Expr) {
  if (quantifier === "all") {
    return {
      initial: literal(at, true),
      condition: call(at, "@not_strictly_false", [accumulator(at)]),
      step: call(at, "_&&_", [accumulator(at), predicate]),
      result: accumulator(at),
    };
  }
  if (quantifier === "exists") {
    return {
      initial: literal(at, false),
      condition: call(at, "@not_strictly_false", [call(at, "!_", [accumulator(at)])]),
      step: call(at, "_||_", [accumulator(at), predicate]),
      result: accumulator(at),
    };
  }
  return {
    initial: literal(at, 0),
    condition: literal(at, true),
    step: call(at, "_?_:_", [predicate, call(at, "_+_", [accumulator(at), literal(at, 1)]), accumulator(at)]),
    result: call(at, "_==_", [accumulator(at), literal(at, 1)]),
  };
}

function quantifier(kind: Quantifier, variables: 1 | 2): Expander {
  return (at, target, args) => {
    const names = iterationVariables(args.slice(0, variables), "argument must be a simple name");
    if (names instanceof MacroError) return names;
    return fold(at, {
      range: target!,
      ...names,
      accumulator: accumulatorName,
      ...quantifierParts(at, kind, args[variables]!),
    });
  };
}

/** `condition ? step : accumulator`, or the step alone. */
function filtered(at: number, filter: Expr | undefined, step: Expr): Expr {
  return filter === undefined ? step : call(at, "_?_:_", [filter, step, accumulator(at)]);
}

/** Folds into a list or map that starts empty. */
function collecting(
  variables: 1 | 2,
  initial: (at: number) => Expr,
  add: AddStep,
  message: string,
): Expander {
  return (at, target, args) => {
    const names = iterationVariables(args.slice(0, variables), message);
    if (names instanceof MacroError) return names;
    const filter = args.length === variables + 2 ? args[variables] : undefined;
    return fold(at, {
      range: target!,
      ...names,
      accumulator: accumulatorName,
      initial: initial(at),
      condition: literal(at, true),
      step: filtered(at, filter, add(at, args.at(-1)!, names.variable)),
      result: accumulator(at),
    });
  };
}

type AddStep = (at: number, transform: Expr, variable: string) => Expr;

const emptyList = (at: number): Expr => list(at, []);
const emptyMap = (at: number): Expr => map(at, []);
const addElement: AddStep = (at, transform) => call(at, "_+_", [accumulator(at), list(at, [transform])]);
const insertValue: AddStep = (at, transform, variable) =>
  call(at, "cel.@mapInsert", [accumulator(at), ident(at, variable), transform]);
const insertEntries: AddStep = (at, transform) => call(at, "cel.@mapInsert", [accumulator(at), transform]);

const mapMacro = collecting(1, emptyList, addElement, "argument is not an identifier");
const simpleName = "argument must be a simple name";

const filterMacro: Expander = (at, target, args) => {
  const names = iterationVariables(args.slice(0, 1), "argument is not an identifier");
  if (names instanceof MacroError) return names;
  return fold(at, {
    range: target!,
    ...names,
    accumulator: accumulatorName,
    initial: list(at, []),
    condition: literal(at, true),
    step: filtered(at, args[1]!, call(at, "_+_", [accumulator(at), list(at, [args[0]!])])),
    result: accumulator(at),
  });
};

/** `optMap` and `optFlatMap`: the value, if there is one, bound to a name. */
function optionalMap(name: string, wrap: boolean): Expander {
  return (at, target, args) => {
    const variable = args[0]!;
    if (variable.kind !== "ident")
      return new MacroError(variable.offset, `${name}() variable name must be a simple identifier`);
    const bound = fold(at, {
      range: list(at, []),
      variable: unusedVariable,
      variable2: undefined,
      accumulator: variable.name,
      initial: call(at, "value", [], copy(target!)),
      condition: literal(at, false),
      step: ident(at, variable.name),
      result: args[1]!,
    });
    return call(at, "_?_:_", [
      call(at, "hasValue", [], target),
      wrap ? call(at, "optional.of", [bound]) : bound,
      call(at, "optional.none", []),
    ]);
  };
}

/** The list that `sortBy` sorts; no source can name it. */
const sortInput = "@__sortBy_input__";
const sortableKinds = new Set(["list", "select", "ident", "fold", "call"]);

const sortBy: Expander = (at, target, args) => {
  if (!sortableKinds.has(target!.kind)) {
    return new MacroError(
      target!.offset,
      "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
    );
  }
  const keys = mapMacro(at, ident(at, sortInput), args);
  if (keys instanceof MacroError) return keys;
  return fold(at, {
    range: list(at, []),
    variable: unusedVariable,
    variable2: undefined,
    accumulator: sortInput,
    initial: target!,
    condition: literal(at, false),
    step: ident(at, sortInput),
    result: call(at, "@sortByAssociatedKeys", [keys], ident(at, sortInput)),
  });
};

const macros: ReadonlyMap<string, Expander> = new Map<string, Expander>([
  ["global has 1", has],
  ["member all 2", quantifier("all", 1)],
  ["member exists 2", quantifier("exists", 1)],
  ["member exists_one 2", quantifier("existsOne", 1)],
  ["member map 2", mapMacro],
  ["member map 3", mapMacro],
  ["member filter 2", filterMacro],
  ["member all 3", quantifier("all", 2)],
  ["member exists 3", quantifier("exists", 2)],
  ["member exists_one 3", quantifier("existsOne", 2)],
  ["member existsOne 3", quantifier("existsOne", 2)],
  ["member transformList 3", collecting(2, emptyList, addElement, simpleName)],
  ["member transformList 4", collecting(2, emptyList, addElement, simpleName)],
  ["member transformMap 3", collecting(2, emptyMap, insertValue, simpleName)],
  ["member transformMap 4", collecting(2, emptyMap, insertValue, simpleName)],
  ["member transformMapEntry 3", collecting(2, emptyMap, insertEntries, simpleName)],
  ["member transformMapEntry 4", collecting(2, emptyMap, insertEntries, simpleName)],
  ["member sortBy 2", sortBy],
  ["member optMap 2", optionalMap("optMap", true)],
  ["member optFlatMap 2", optionalMap("optFlatMap", false)],
]);

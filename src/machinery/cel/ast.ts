/**
 * The syntax tree. The parser makes it with macros expanded, the checker writes types and resolved overloads into it, and
 * the cost estimator and the evaluator's compiler read it. Places are UTF-16 offsets in the source.
 */
import type { CelType } from "./types.ts";
import type { CelBytes, CelDouble, CelUint } from "./values.ts";

export type LiteralValue = null | boolean | string | number | bigint | CelUint | CelDouble | CelBytes;

interface Node {
  readonly offset: number;
  /** Set by the checker. */
  type: CelType | undefined;
}

export interface LiteralExpr extends Node {
  readonly kind: "literal";
  readonly value: LiteralValue;
}

export interface IdentExpr extends Node {
  readonly kind: "ident";
  name: string;
  /** The name of the type that this identifier is, as `int`; set by the checker. */
  typeName: string | undefined;
}

export interface SelectExpr extends Node {
  readonly kind: "select";
  readonly operand: Expr;
  readonly field: string;
  /** A `has(...)`. */
  readonly testOnly: boolean;
  /** Set by the checker when the whole selection is a variable or type with dots in its name. */
  qualified: IdentExpr | undefined;
}

export interface CallExpr extends Node {
  readonly kind: "call";
  fn: string;
  target: Expr | undefined;
  readonly args: readonly Expr[];
  /** Overloads that the argument types allow; set by the checker. */
  overloads: readonly string[] | undefined;
}

export interface ListExpr extends Node {
  readonly kind: "list";
  readonly elements: readonly Expr[];
  /** Indexes of `?` elements. */
  readonly optionals: ReadonlySet<number>;
}

export interface MapEntry {
  readonly offset: number;
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapExpr extends Node {
  readonly kind: "map";
  readonly entries: readonly MapEntry[];
}

export interface StructField {
  readonly offset: number;
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructExpr extends Node {
  readonly kind: "struct";
  readonly typeName: string;
  readonly fields: readonly StructField[];
}

export interface FoldExpr extends Node {
  readonly kind: "fold";
  readonly range: Expr;
  readonly variable: string;
  /** The second variable of two-variable macros. */
  readonly variable2: string | undefined;
  readonly accumulator: string;
  readonly initial: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** In place of what did not parse. */
export interface ErrorExpr extends Node {
  readonly kind: "error";
}

export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | FoldExpr
  | ErrorExpr;

/** The accumulator of macros; no source can name it. */
export const accumulatorName = "@result";

export function literal(offset: number, value: LiteralValue): LiteralExpr {
  return { kind: "literal", offset, type: undefined, value };
}

export function ident(offset: number, name: string): IdentExpr {
  return { kind: "ident", offset, type: undefined, name, typeName: undefined };
}

export function select(offset: number, operand: Expr, field: string, testOnly = false): SelectExpr {
  return { kind: "select", offset, type: undefined, operand, field, testOnly, qualified: undefined };
}

export function call(offset: number, fn: string, args: readonly Expr[], target?: Expr): CallExpr {
  return { kind: "call", offset, type: undefined, fn, target, args, overloads: undefined };
}

const none: ReadonlySet<number> = new Set();

export function list(offset: number, elements: readonly Expr[], optionals = none): ListExpr {
  return { kind: "list", offset, type: undefined, elements, optionals };
}

export function map(offset: number, entries: readonly MapEntry[]): MapExpr {
  return { kind: "map", offset, type: undefined, entries };
}

export function errorExpr(offset: number): ErrorExpr {
  return { kind: "error", offset, type: undefined };
}

export function fold(offset: number, parts: Omit<FoldExpr, "kind" | "offset" | "type">): FoldExpr {
  return { kind: "fold", offset, type: undefined, ...parts };
}

/** A copy with nodes of its own, for macros that use an argument twice. */
export function copy(expr: Expr): Expr {
  switch (expr.kind) {
    case "literal":
    case "ident":
    case "error":
      return { ...expr };
    case "select":
      return { ...expr, operand: copy(expr.operand) };
    case "call":
      return {
        ...expr,
        target: expr.target === undefined ? undefined : copy(expr.target),
        args: expr.args.map(copy),
      };
    case "list":
      return { ...expr, elements: expr.elements.map(copy) };
    case "map":
      return {
        ...expr,
        entries: expr.entries.map((entry) => ({ ...entry, key: copy(entry.key), value: copy(entry.value) })),
      };
    case "struct":
      return { ...expr, fields: expr.fields.map((field) => ({ ...field, value: copy(field.value) })) };
    case "fold":
      return {
        ...expr,
        range: copy(expr.range),
        initial: copy(expr.initial),
        condition: copy(expr.condition),
        step: copy(expr.step),
        result: copy(expr.result),
      };
  }
}

/** The type of a literal. */
import type { LiteralExpr } from "./ast.ts";
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  intType,
  nullType,
  stringType,
  uintType,
} from "./types.ts";
import { CelDouble, CelUint } from "./values.ts";

export function literalType({ value }: LiteralExpr): CelType {
  if (value === null) return nullType;
  switch (typeof value) {
    case "boolean":
      return boolType;
    case "string":
      return stringType;
    case "number":
    case "bigint":
      return intType;
    default:
      if (value instanceof CelUint) return uintType;
      return value instanceof CelDouble ? doubleType : bytesType;
  }
}

/** Quantities (k8s.io/apiserver/pkg/cel/library/quantity.go). */
import {
  addQuantities,
  compareQuantities,
  negateQuantity,
  parseQuantity,
  type Quantity,
  quantityText,
} from "#machinery/values/quantity.ts";
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import { checkedInt } from "../integers.ts";
import { isInt } from "../operations.ts";
import type { CelType } from "../types.ts";
import { CelDouble, CelError, CelOpaque, type CelResult, type CelValue, noSuchOverload } from "../values.ts";
import { opaqueStruct } from "./opaque.ts";

export const quantityType: CelType = opaqueStruct("kubernetes.Quantity");

class CelQuantity extends CelOpaque {
  override readonly type = quantityType;
  readonly value: Quantity;

  constructor(value: Quantity) {
    super();
    this.value = value;
  }

  override equals(other: CelValue): boolean | CelError {
    return other instanceof CelQuantity ? compareQuantities(this.value, other.value) === 0 : noSuchOverload;
  }

  override toString(): string {
    return quantityText(this.value);
  }
}

const toQuantity: Implementation = (text) => {
  const value = parseQuantity(text as string);
  return value instanceof Error ? new CelError(value.message) : new CelQuantity(value);
};

const on =
  (code: (quantity: Quantity, other: CelValue) => CelResult): Implementation =>
  (quantity, other) =>
    quantity instanceof CelQuantity ? code(quantity.value, other!) : noSuchOverload;

const comparing = (code: (order: number) => CelResult): Implementation =>
  on((quantity, other) =>
    other instanceof CelQuantity ? code(compareQuantities(quantity, other.value)) : noSuchOverload,
  );

/** The other operand: a quantity, or an integer as one. */
function operand(value: CelValue): Quantity | undefined {
  if (value instanceof CelQuantity) return value.value;
  if (!isInt(value)) return undefined;
  return { mantissa: BigInt(value), scale: 0, format: "DecimalExponent", text: undefined };
}

const adding = (sign: 1 | -1): Implementation =>
  on((quantity, other) => {
    const right = operand(other);
    if (right === undefined) return noSuchOverload;
    return new CelQuantity(addQuantities(quantity, sign === 1 ? right : negateQuantity(right)));
  });

/** The integer that a quantity without a fraction is, as far as 64 bits go. */
function integerOf({ mantissa, scale }: Quantity): number | bigint | undefined {
  return scale > 0 ? undefined : checkedInt(mantissa * 10n ** BigInt(-scale));
}

const types = new Map([["Quantity", quantityType]]);

export const quantityLibrary: readonly FunctionDeclaration[] = [
  declare("quantity", [["string_to_quantity", "(string): Quantity", toQuantity]], { types }),
  declare("isQuantity", [
    ["is_quantity_string", "(string): bool", (text) => !(parseQuantity(text as string) instanceof Error)],
  ]),
  // Upstream declares `sign` as a global function.
  declare(
    "sign",
    [
      [
        "quantity_sign",
        "(Quantity): int",
        on(({ mantissa }) => (mantissa > 0n ? 1 : mantissa < 0n ? -1 : 0)),
      ],
    ],
    { types },
  ),
  declare(
    "isGreaterThan",
    [["quantity_is_greater_than", "Quantity.(Quantity): bool", comparing((order) => order > 0)]],
    { types },
  ),
  declare(
    "isLessThan",
    [["quantity_is_less_than", "Quantity.(Quantity): bool", comparing((order) => order < 0)]],
    { types },
  ),
  declare("compareTo", [["quantity_compare_to", "Quantity.(Quantity): int", comparing((order) => order)]], {
    types,
  }),
  declare(
    "asApproximateFloat",
    [
      [
        "quantity_get_float",
        "Quantity.(): double",
        on(({ mantissa, scale }) => new CelDouble(Number(mantissa) * 10 ** -scale)),
      ],
    ],
    { types },
  ),
  declare(
    "asInteger",
    [
      [
        "quantity_get_int",
        "Quantity.(): int",
        on((quantity) => integerOf(quantity) ?? new CelError("cannot convert value to integer")),
      ],
    ],
    { types },
  ),
  declare(
    "isInteger",
    [["quantity_is_integer", "Quantity.(): bool", on((quantity) => integerOf(quantity) !== undefined)]],
    { types },
  ),
  declare(
    "add",
    [
      ["quantity_add", "Quantity.(Quantity): Quantity", adding(1)],
      ["quantity_add_int", "Quantity.(int): Quantity", adding(1)],
    ],
    { types },
  ),
  declare(
    "sub",
    [
      ["quantity_sub", "Quantity.(Quantity): Quantity", adding(-1)],
      ["quantity_sub_int", "Quantity.(int): Quantity", adding(-1)],
    ],
    { types },
  ),
];

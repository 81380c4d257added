/** Comparisons and arithmetic without the detour through declarations. */
import type { Step } from "./context.ts";
import { add, compare, divide, isOrdered, modulo, multiply, noOperator, subtract } from "./operations.ts";
import type { CallCost } from "./runtime-cost.ts";
import { CelError, type CelResult, type CelValue } from "./values.ts";

type Binary = (a: CelValue, b: CelValue) => CelResult;

const ordered =
  (name: string, test: (order: number) => boolean): Binary =>
  (a, b) => {
    if (!isOrdered(a)) return noOperator(a, name);
    const order = compare(a, b);
    return order instanceof CelError ? order : test(order);
  };

/** The operator on plain numbers; undefined when the result is no safe integer. */
type OnNumbers = (a: number, b: number) => CelResult | undefined;

const exact = (value: number): number | undefined => (Number.isSafeInteger(value) ? value : undefined);

const operators: ReadonlyMap<string, readonly [Binary, OnNumbers]> = new Map<
  string,
  readonly [Binary, OnNumbers]
>([
  ["_<_", [ordered("_<_", (order) => order < 0), (a, b) => a < b]],
  ["_<=_", [ordered("_<=_", (order) => order <= 0), (a, b) => a <= b]],
  ["_>_", [ordered("_>_", (order) => order > 0), (a, b) => a > b]],
  ["_>=_", [ordered("_>=_", (order) => order >= 0), (a, b) => a >= b]],
  ["_+_", [add, (a, b) => exact(a + b)]],
  ["_-_", [subtract, (a, b) => exact(a - b)]],
  ["_*_", [multiply, (a, b) => exact(a * b || 0)]],
  ["_/_", [divide, () => undefined]],
  ["_%_", [modulo, () => undefined]],
]);

/** The code of an operator; undefined when the function is none. */
export function fastBinary(
  fn: string,
  left: Step,
  right: Step,
  cost: CallCost | undefined,
): Step | undefined {
  const operator = operators.get(fn);
  if (operator === undefined) return undefined;
  const [general, onNumbers] = operator;
  return (context) => {
    const a = left(context);
    const b = right(context);
    if (typeof a === "number" && typeof b === "number") {
      const result = onNumbers(a, b);
      if (result !== undefined) {
        context.charge(1);
        return result;
      }
    }
    const result = a instanceof CelError ? a : b instanceof CelError ? b : general(a, b);
    context.charge(cost === undefined ? 1 : cost([a, b], result));
    return result;
  };
}

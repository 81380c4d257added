/** `x in [constants]` as a look-up in a set (cel-go's evalSetMembership), which costs nothing but `x`. */
import type { Step } from "./context.ts";
import type { Plan } from "./plan.ts";
import { CelDouble, CelError, CelList, CelUint, type CelValue } from "./values.ts";

/** undefined when the list holds something else than plain values. */
export function membership(operand: Step, list: CelValue): Plan | undefined {
  if (!(list instanceof CelList)) return undefined;
  if (list.size === 0) return { kind: "constant", value: false };
  const set = new Set<string | number | bigint | boolean>();
  for (let index = 0; index < list.size; index++) {
    const element = list.get(index);
    const identity = element instanceof CelError ? undefined : identityOf(element);
    if (identity === undefined) return undefined;
    set.add(identity);
  }
  return {
    kind: "step",
    step: (context) => {
      const value = operand(context);
      if (value instanceof CelError) return value;
      const identity = identityOf(value);
      return identity !== undefined && set.has(identity);
    },
  };
}

/** The same for equal numbers of any type; undefined for what a set cannot hold. */
function identityOf(value: CelValue): string | number | bigint | boolean | undefined {
  if (
    typeof value === "string" ||
    typeof value === "boolean" ||
    typeof value === "number" ||
    typeof value === "bigint"
  )
    return value;
  if (value instanceof CelUint)
    return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
  if (!(value instanceof CelDouble)) return undefined;
  if (!Number.isInteger(value.value)) return value.value;
  return Number.isSafeInteger(value.value) ? value.value : BigInt(value.value);
}

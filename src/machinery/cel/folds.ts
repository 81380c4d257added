/** Evaluates the loops that macros stand for (cel-go's evalFold). */

import { AccumulatedMap } from "./accumulated-map.ts";
import type { FoldExpr } from "./ast.ts";
import type { Context, Step } from "./context.ts";
import { goTypeName } from "./display.ts";
import type { Planner } from "./plan.ts";
import { AccumulatedList, CelError, CelList, CelMap, type CelResult, type CelValue } from "./values.ts";

export function planFold(planner: Planner, expr: FoldExpr): Step {
  const range = planner.step(expr.range);
  const slot = planner.slots;
  planner.slots += expr.variable2 === undefined ? 2 : 3;
  const accumulator = { name: expr.accumulator, initial: initialStep(planner, expr) };
  const planInner = () => ({
    condition: planner.step(expr.condition),
    step: planner.step(expr.step),
  });
  const { condition, step, result } = planner.within(accumulator, slot, () => {
    const inner = planner.within({ name: expr.variable, initial: undefined }, slot + 1, () =>
      expr.variable2 === undefined
        ? planInner()
        : planner.within({ name: expr.variable2, initial: undefined }, slot + 2, planInner),
    );
    return { ...inner, result: planner.step(expr.result) };
  });
  const always = expr.condition.kind === "literal" && expr.condition.value === true;
  const loop: Loop = { slot, condition: always ? undefined : condition, step };
  return foldStep(range, loop, expr.variable2 === undefined ? iterateOne : iterateTwo, result);
}

/** Apart, so that the tree does not live on in the scope of the code. */
function foldStep(range: Step, loop: Loop, iterate: typeof iterateOne, result: Step): Step {
  return (context) => {
    const over = range(context);
    if (over instanceof CelError) return over;
    context.locals[loop.slot] = undefined;
    const failure = iterate(context, over, loop);
    if (failure !== undefined) return failure;
    return finished(result(context));
  };
}

interface Loop {
  readonly slot: number;
  /** Absent when it always holds. */
  readonly condition: Step | undefined;
  readonly step: Step;
}

/** The accumulator's first value. Empty lists and maps are filled in place. */
function initialStep(planner: Planner, expr: FoldExpr): Step {
  const isMacro =
    expr.range.kind !== "list" || expr.condition.kind !== "literal" || expr.condition.value !== false;
  if (isMacro && expr.initial.kind === "list") return () => new AccumulatedList();
  if (isMacro && expr.initial.kind === "map") return () => new AccumulatedMap();
  return planner.step(expr.initial);
}

function finished(value: CelResult): CelResult {
  return value instanceof AccumulatedList || value instanceof AccumulatedMap ? value.done() : value;
}

/** One turn of the loop; false when it ends. */
function turn(context: Context, { slot, condition, step }: Loop): boolean {
  // Anything but a clear "no" goes on, so that errors are absorbed by what follows.
  if (condition !== undefined && condition(context) === false) return false;
  context.locals[slot] = step(context);
  return true;
}

function iterateOne(context: Context, over: CelValue, loop: Loop): CelError | undefined {
  const { locals } = context;
  if (over instanceof CelList) {
    const { size } = over;
    for (let index = 0; index < size; index++) {
      locals[loop.slot + 1] = over.get(index);
      if (!turn(context, loop)) break;
    }
    return undefined;
  }
  if (!(over instanceof CelMap)) return new CelError(`got '${goTypeName(over)}', expected iterable type`);
  for (const key of over.keys()) {
    locals[loop.slot + 1] = key;
    if (!turn(context, loop)) break;
  }
  return undefined;
}

function iterateTwo(context: Context, over: CelValue, loop: Loop): CelError | undefined {
  const { locals } = context;
  if (over instanceof CelList) {
    const { size } = over;
    for (let index = 0; index < size; index++) {
      locals[loop.slot + 1] = index;
      locals[loop.slot + 2] = over.get(index);
      if (!turn(context, loop)) break;
    }
    return undefined;
  }
  if (!(over instanceof CelMap))
    return new CelError(`unsupported comprehension range type: ${goTypeName(over)}`);
  for (const key of over.keys()) {
    locals[loop.slot + 1] = key;
    locals[loop.slot + 2] = over.find(key) ?? new CelError("no such key");
    if (!turn(context, loop)) break;
  }
  return undefined;
}

/** Lists: Kubernetes' (k8s.io/apiserver/pkg/cel/library/lists.go), cel-go's ext.Lists (version 3) and ext.Sets. */
import { declare, type FunctionDeclaration, type Implementation, type OverloadSpec } from "../functions.ts";
import { add, compare, contains, equal, isInt, isOrdered, typeName } from "../operations.ts";
import {
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  type CelResult,
  CelUint,
  type CelValue,
  noSuchOverload,
  ValueList,
} from "../values.ts";

/** Integers from 0, without being stored: a range that is too long for the budget takes no memory either. */
class RangeList extends CelList {
  override readonly size: number;

  constructor(size: number) {
    super();
    this.size = size;
  }

  override get(index: number): number {
    return index;
  }
}

const orderedNames = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
/** Names at run time, of which ext.Lists makes its overloads' names. */
const runtimeNames: Readonly<Record<string, string>> = {
  duration: "google.protobuf.Duration",
  timestamp: "google.protobuf.Timestamp",
};

type ListFunction = (list: CelList, ...args: CelValue[]) => CelResult;

/** A function whose first argument must be a list. */
const onList =
  (code: ListFunction): Implementation =>
  (list, ...args) =>
    list instanceof CelList ? code(list, ...args) : noSuchOverload;

function* elementsOf(list: CelList): Generator<CelResult> {
  for (let index = 0; index < list.size; index++) yield list.get(index);
}

const isSorted = onList((list) => {
  let previous: CelValue | undefined;
  for (const element of elementsOf(list)) {
    if (element instanceof CelError) return element;
    if (!isOrdered(element)) return noSuchOverload;
    if (previous !== undefined && compare(previous, element) === 1) return false;
    previous = element;
  }
  return true;
});

const sumFrom = (zero: CelValue): Implementation =>
  onList((list) => {
    let sum = zero;
    for (const element of elementsOf(list)) {
      const next = element instanceof CelError ? element : add(sum, element);
      // Upstream does not tell an overflow from a wrong type here.
      if (next instanceof CelError) return next;
      sum = next;
    }
    return sum;
  });

const zeros: readonly (readonly [string, CelValue])[] = [
  ["int", 0],
  ["uint", new CelUint(0n)],
  ["double", new CelDouble(0)],
  ["duration", new CelDuration(0n)],
];

const extreme = (name: string, replacing: number): Implementation =>
  onList((list) => {
    let best: CelValue | undefined;
    for (const element of elementsOf(list)) {
      if (element instanceof CelError) return element;
      if (!isOrdered(element)) return noSuchOverload;
      if (best === undefined || compare(best, element) === replacing) best = element;
    }
    return best ?? new CelError(`${name} called on empty list`);
  });

/** The index of the first equal element, or with a step of -1 of the last; -1 when there is none. */
function indexWhere(list: CelList, item: CelValue, step: 1 | -1): number {
  for (let index = step === 1 ? 0 : list.size - 1; index >= 0 && index < list.size; index += step) {
    const element = list.get(index);
    if (!(element instanceof CelError) && equal(element, item) === true) return index;
  }
  return -1;
}

const slice = onList((list, start, end) => {
  if (!isInt(start!) || !isInt(end!)) return noSuchOverload;
  if (start < 0 || end < 0)
    return new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    return new CelError(
      `cannot slice(${start}, ${end}), start index must be less than or equal to end index`,
    );
  if (list.size < end) return new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  return new ValueList(Array.from(elementsOf(list)).slice(Number(start), Number(end)));
});

function flatten(list: CelList, depth: number, into: CelResult[]): CelResult[] {
  for (const element of elementsOf(list)) {
    if (element instanceof CelList && depth > 0) flatten(element, depth - 1, into);
    else into.push(element);
  }
  return into;
}

const flattenList = onList((list, depth = 1) => {
  if (!isInt(depth)) return noSuchOverload;
  if (depth < 0) return new CelError("level must be non-negative");
  return new ValueList(flatten(list, Number(depth), []));
});

/** Sorts a list by the order of keys that belong to its elements. */
const sortBy = onList((list, keys) => {
  if (!(keys instanceof CelList)) return noSuchOverload;
  if (list.size !== keys.size) {
    return new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively`,
    );
  }
  if (list.size === 0) return list;
  const pairs: { readonly key: CelValue; readonly value: CelResult }[] = [];
  for (let index = 0; index < keys.size; index++) {
    const key = keys.get(index);
    if (key instanceof CelError) return key;
    if (index === 0 && !isOrdered(key)) return new CelError("list elements must be comparable");
    if (index > 0 && typeName(key) !== typeName(pairs[0]!.key))
      return new CelError("list elements must have the same type");
    pairs.push({ key, value: list.get(index) });
  }
  pairs.sort((a, b) => {
    const order = compare(a.key, b.key);
    return order instanceof CelError ? 0 : order;
  });
  return new ValueList(pairs.map(({ value }) => value));
});

const sort: Implementation = (list) => (list === undefined ? noSuchOverload : sortBy(list, list));

const distinct = onList((list) => {
  if (list.size === 0) return list;
  const kept: CelValue[] = [];
  for (const element of elementsOf(list)) {
    if (element instanceof CelError) return element;
    if (!kept.some((other) => equal(element, other) === true)) kept.push(element);
  }
  return new ValueList(kept);
});

const range: Implementation = (count) =>
  count === undefined || !isInt(count) ? noSuchOverload : new RangeList(Math.max(Number(count), 0));

function containsAll(list: CelList, part: CelList): boolean | CelError {
  for (const element of elementsOf(part)) {
    if (element instanceof CelError) return element;
    const found = contains(list, element);
    if (found !== true) return found;
  }
  return true;
}

const onLists = (code: (a: CelList, b: CelList) => CelResult): Implementation =>
  onList((a, b) => (b instanceof CelList ? code(a, b) : noSuchOverload));

const intersects = onLists((a, b) => {
  for (const element of elementsOf(a)) {
    if (!(element instanceof CelError) && contains(b, element) === true) return true;
  }
  return false;
});

const equivalent = onLists((a, b) => {
  const forth = containsAll(a, b);
  return forth === true ? containsAll(b, a) : forth;
});

export const listsLibrary: readonly FunctionDeclaration[] = [
  declare(
    "isSorted",
    orderedNames.map(
      (name): OverloadSpec => [`list_${name}_is_sorted_bool`, `list(${name}).(): bool`, isSorted],
    ),
  ),
  declare(
    "sum",
    zeros.map(
      ([name, zero]): OverloadSpec => [
        `list_${name}_sum_${name}`,
        `list(${name}).(): ${name}`,
        sumFrom(zero),
      ],
    ),
  ),
  ...(["max", "min"] as const).map((fn) =>
    declare(
      fn,
      orderedNames.map(
        (name): OverloadSpec => [
          `list_${name}_${fn}_${name}`,
          `list(${name}).(): ${name}`,
          extreme(fn, fn === "max" ? -1 : 1),
        ],
      ),
    ),
  ),
  declare("indexOf", [
    ["list_a_index_of_int", "list(A).(A): int", onList((list, item) => indexWhere(list, item!, 1))],
  ]),
  declare("lastIndexOf", [
    ["list_a_last_index_of_int", "list(A).(A): int", onList((list, item) => indexWhere(list, item!, -1))],
  ]),
  declare("slice", [["list_slice", "list(T).(int, int): list(T)", slice]]),
  declare(
    "flatten",
    [
      ["list_flatten", "list(list(T)).(): list(T)", flattenList],
      ["list_flatten_int", "list(dyn).(int): list(dyn)", flattenList],
    ],
    { unguarded: true },
  ),
  declare(
    "sort",
    orderedNames.map(
      (name): OverloadSpec => [`list_${runtimeNames[name] ?? name}_sort`, `list(${name}).(): list(${name})`],
    ),
    { singleton: sort },
  ),
  declare(
    "@sortByAssociatedKeys",
    orderedNames.map(
      (name): OverloadSpec => [
        `list_${runtimeNames[name] ?? name}_sortByAssociatedKeys`,
        `list(T).(list(${name})): list(T)`,
      ],
    ),
    { singleton: sortBy },
  ),
  declare("lists.range", [["lists_range", "(int): list(int)", range]]),
  declare("reverse", [
    [
      "list_reverse",
      "list(T).(): list(T)",
      onList((list) => new ValueList(Array.from(elementsOf(list)).reverse())),
    ],
  ]),
  declare("distinct", [["list_distinct", "list(T).(): list(T)", distinct]]),
  declare("sets.contains", [["list_sets_contains_list", "(list(T), list(T)): bool", onLists(containsAll)]]),
  declare("sets.equivalent", [["list_sets_equivalent_list", "(list(T), list(T)): bool", equivalent]]),
  declare("sets.intersects", [["list_sets_intersects_list", "(list(T), list(T)): bool", intersects]]),
];

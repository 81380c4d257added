/**
 * What a call costs when it is evaluated: Kubernetes' estimator (k8s.io/apiserver/pkg/cel/library/cost.go, CallCost), the
 * trackers of extension libraries, else cel-go's own (interpreter/runtimecost.go).
 */
import { CelFormat } from "./libraries/format.ts";
import { sizeOf } from "./operations.ts";
import { countCodePoints } from "./source.ts";
import { CelBytes, CelError, CelList, CelMap, CelOpaque, CelOptional, type CelResult } from "./values.ts";

/** The cost of one call, from its arguments (the target first) and its result. */
export type CallCost = (args: readonly CelResult[], result: CelResult) => number;

/** Cost units of creating a value. */
export const listCost = 10;
export const mapCost = 30;
export const structCost = 40;
/** Units per character (or byte) that is read. */
export const traversalFactor = 0.1;
/** Units per character of a regular expression. */
export const regexFactor = 0.25;
/** Two authorization checks an expression are allowed. */
export const authorizationCheckCost = 350_000;

/** The size that costs count; 1 for what has none. */
function actualSize(value: CelResult): number {
  if (typeof value === "string") return countCodePoints(value);
  if (value === null || typeof value !== "object" || value instanceof CelError) return 1;
  if (value instanceof CelOptional) return value.value === undefined ? 1 : actualSize(value.value);
  if (value instanceof CelOpaque) return value.size ?? 1;
  return sizeOf(value) ?? 1;
}

const traversal = (size: number, factor = 1): number => Math.ceil(size * factor * traversalFactor);
const firstTraversal: CallCost = (args) => traversal(actualSize(args[0]!));
const firstTraversalTwice: CallCost = (args) => traversal(actualSize(args[0]!), 2);
const resultTraversalTwice: CallCost = (_args, result) => traversal(actualSize(result), 2);
const listTraversal: CallCost = (args) => valueTraversal(args[0]!);
const regexSearch: CallCost = (args) =>
  traversal(1 + actualSize(args[0]!)) * Math.ceil(actualSize(args[1]!) * regexFactor);
const shorterTraversal: CallCost = (args) => traversal(Math.min(actualSize(args[0]!), actualSize(args[1]!)));
/** The cost of comparing two strings. */
export const comparisonCost = (a: string, b: string): number =>
  traversal(Math.min(countCodePoints(a), countCodePoints(b)));
const bothTraversal: CallCost = (args) => traversal(actualSize(args[0]!) + actualSize(args[1]!));

/** The cost of reading a value with all its parts. */
function valueTraversal(value: CelResult): number {
  if (typeof value === "string") return Math.trunc(Buffer.byteLength(value) * traversalFactor);
  if (value instanceof CelBytes) return Math.trunc(value.value.length * traversalFactor);
  let cost = 0;
  if (value instanceof CelList) {
    for (let index = 0; index < value.size; index++) cost += valueTraversal(value.get(index));
    return cost;
  }
  if (value instanceof CelMap) {
    for (const key of value.keys()) cost += valueTraversal(key) + valueTraversal(value.find(key) ?? null);
    return cost;
  }
  return 1;
}

/** Parsing a selector: its text, and as many requirements as that may hold. */
const selectorCost: CallCost = (args) => {
  const length = actualSize(args[1]!);
  return listCost + traversal(length) + Math.ceil(length * 0.5) * (listCost + structCost);
};

const containsAddress =
  (extra: (cidr: number) => number, parsed: boolean): CallCost =>
  (args) => {
    const cidr = actualSize(args[0]!);
    return traversal(cidr + cidr) + extra(cidr) + (parsed ? traversal(actualSize(args[1]!)) : 0);
  };

const byFunction: ReadonlyMap<string, CallCost> = new Map<string, CallCost>([
  ["check", () => authorizationCheckCost],
  ["fieldSelector", selectorCost],
  ["labelSelector", selectorCost],
  ...["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"].map(
    (name) => [name, listTraversal] as const,
  ),
  ...["url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey"].map(
    (name) => [name, firstTraversal] as const,
  ),
  ...["cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"].map(
    (name) => [name, firstTraversal] as const,
  ),
  ["replace", firstTraversalTwice],
  ["split", firstTraversalTwice],
  ["ip.isCanonical", firstTraversalTwice],
  ["join", resultTraversalTwice],
  ["find", regexSearch],
  ["findAll", regexSearch],
  [
    "validate",
    (args) => {
      const regexSize = args[0] instanceof CelFormat ? args[0].regexSize : 1;
      return traversal(1 + actualSize(args[1]!)) * Math.ceil(regexSize * regexFactor);
    },
  ],
]);

/** Sorting and removing duplicates compare every element with every other. */
const selfComparison =
  (list: number): CallCost =>
  (args) => {
    const keys = args[list]!;
    const size = actualSize(keys);
    const first = keys instanceof CelList && size > 0 ? keys.get(0) : null;
    const factor = typeof first === "string" || first instanceof CelBytes ? 2 + traversalFactor : 2;
    return Math.trunc(size * size * factor) + 1 + listCost;
  };
const resultSize: CallCost = (_args, result) => actualSize(result) + 1 + listCost;
const setComparison =
  (factor: number): CallCost =>
  (args) =>
    1 + Math.trunc(actualSize(args[0]!) * actualSize(args[1]!) * factor);

const byOverload: ReadonlyMap<string, CallCost> = new Map<string, CallCost>([
  ["list_sets_contains_list", setComparison(1)],
  ["list_sets_intersects_list", setComparison(1)],
  ["list_sets_equivalent_list", setComparison(2)],
  ["list_slice", resultSize],
  ["lists_range", resultSize],
  ["list_reverse", resultSize],
  ["list_distinct", selfComparison(0)],
  ["list_flatten", (args) => actualSize(args[0]!) + 1 + listCost],
  [
    "list_flatten_int",
    (args) => Math.trunc(actualSize(args[0]!) * Math.max(Number(args[1]), 0)) + 1 + listCost,
  ],
  ...[
    "starts_with_string",
    "ends_with_string",
    "string_to_bytes",
    "bytes_to_string",
    "strings_quote",
    "string_format",
  ].map((id) => [id, firstTraversal] as const),
  ["in_list", (args) => actualSize(args[1]!)],
  ...["less", "greater", "less_equals", "greater_equals"].flatMap((name) =>
    ["string", "bytes"].map((type) => [`${name}_${type}`, shorterTraversal] as const),
  ),
  ["not_equals", shorterTraversal],
  [
    "equals",
    (args) =>
      args[0] instanceof CelOpaque ? 1 : traversal(Math.min(actualSize(args[0]!), actualSize(args[1]!))),
  ],
  ["add_string", bothTraversal],
  ["add_bytes", bothTraversal],
  ["matches_string", regexSearch],
  ["contains_string", (args) => traversal(actualSize(args[0]!)) * traversal(actualSize(args[1]!))],
  ["string_to_ip", firstTraversal],
  ["cidr_contains_ip_string", containsAddress(() => 0, true)],
  ["cidr_contains_ip_ip", containsAddress(() => 0, false)],
  ["cidr_contains_cidr_string", containsAddress((cidr) => traversal(cidr) + 1, true)],
  ["cidr_contains_cidr", containsAddress((cidr) => traversal(cidr) + 1, false)],
]);

/** The cost of calls of a function; undefined when every call costs 1. `overload` is absent when only the values decide. */
export function callCost(fn: string, overload: string | undefined): CallCost | undefined {
  const cost =
    sortCost(overload) ??
    byFunction.get(fn) ??
    (overload === undefined ? undefined : byOverload.get(overload));
  return cost;
}

function sortCost(overload: string | undefined): CallCost | undefined {
  if (overload?.endsWith("_sort") === true) return selfComparison(0);
  return overload?.endsWith("_sortByAssociatedKeys") === true ? selfComparison(1) : undefined;
}

/** Whether a cost is known from the arguments alone, so that it is taken before the work is done. */
export const isKnownBefore = (cost: CallCost | undefined): boolean =>
  cost !== resultSize && cost !== resultTraversalTwice;

/**
 * Estimates of calls by function: Kubernetes' (k8s.io/apiserver/pkg/cel/library/cost.go, EstimateCallCost) and those of
 * cel-go's ext.Lists and ext.Sets. What neither knows is cel-go's matter (standard-estimates.ts).
 */
import {
  authorizationCheckCost,
  listCost,
  regexFactor,
  structCost,
  traversalFactor,
} from "../runtime-cost.ts";
import { type CallEstimate, type CostNode, elementsOf, type SizeEstimator, sizeOfNode } from "./node.ts";
import { fixed, maxUint, one, plus, type Range, times, timesFactor, zero } from "./uint64.ts";

export interface Call {
  readonly fn: string;
  readonly overload: string;
  readonly target: CostNode | undefined;
  readonly args: readonly CostNode[];
  readonly sizes: SizeEstimator;
}

type Estimator = (call: Call) => CallEstimate | undefined;

/** Characters of the longest named format and of its regular expression. */
const maxFormatSize = 64n;
const maxFormatRegexSize = 128;

const nominal: Estimator = () => ({ cost: one });

const traverse = (size: Range, factor = 1): Range => timesFactor(size, factor * traversalFactor);

/** The size of the target. */
const targetSize = ({ target, sizes }: Call): Range | undefined =>
  target === undefined ? undefined : sizeOfNode(sizes, target);
const argSize = ({ args, sizes }: Call, index: number): Range => sizeOfNode(sizes, args[index]!);

const traverseFirstArg =
  (factor = 1): Estimator =>
  (call) =>
    call.args.length === 0 ? undefined : { cost: traverse(argSize(call, 0), factor) };

const sameSizeOfArg: Estimator = (call) =>
  call.args.length === 1 ? { cost: traverse(argSize(call, 0)), size: argSize(call, 0) } : undefined;

const sameSizeOfTarget: Estimator = (call) => {
  const size = targetSize(call);
  return size && { cost: traverse(size), size };
};

const selector: Estimator = (call) => {
  if (call.args.length !== 1) return undefined;
  const length = argSize(call, 0);
  const requirements = timesFactor(timesFactor(length, 0.5), listCost + structCost);
  return { cost: plus(plus(fixed(BigInt(listCost)), traverse(length)), requirements) };
};

const compareElements: Estimator = (call) => {
  const size = targetSize(call);
  if (size === undefined) return undefined;
  const elements = elementsOf(call.target!);
  if (elements === undefined) return { cost: traverse(size) };
  const { kind } = elements.type;
  if (kind !== "string" && kind !== "bytes") return { cost: size };
  return { cost: times(size, plus(one, traverse(sizeOfNode(call.sizes, elements)))) };
};

const ceilDivide = (a: bigint, b: bigint): bigint => BigInt(Math.ceil(Number(a) / Number(b)));
const increment = (value: bigint): bigint => (value < maxUint ? value + 1n : value);

const replace: Estimator = (call) => {
  const size = targetSize(call);
  if (size === undefined || call.args.length < 2) return undefined;
  const old = argSize(call, 0);
  const replacement = argSize(call, 1);
  let [maxCount, maxKept, minCount, minKept] = [0n, 0n, 0n, 0n];
  if (old.min === 0n) [maxCount, maxKept] = [increment(size.max), size.max];
  else if (replacement.max <= old.min) maxKept = size.max;
  else maxCount = ceilDivide(size.max, old.min);
  if (old.max === 0n) [minCount, minKept] = [increment(size.min), size.min];
  else if (old.max <= replacement.min) minKept = size.min;
  else minCount = ceilDivide(size.min, old.max);
  const result = plus(times({ min: minCount, max: maxCount }, replacement), { min: minKept, max: maxKept });
  return { cost: traverse(size, 2), size: result };
};

const split: Estimator = (call) => {
  const size = targetSize(call);
  if (size === undefined) return undefined;
  const limit = call.args[1]?.expr;
  let { max } = size;
  if (limit?.kind === "literal" && (typeof limit.value === "number" || typeof limit.value === "bigint"))
    max = BigInt.asUintN(64, BigInt(limit.value));
  return { cost: traverse(size, 2), size: { min: 0n, max } };
};

const decrement = (value: bigint): bigint => (value > 0n ? value - 1n : 0n);

const join: Estimator = (call) => {
  const list = targetSize(call);
  if (list === undefined) return undefined;
  const elements = elementsOf(call.target!);
  let size = elements === undefined ? zero : times(list, sizeOfNode(call.sizes, elements));
  if (call.args.length > 0)
    size = plus(size, times(argSize(call, 0), { min: decrement(list.min), max: decrement(list.max) }));
  return { cost: traverse(size), size };
};

const regexSearch: Estimator = (call) => {
  const size = targetSize(call);
  if (size === undefined || call.args.length === 0) return undefined;
  const regex = timesFactor(argSize(call, 0), regexFactor);
  return { cost: times(traverse(plus(size, one)), regex), size: { min: 0n, max: size.max } };
};

/** Addresses have 4 or 16 bytes. */
const addressSize: Range = { min: 4n, max: 16n };

const containsAddress =
  (parsed: string, extra: Range): Estimator =>
  (call) => {
    if (call.args.length === 0) return undefined;
    const cost = plus(traverse(plus(addressSize, addressSize)), extra);
    return { cost: call.overload === parsed ? plus(cost, traverse(argSize(call, 0))) : cost };
  };

const opaqueTypes = new Set(["net.IP", "net.CIDR"]);
const structTypes = new Set([
  "kubernetes.Quantity",
  "kubernetes.Semver",
  "kubernetes.authorization.Authorizer",
  "kubernetes.authorization.PathCheck",
  "kubernetes.authorization.GroupCheck",
  "kubernetes.authorization.ResourceCheck",
  "kubernetes.authorization.Decision",
]);

const equality: Estimator = ({ args }) => {
  const [left, right] = args as [CostNode, CostNode];
  const { kind, name } = left.type;
  if (name !== right.type.name) return undefined;
  if ((kind === "opaque" && opaqueTypes.has(name)) || (kind === "struct" && structTypes.has(name)))
    return { cost: one };
  if (kind === "struct" && name === "kubernetes.NamedFormat")
    return { cost: traverse({ min: 1n, max: maxFormatSize }) };
  // Upstream looks at the right side twice.
  if (kind === "struct" && name === "kubernetes.URL")
    return { cost: traverse({ min: 1n, max: right.size?.max ?? 1n }) };
  return undefined;
};

const each = (names: string, estimator: Estimator): [string, Estimator][] =>
  names.split(" ").map((name) => [name, estimator]);

const byFunction: ReadonlyMap<string, Estimator> = new Map([
  ["check", () => ({ cost: fixed(BigInt(authorizationCheckCost)) })],
  ...each(
    "serviceAccount path group resource subresource namespace name allowed reason error errored",
    nominal,
  ),
  ...each("fieldSelector labelSelector", selector),
  ...each("isSorted sum max min indexOf lastIndexOf", compareElements),
  ...each("url jsonpatch.escapeKey", sameSizeOfArg),
  ...each("lowerAscii upperAscii substring trim", sameSizeOfTarget),
  ["replace", replace],
  ["split", split],
  ["join", join],
  ...each("find findAll", regexSearch),
  ...each("cidr isIP isCIDR quantity isQuantity semver isSemver", traverseFirstArg()),
  ["ip", (call) => (call.overload === "cidr_ip" ? nominal(call) : traverseFirstArg()(call))],
  ["ip.isCanonical", traverseFirstArg(2)],
  ...each(
    "masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast",
    nominal,
  ),
  ["containsIP", containsAddress("cidr_contains_ip_string", zero)],
  ["containsCIDR", containsAddress("cidr_contains_cidr_string", plus(traverse(addressSize), one))],
  [
    "validate",
    (call) =>
      call.args.length === 0
        ? undefined
        : { cost: timesFactor(traverse(argSize(call, 0)), maxFormatRegexSize * regexFactor) },
  ],
  ...each(
    "format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo",
    nominal,
  ),
  ...each("add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery", nominal),
  ["_==_", equality],
] as [string, Estimator][]);

/** A call that makes a list. */
function listCall(factor: number, size: Range): CallEstimate {
  return { cost: plus(plus(timesFactor(size, factor), one), fixed(BigInt(listCost))), size };
}

/** A literal integer as an unsigned one. */
function literalInt(node: CostNode, otherwise: bigint): bigint {
  const { expr } = node;
  if (expr?.kind !== "literal" || (typeof expr.value !== "number" && typeof expr.value !== "bigint"))
    return otherwise;
  return expr.value < 0 ? 0n : BigInt(expr.value);
}

const setCall =
  (factor: number): Estimator =>
  (call) => ({ cost: plus(timesFactor(times(argSize(call, 0), argSize(call, 1)), factor), one) });

const byOverload: ReadonlyMap<string, Estimator> = new Map<string, Estimator>([
  ["list_sets_contains_list", setCall(1)],
  ["list_sets_intersects_list", setCall(1)],
  ["list_sets_equivalent_list", setCall(2)],
  [
    "list_slice",
    (call) => {
      const start = literalInt(call.args[0]!, 0n);
      const end = literalInt(call.args[1]!, targetSize(call)!.max);
      return listCall(1, fixed(BigInt.asUintN(64, end - start)));
    },
  ],
  ["lists_range", (call) => listCall(1, fixed(literalInt(call.args[0]!, maxUint)))],
  ["list_reverse", (call) => listCall(1, targetSize(call)!)],
  ["list_flatten", (call) => listCall(1, targetSize(call)!)],
  ["list_flatten_int", (call) => listCall(Number(literalInt(call.args[0]!, maxUint)), targetSize(call)!)],
  ["list_distinct", (call) => listCall(2, times(targetSize(call)!, targetSize(call)!))],
]);

/** Sorting compares every element with every other. */
function sortEstimate(call: Call): CallEstimate | undefined {
  const match = /^list_(.*)_(sort|sortByAssociatedKeys)$/.exec(call.overload);
  if (match === null) return undefined;
  const size = match[2] === "sort" ? targetSize(call)! : argSize(call, 0);
  const factor = match[1] === "string" || match[1] === "bytes" ? 2 + traversalFactor : 2;
  return listCall(factor, times(size, size));
}

/** The estimate of a call, undefined when only cel-go knows it. */
export function libraryEstimate(call: Call): CallEstimate | undefined {
  return byOverload.get(call.overload)?.(call) ?? sortEstimate(call) ?? byFunction.get(call.fn)?.(call);
}

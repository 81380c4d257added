/** Operators on values of any type: equality, order, arithmetic, sizes (cel-go's common/types). */
import { compareBytes } from "./bytes.ts";
import { canonicalInt, checkedInt, maxInt64, maxUint64, minInt64 } from "./integers.ts";
import { countCodePoints } from "./source.ts";
import { addDuration, timeBetween } from "./timestamps.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  type CelResult,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  ConcatenatedList,
  noSuchOverload,
} from "./values.ts";

const integerOverflow = new CelError("integer overflow");
const unsignedOverflow = new CelError("unsigned integer overflow");
const divisionByZero = new CelError("division by zero");
const modulusByZero = new CelError("modulus by zero");
const notOrdered = new CelError("NaN values cannot be ordered");

/** The name of a value's type, as `type(x)` and texts of errors show it. */
export function typeName(value: CelValue): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "number":
    case "bigint":
      return "int";
  }
  if (value instanceof CelMap) return value.typeName;
  if (value instanceof CelList) return "list";
  if (value instanceof CelDouble) return "double";
  if (value instanceof CelUint) return "uint";
  if (value instanceof CelBytes) return "bytes";
  if (value instanceof CelTimestamp) return "google.protobuf.Timestamp";
  if (value instanceof CelDuration) return "google.protobuf.Duration";
  if (value instanceof CelTypeValue) return "type";
  if (value instanceof CelOptional) return "optional_type";
  return value.type.name;
}

export const isInt = (value: CelValue): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint";

const isNumber = (value: CelValue): value is number | bigint | CelDouble | CelUint =>
  isInt(value) || value instanceof CelDouble || value instanceof CelUint;

/** Order of two numbers of any type, NaN when one of them is NaN. */
function compareNumbers(
  a: number | bigint | CelDouble | CelUint,
  b: number | bigint | CelDouble | CelUint,
): number {
  if (a instanceof CelDouble || b instanceof CelDouble) {
    const left = a instanceof CelDouble ? a.value : Number(a instanceof CelUint ? a.value : a);
    const right = b instanceof CelDouble ? b.value : Number(b instanceof CelUint ? b.value : b);
    return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN;
  }
  const left = a instanceof CelUint ? a.value : a;
  const right = b instanceof CelUint ? b.value : b;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether two values are equal; values of different types are not, but numbers are compared by what they are. */
export function equal(a: CelValue, b: CelValue): boolean | CelError {
  if (a === b) return !(a instanceof CelDouble && Number.isNaN(a.value));
  if (a === null || b === null) return false;
  if (isNumber(a)) return isNumber(b) && compareNumbers(a, b) === 0;
  if (typeof a !== "object") return false;
  if (a instanceof CelList) return a.equals(b) ?? (b instanceof CelList && equalLists(a, b));
  if (a instanceof CelMap) return a.equals(b) ?? (b instanceof CelMap && equalMaps(a, b));
  if (a instanceof CelOpaque) return a.equals(b);
  if (a instanceof CelBytes) return b instanceof CelBytes && compareBytes(a.value, b.value) === 0;
  if (a instanceof CelTimestamp)
    return b instanceof CelTimestamp && a.seconds === b.seconds && a.nanos === b.nanos;
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos;
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name;
  if (!(b instanceof CelOptional)) return false;
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equal(a.value, b.value);
}

/** Elements that cannot be compared do not make lists differ (as upstream's). */
function equalLists(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false;
  for (let index = 0; index < a.size; index++) {
    if (equalResults(a.get(index), b.get(index)) === false) return false;
  }
  return true;
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const other = b.find(key);
    if (other === undefined || equalResults(a.find(key)!, other) === false) return false;
  }
  return true;
}

/** Equality of what may be errors: an error is the answer. */
export function equalResults(a: CelResult, b: CelResult): boolean | CelError {
  if (a instanceof CelError) return a;
  return b instanceof CelError ? false : equal(a, b);
}

/** Order of strings by their code points, which is that of their UTF-8. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    let left = a.charCodeAt(index);
    let right = b.charCodeAt(index);
    if (left === right) continue;
    // Surrogates stand for code points above all others.
    if (left >= 0xd800 && left < 0xe000) left += 0x10000;
    if (right >= 0xd800 && right < 0xe000) right += 0x10000;
    return left < right ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

/** -1, 0 or 1, or the error when the values have no order. */
export function compare(a: CelValue, b: CelValue): number | CelError {
  if (isNumber(a)) {
    if (!isNumber(b)) return noSuchOverload;
    const order = compareNumbers(a, b);
    return Number.isNaN(order) ? notOrdered : order;
  }
  if (typeof a === "string") return typeof b === "string" ? compareStrings(a, b) : noSuchOverload;
  if (typeof a === "boolean") return typeof b === "boolean" ? Number(a) - Number(b) : noSuchOverload;
  if (a instanceof CelTimestamp && b instanceof CelTimestamp)
    return Math.sign(a.seconds - b.seconds || a.nanos - b.nanos);
  if (a instanceof CelDuration && b instanceof CelDuration)
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof CelBytes && b instanceof CelBytes) return compareBytes(a.value, b.value);
  return noSuchOverload;
}

export const isOrdered = (value: CelValue): boolean =>
  isNumber(value) ||
  typeof value === "string" ||
  typeof value === "boolean" ||
  value instanceof CelTimestamp ||
  value instanceof CelDuration ||
  value instanceof CelBytes;

/** The error of an operator that a value does not have. */
export function noOperator(value: CelValue, name: string): CelError {
  // Values that have methods answer without saying what was asked.
  if (typeof value === "string" || value instanceof CelTimestamp || value instanceof CelDuration)
    return noSuchOverload;
  return new CelError(`no such overload: ${name}`);
}

function duration(nanos: bigint): CelDuration | CelError {
  return nanos < minInt64 || nanos > maxInt64 ? integerOverflow : new CelDuration(nanos);
}

function unsigned(value: bigint): CelUint | CelError {
  return value < 0n || value > maxUint64 ? unsignedOverflow : new CelUint(value);
}

/** Exact integer arithmetic: on numbers while the result is exact there, else on bigints. */
function integer(fast: number, exact: () => bigint): number | bigint | CelError {
  if (Number.isSafeInteger(fast)) return fast;
  return checkedInt(exact()) ?? integerOverflow;
}

export function add(a: CelValue, b: CelValue): CelResult {
  if (isInt(a)) {
    if (!isInt(b)) return noSuchOverload;
    return integer(
      typeof a === "number" && typeof b === "number" ? a + b : Number.NaN,
      () => BigInt(a) + BigInt(b),
    );
  }
  if (typeof a === "string") return typeof b === "string" ? a + b : noSuchOverload;
  if (a instanceof CelList) return b instanceof CelList ? addLists(a, b) : noSuchOverload;
  if (a instanceof CelDouble)
    return b instanceof CelDouble ? new CelDouble(a.value + b.value) : noSuchOverload;
  if (a instanceof CelUint) return b instanceof CelUint ? unsigned(a.value + b.value) : noSuchOverload;
  if (a instanceof CelDuration) {
    if (b instanceof CelDuration) return duration(a.nanos + b.nanos);
    return b instanceof CelTimestamp ? addDuration(b, a.nanos) : noSuchOverload;
  }
  if (a instanceof CelTimestamp) return b instanceof CelDuration ? addDuration(a, b.nanos) : noSuchOverload;
  if (a instanceof CelBytes && b instanceof CelBytes) {
    const joined = new Uint8Array(a.value.length + b.value.length);
    joined.set(a.value);
    joined.set(b.value, a.value.length);
    return new CelBytes(joined);
  }
  return a instanceof CelBytes ? noSuchOverload : noOperator(a, "_+_");
}

function addLists(a: CelList, b: CelList): CelList {
  const special = a.plus(b);
  if (special !== undefined) return special;
  if (a.size === 0) return b;
  return b.size === 0 ? a : new ConcatenatedList(a, b);
}

export function subtract(a: CelValue, b: CelValue): CelResult {
  if (isInt(a)) {
    if (!isInt(b)) return noSuchOverload;
    return integer(
      typeof a === "number" && typeof b === "number" ? a - b : Number.NaN,
      () => BigInt(a) - BigInt(b),
    );
  }
  if (a instanceof CelDouble)
    return b instanceof CelDouble ? new CelDouble(a.value - b.value) : noSuchOverload;
  if (a instanceof CelUint) return b instanceof CelUint ? unsigned(a.value - b.value) : noSuchOverload;
  if (a instanceof CelDuration)
    return b instanceof CelDuration ? duration(a.nanos - b.nanos) : noSuchOverload;
  if (a instanceof CelTimestamp) {
    if (b instanceof CelDuration) return addDuration(a, -b.nanos);
    return b instanceof CelTimestamp ? timeBetween(b, a) : noSuchOverload;
  }
  return noOperator(a, "_-_");
}

export function multiply(a: CelValue, b: CelValue): CelResult {
  if (isInt(a)) {
    if (!isInt(b)) return noSuchOverload;
    // Zero has no sign among integers.
    const fast = typeof a === "number" && typeof b === "number" ? a * b || 0 : Number.NaN;
    return integer(fast, () => BigInt(a) * BigInt(b));
  }
  if (a instanceof CelDouble)
    return b instanceof CelDouble ? new CelDouble(a.value * b.value) : noSuchOverload;
  if (a instanceof CelUint) return b instanceof CelUint ? unsigned(a.value * b.value) : noSuchOverload;
  return noOperator(a, "_*_");
}

export function divide(a: CelValue, b: CelValue): CelResult {
  if (isInt(a)) {
    if (!isInt(b)) return noSuchOverload;
    if (b === 0) return divisionByZero;
    if (typeof a === "number" && typeof b === "number") return Math.trunc(a / b) || 0;
    return checkedInt(BigInt(a) / BigInt(b)) ?? integerOverflow;
  }
  if (a instanceof CelDouble)
    return b instanceof CelDouble ? new CelDouble(a.value / b.value) : noSuchOverload;
  if (a instanceof CelUint) {
    if (!(b instanceof CelUint)) return noSuchOverload;
    return b.value === 0n ? divisionByZero : new CelUint(a.value / b.value);
  }
  return noOperator(a, "_/_");
}

export function modulo(a: CelValue, b: CelValue): CelResult {
  if (isInt(a)) {
    if (!isInt(b)) return noSuchOverload;
    if (b === 0) return modulusByZero;
    if (typeof a === "number" && typeof b === "number") return a % b || 0;
    if (BigInt(a) === minInt64 && b === -1) return integerOverflow;
    return canonicalInt(BigInt(a) % BigInt(b));
  }
  if (a instanceof CelUint) {
    if (!(b instanceof CelUint)) return noSuchOverload;
    return b.value === 0n ? modulusByZero : new CelUint(a.value % b.value);
  }
  return noOperator(a, "_%_");
}

export function negate(a: CelValue): CelResult {
  if (isInt(a)) return typeof a === "number" ? -a || 0 : (checkedInt(-a) ?? integerOverflow);
  if (a instanceof CelDouble) return new CelDouble(-a.value);
  if (a instanceof CelDuration) return duration(-a.nanos);
  return typeof a === "boolean" ? noSuchOverload : noOperator(a, "-_");
}

/** The size of a value, undefined when it has none. */
export function sizeOf(value: CelValue): number | undefined {
  if (typeof value === "string") return countCodePoints(value);
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  return value instanceof CelBytes ? value.value.length : undefined;
}

/** Whether a list has an equal element, or a map the key. */
export function contains(container: CelValue, value: CelValue): boolean | CelError {
  if (container instanceof CelMap) {
    const found = container.find(value);
    return found instanceof CelError ? found : found !== undefined;
  }
  if (!(container instanceof CelList)) return noSuchOverload;
  for (let index = 0; index < container.size; index++) {
    const element = container.get(index);
    if (!(element instanceof CelError) && equal(value, element) === true) return true;
  }
  return false;
}

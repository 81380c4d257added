/**
 * CEL's values at run time.
 *
 * - `int` is a JavaScript number while a double holds it exactly, and a bigint beyond: the same integer is always the same
 *   JavaScript value, so `===` compares. `double` and `uint` are boxed, since numbers and bigints are taken.
 * - Errors are values ({@link CelError}), because `&&`, `||` and `?:` absorb them and because each evaluated step costs.
 */
import type { JsonValue } from "#machinery/json/value.ts";
import type { CelType } from "./types.ts";

export type CelValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | CelUint
  | CelDouble
  | CelBytes
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | CelOptional
  | CelList
  | CelMap
  | CelOpaque;

/** An unsigned integer of 64 bits. */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class CelDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class CelBytes {
  readonly value: Uint8Array;

  constructor(value: Uint8Array) {
    this.value = value;
  }
}

/** A point in time: seconds since 1970 (years 1 to 9999) and nanoseconds from 0 to 999,999,999. */
export class CelTimestamp {
  readonly seconds: number;
  readonly nanos: number;
  /** Seconds east of UTC in which it was written: it is printed so; nothing else depends on it. */
  readonly offset: number;

  constructor(seconds: number, nanos: number, offset = 0) {
    this.seconds = seconds;
    this.nanos = nanos;
    this.offset = offset;
  }
}

/** A signed number of nanoseconds in 64 bits. */
export class CelDuration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value, as of `type(1)`. Two are equal when their names are. */
export class CelTypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export class CelOptional {
  readonly value: CelValue | undefined;

  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

export const optionalNone = new CelOptional(undefined);

/** An evaluation that failed. It is what `evaluate` throws as a CelRuntimeError when nothing absorbs it. */
export class CelError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A value, or the error in its place. */
export type CelResult = CelValue | CelError;

export const noSuchOverload = new CelError("no such overload");

/** A list. Elements may be errors: data that does not have its declared type. */
export abstract class CelList {
  abstract readonly size: number;
  /** `index` must be from 0 to size - 1. */
  abstract get(index: number): CelResult;

  /** Equality of lists that do not compare element by element; undefined when they do. */
  equals(_other: CelValue): boolean | CelError | undefined {
    return undefined;
  }

  /** What `+` gives for lists that do not just concatenate. */
  plus(_other: CelList): CelList | undefined {
    return undefined;
  }

  /** The list without what a schema says about it, which is what an optional gives back (as upstream's). */
  get raw(): CelList {
    return this;
  }

  /** The JSON that this is a view on. */
  get json(): JsonValue[] | undefined {
    return undefined;
  }
}

/** A list of values, as of a literal or of what a function gives. */
export class ValueList extends CelList {
  readonly values: readonly CelResult[];

  constructor(values: readonly CelResult[]) {
    super();
    this.values = values;
  }

  override get size(): number {
    return this.values.length;
  }

  override get(index: number): CelResult {
    return this.values[index]!;
  }
}

/** The list that a macro fills: `+` adds to it in place. Nothing but the macro sees it before it is done. */
export class AccumulatedList extends CelList {
  readonly #values: CelResult[] = [];

  override get size(): number {
    return this.#values.length;
  }

  override get(index: number): CelResult {
    return this.#values[index]!;
  }

  override plus(other: CelList): this {
    for (let index = 0; index < other.size; index++) this.#values.push(other.get(index));
    return this;
  }

  done(): ValueList {
    return new ValueList(this.#values);
  }
}

/** Two lists as one, without copying: `+` costs the same whatever the lengths. */
export class ConcatenatedList extends CelList {
  readonly #first: CelList;
  readonly #second: CelList;
  override readonly size: number;

  constructor(first: CelList, second: CelList) {
    super();
    this.#first = first;
    this.#second = second;
    this.size = first.size + second.size;
  }

  override get(index: number): CelResult {
    return index < this.#first.size ? this.#first.get(index) : this.#second.get(index - this.#first.size);
  }
}

/** A map, or an object with declared fields. */
export abstract class CelMap {
  abstract readonly size: number;
  /** undefined when there is no such key; an error when keys of this kind cannot be asked for. */
  abstract find(key: CelValue): CelResult | undefined;
  abstract keys(): Iterable<CelValue>;

  /** Equality of maps that do not compare entry by entry; undefined when they do. */
  equals(_other: CelValue): boolean | CelError | undefined {
    return undefined;
  }

  /** The map without what a schema says about it, which is what an optional gives back (as upstream's). */
  get raw(): CelMap {
    return this;
  }

  /** The JSON that this is a view on. */
  get json(): JsonValue | undefined {
    return undefined;
  }

  /** The name of the type at run time: `map`, or the name of an object that an expression made. */
  get typeName(): string {
    return "map";
  }
}

/** A map of values, as of a literal. Numbers are found whatever their type. */
export class ValueMap extends CelMap {
  readonly #entries = new Map<string | number | bigint | boolean | null, [CelValue, CelResult]>();

  override get size(): number {
    return this.#entries.size;
  }

  override keys(): Iterable<CelValue> {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  /** Values that are no key (lists, maps, times) are answered with an error. */
  set(key: CelValue, value: CelResult): CelError | undefined {
    const identity = keyIdentity(key);
    if (identity === undefined) return new CelError("unsupported key type");
    this.#entries.set(identity, [key, value]);
    return undefined;
  }

  delete(key: CelValue): void {
    const identity = keyIdentity(key);
    if (identity !== undefined) this.#entries.delete(identity);
  }

  override find(key: CelValue): CelResult | undefined {
    const identity = keyIdentity(key);
    if (identity === undefined) return undefined;
    const entry = this.#entries.get(identity);
    if (entry !== undefined) return entry[1];
    for (const other of sameNumbers(key)) {
      const found = this.#entries.get(other);
      if (found !== undefined) return found[1];
    }
    return undefined;
  }
}

/** What tells keys apart in a Map; undefined for what cannot be a key. */
function keyIdentity(key: CelValue): string | number | bigint | boolean | null | undefined {
  if (key === null || typeof key === "boolean" || typeof key === "number" || typeof key === "bigint")
    return key;
  if (typeof key === "string") return `s${key}`;
  if (key instanceof CelUint) return `u${key.value}`;
  return key instanceof CelDouble ? `d${key.value}` : undefined;
}

/** Identities of the same number as a key of another type. */
function sameNumbers(key: CelValue): (string | number | bigint)[] {
  if (typeof key === "number" || typeof key === "bigint") return key >= 0 ? [`u${key}`] : [];
  if (key instanceof CelUint) return key.value < 2n ** 63n ? [intIdentity(key.value)] : [];
  if (key instanceof CelDouble && Number.isInteger(key.value) && Math.abs(key.value) < 2 ** 64) {
    const value = BigInt(key.value);
    return [intIdentity(value), ...(value >= 0n ? [`u${value}`] : [])];
  }
  return [];
}

function intIdentity(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Values of libraries: quantities, addresses, URLs, authorizers and the like. */
export abstract class CelOpaque {
  abstract readonly type: CelType;
  abstract equals(other: CelValue): boolean | CelError;

  /** The size that costs count; most have none. */
  get size(): number | undefined {
    return undefined;
  }

  /** As texts of errors show it. */
  toString(): string {
    return this.type.name;
  }
}

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

  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
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

/** A list. Elements may be errors: data that does not have its declared type. */
export abstract class CelList {
  abstract readonly size: number;
  /** `index` must be from 0 to size - 1. */
  abstract get(index: number): CelResult;

  /** JSON in JavaScript's own types when this is a view on JSON. */
  get json(): JsonValue[] | undefined {
    return undefined;
  }
}

/** A map, or an object with declared fields. */
export abstract class CelMap {
  abstract readonly size: number;
  /** undefined when there is no such key; an error when keys of this kind cannot be asked for. */
  abstract find(key: CelValue): CelResult | undefined;
  abstract keys(): Iterable<CelValue>;

  /** Whether a field is there, without reading its value. */
  has(key: CelValue): boolean | CelError {
    const value = this.find(key);
    return value instanceof CelError ? value : value !== undefined;
  }

  /** JSON in JavaScript's own types when this is a view on JSON. */
  get json(): JsonValue | undefined {
    return undefined;
  }

  /** The name of the type at run time: `map`, or the name of an object that an expression made. */
  get typeName(): string {
    return "map";
  }
}

/** Values of libraries: quantities, addresses, URLs, authorizers and the like. */
export abstract class CelOpaque {
  abstract readonly type: CelType;
  abstract equals(other: CelValue): boolean | CelError;
}

/** What JSON paths find, and how their filters compare it: as text/template of Go does, where an integer and a float never meet. */
import { compareBytes } from "#base/bytes.ts";
import { isRawNumber, type JsonValue } from "#machinery/json/value.ts";

/** A value of the object, or one that only the path makes. */
export type Found = JsonValue | Made;

/** A byte of a text (whose parts `*` gives), or a number that stands in the path. */
export class Made {
  readonly type: "uint8" | "int" | "float64";
  readonly value: number;

  constructor(type: Made["type"], value: number) {
    this.type = type;
    this.value = value;
  }
}

/** What Go has for a value: its kind, and something to compare with others of that kind. */
interface Basic {
  readonly kind: "bool" | "int" | "uint" | "float" | "string";
  readonly value: boolean | number | bigint | string;
}

/** Undefined: the two have kinds that cannot be compared. */
export function goEqual(left: Found, right: Found): boolean | undefined {
  const [a, b] = [basic(left), basic(right)];
  if (a === undefined || b === undefined || !isSameKind(a, b)) return undefined;
  // Loosely: integers are plain numbers or big ones.
  // biome-ignore lint/suspicious/noDoubleEquals: 1n == 1
  return a.value == b.value;
}

export function goLess(left: Found, right: Found): boolean | undefined {
  const [a, b] = [basic(left), basic(right)];
  if (a === undefined || b === undefined || !isSameKind(a, b) || a.kind === "bool") return undefined;
  return a.kind === "string" ? compareBytes(String(a.value), String(b.value)) < 0 : a.value < b.value;
}

const isSameKind = (a: Basic, b: Basic): boolean => family(a) === family(b);
const family = ({ kind }: Basic): string => (kind === "uint" ? "int" : kind);

function basic(value: Found): Basic | undefined {
  if (value instanceof Made) {
    const kind = value.type === "float64" ? "float" : value.type === "int" ? "int" : "uint";
    return { kind, value: value.value };
  }
  if (isRawNumber(value)) {
    const whole = goInteger(value);
    return whole === undefined
      ? { kind: "float", value: Number(value.rawJSON) }
      : { kind: "int", value: whole };
  }
  switch (typeof value) {
    case "boolean":
      return { kind: "bool", value };
    case "string":
      return { kind: "string", value };
    case "number":
      return { kind: goInteger(value) === undefined ? "float" : "int", value };
    default:
      return undefined;
  }
}

/** A number that Go reads as int64: whole, and of 64 bits. Undefined: it is a float64, or no number. */
export function goInteger(value: Found): bigint | number | undefined {
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? value : undefined;
  if (value instanceof Made || !isRawNumber(value) || !/^-?[0-9]+$/.test(value.rawJSON)) return undefined;
  const whole = BigInt(value.rawJSON);
  return BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

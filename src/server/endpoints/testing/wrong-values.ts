/** Which values of an object are wrong, and in what words upstream may tell one of them. */
import {
  isJsonObject,
  isRawNumber,
  type JsonObject,
  type JsonValue,
  rawNumber,
} from "#machinery/json/value.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import type { ExpectedType } from "../decode-body.ts";
import { codecs } from "./upstream-kinds.ts";

/** One wrong value, looked at by itself. */
interface WrongValue {
  readonly path: readonly (string | number)[];
  readonly value: JsonValue;
  /** In the words of the JSON decoder. */
  readonly text: string;
}

type Wrap = (value: JsonValue) => JsonObject;

/** All values of an object that are wrong, without what they hold. */
function wrongValues(kind: ExpectedType, object: JsonValue): WrongValue[] {
  const compiled = codecs.compiler.compile(kind.type);
  const found: WrongValue[] = [];
  const visit = (value: JsonValue, path: WrongValue["path"], wrap: Wrap): void => {
    const container = Array.isArray(value) ? [] : isJsonObject(value) ? {} : undefined;
    const text = problemOf(() => compiled.decode(wrap(container ?? value)));
    if (text !== undefined) found.push({ path, value, text });
    else if (Array.isArray(value))
      for (const [index, item] of value.entries()) visit(item, [...path, index], (inner) => wrap([inner]));
    else if (isJsonObject(value))
      for (const [key, member] of Object.entries(value))
        visit(member, [...path, key], (inner) => wrap({ [key]: inner }));
  };
  if (isJsonObject(object))
    for (const [key, member] of Object.entries(object)) visit(member, [key], (inner) => ({ [key]: inner }));
  return found;
}

function problemOf(decode: () => unknown): string | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

/** In what words the JSON decoder tells the wrong values of an object, each by itself. */
export const decoderTexts = (kind: ExpectedType, object: JsonValue): readonly string[] =>
  wrongValues(kind, object).map(({ text }) => text);

/** The kind of what Go holds a JSON value in. */
function goKind(value: JsonValue): string {
  if (Array.isArray(value)) return "slice";
  if (isRawNumber(value)) return /^-?\d+$/.test(value.rawJSON) ? "int64" : "float64";
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map";
}

/**
 * In what words upstream's converter to Go types may tell the wrong values (apimachinery pkg/runtime/converter.go, fromUnstructured):
 * by the kinds of the value and of the Go type, or as the type's own reader has it.
 */
export function converterTexts(kind: ExpectedType, object: JsonValue): ReadonlySet<string> {
  return new Set(
    wrongValues(kind, object).flatMap(({ value, text }) => {
      const from = goKind(value);
      const [, to] = / of type (\S+)$/.exec(text) ?? [];
      // Its own reader: times, quantities, bytes.
      if (to === undefined) return [text, `error decoding from json: ${text}`];
      if (to.startsWith("map[")) return [`cannot restore map from ${from}`];
      if (to.startsWith("[]")) return [`cannot restore slice from ${from}`];
      const ownReader = text.replace(/Go struct field \S+ of type/, "Go value of type");
      return [
        ownReader,
        `cannot restore struct from: ${from}`,
        `cannot convert ${from} to ${to}`,
        `unrecognized type: ${to}`,
        // A text, a map or a list by another name.
        ...(to.includes(".")
          ? [
              "unrecognized type: string",
              `cannot restore map from ${from}`,
              `cannot restore slice from ${from}`,
            ]
          : []),
      ];
    }),
  );
}

/** The object as upstream's converter takes it: integers run over where their field has less bits. */
export function runOver(kind: ExpectedType, object: JsonValue): JsonValue {
  const narrowed = new Map<string, JsonValue>();
  for (const { path, text } of wrongValues(kind, object)) {
    const [, number, bits] =
      /^json: cannot unmarshal number (-?\d+(?:e\+\d+)?) into .* of type u?int(32|64)$/.exec(text) ?? [];
    if (number === undefined) continue;
    // What is no int64 is a float, which a processor makes the least of them.
    const isInteger = !number.includes("e") && BigInt.asIntN(64, BigInt(number)) === BigInt(number);
    const left = BigInt.asIntN(Number(bits), isInteger ? BigInt(number) : -(2n ** 63n));
    const isSafe = Number.isSafeInteger(Number(left));
    narrowed.set(JSON.stringify(path), isSafe ? Number(left) : rawNumber(String(left)));
  }
  const change = (value: JsonValue, path: WrongValue["path"]): JsonValue => {
    if (Array.isArray(value)) return value.map((item, index) => change(item, [...path, index]));
    if (isJsonObject(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, change(member, [...path, key])]),
      );
    return narrowed.get(JSON.stringify(path)) ?? value;
  };
  return change(object, []);
}

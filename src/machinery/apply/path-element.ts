/**
 * One step of a field path (structured-merge-diff, fieldpath.PathElement), as the text that it has in FieldsV1:
 * `f:name` (field or map key), `k:{"name":"a"}` (item of a list by its keys), `v:"a"` (item of a set), `i:0` (index).
 * Texts are canonical: equal elements are equal strings.
 */
import { compareBytes, sortByBytes } from "#base/bytes.ts";
import { parseJson } from "#machinery/json/read.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { sortedKeys } from "#machinery/schema/order.ts";
import { goFloat } from "#machinery/values/float.ts";
import { goNumber, goString, goValueJson, goValueText } from "./go-text.ts";

export type PathElement = string;
export type FieldPath = readonly PathElement[];

export const fieldElement = (name: string): PathElement => `f:${name}`;

export const valueElement = (value: JsonValue): PathElement => `v:${goValueJson(value)}`;

/** `fields` in the order of their names' bytes. */
export function keyElement(fields: readonly (readonly [name: string, value: JsonValue])[]): PathElement {
  let text = "k:{";
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i]!;
    text += `${i === 0 ? "" : ","}${goString(name, false)}:${goValueJson(value)}`;
  }
  return `${text}}`;
}

/** Thrown for field sets that cannot be read; managed fields with one are not valid. */
export class FieldSetError extends Error {
  override readonly name = "FieldSetError";
}

/** The canonical form of an element that a client wrote; undefined for kinds of a later version, which are ignored. */
export function readElement(text: string): PathElement | undefined {
  if (text.length < 2) throw new FieldSetError("key must be 2 characters long:");
  if (text[1] !== ":") throw new FieldSetError(`missing colon: ${text}`);
  switch (text[0]) {
    case "f":
      return text;
    case "v":
      return valueElement(asFloats(readValue(text.slice(2))));
    case "k": {
      const value = readValue(text.slice(2));
      if (value === null) return "k:{}";
      if (!isJsonObject(value)) throw new FieldSetError(`expect { in ${text}`);
      return keyElement(sortedKeys(value).map((name) => [name, asFloats(value[name]!)]));
    }
    case "i": {
      if (!/^[+-]?\d{1,15}$/.test(text.slice(2))) throw new FieldSetError(`not an index: ${text}`);
      return `i:${Number(text.slice(2))}`;
    }
    default:
      return undefined;
  }
}

function readValue(text: string): JsonValue {
  try {
    return parseJson(Buffer.from(text, "utf8")).value;
  } catch (error) {
    throw new FieldSetError((error as Error).message);
  }
}

/** Upstream reads the numbers of elements as doubles. */
function asFloats(value: JsonValue): JsonValue {
  return isRawNumber(value) ? Number(value.rawJSON) : value;
}

/** The name behind `f:`; undefined for other elements. */
export const fieldName = (element: PathElement): string | undefined =>
  element.startsWith("f:") ? element.slice(2) : undefined;

const ranks = "fkvi";

/** Upstream's order: fields, keys, values, indexes; within a kind by content. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a === b) return 0;
  if (a[0] !== b[0]) return ranks.indexOf(a[0]!) - ranks.indexOf(b[0]!);
  switch (a[0]) {
    case "f":
      return compareBytes(a, b);
    case "i":
      return Number(a.slice(2)) - Number(b.slice(2));
    default:
      return compareContents(contentOf(a), contentOf(b));
  }
}

/** Sorts elements as {@link compareElements} does, reading each only once. */
export function sortElements(elements: PathElement[]): PathElement[] {
  if (elements.length < 2) return elements;
  if (elements.every((element) => element.startsWith("f:"))) return sortByBytes(elements);
  return elements
    .map((element) => ({ element, content: element.startsWith("f:") ? undefined : contentOf(element) }))
    .sort((a, b) =>
      a.element[0] !== b.element[0] || a.content === undefined
        ? compareElements(a.element, b.element)
        : compareContents(a.content, b.content!),
    )
    .map(({ element }) => element);
}

const contentOf = (element: PathElement): JsonValue => JSON.parse(element.slice(2)) as JsonValue;

/** Keys compare name by name, values by kind first. */
function compareContents(a: JsonValue, b: JsonValue): number {
  if (isJsonObject(a) && isJsonObject(b)) return compareFields(a, b);
  return compareValues(a, b);
}

function compareFields(a: JsonObject, b: JsonObject): number {
  const left = sortedKeys(a);
  const right = sortedKeys(b);
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i++) {
    const names = compareBytes(left[i]!, right[i]!);
    if (names !== 0) return names;
    const values = compareValues(a[left[i]!]!, b[right[i]!]!);
    if (values !== 0) return values;
  }
  return left.length - right.length;
}

function kindRank(value: JsonValue): number {
  if (typeof value === "number") return 0;
  if (typeof value === "string") return 1;
  if (typeof value === "boolean") return 2;
  if (Array.isArray(value)) return 3;
  return value === null ? 5 : 4;
}

function compareValues(a: JsonValue, b: JsonValue): number {
  const rank = kindRank(a);
  const ranks = rank - kindRank(b);
  if (ranks !== 0) return ranks;
  switch (rank) {
    case 0:
      return (a as number) - (b as number);
    case 1:
      return compareBytes(a as string, b as string);
    case 2:
      return Number(a) - Number(b);
    case 3:
      return compareLists(a as JsonValue[], b as JsonValue[]);
    case 4:
      return compareFields(a as JsonObject, b as JsonObject);
    default:
      return 0;
  }
}

function compareLists(a: readonly JsonValue[], b: readonly JsonValue[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const order = compareValues(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** As people read it: `.name`, `[name="a",port=80]`, `[="a"]`, `[0]`. Numbers are those of an object. */
export const elementText = (element: PathElement): string => textOf(element, goNumber);

function textOf(element: PathElement, numberText: (value: number) => string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${rest}`;
    case "k": {
      const fields = contentOf(element) as JsonObject;
      return `[${sortedKeys(fields)
        .map((name) => `${name}=${goValueText(fields[name]!, numberText)}`)
        .join(",")}]`;
    }
    case "v":
      return `[=${goValueText(contentOf(element), numberText)}]`;
    default:
      return `[${rest}]`;
  }
}

/** A path of a field set that was read, whose numbers are all floats: 1000000 is `1e+06`. */
export const pathText = (path: FieldPath): string => path.map((element) => textOf(element, goFloat)).join("");

/** A path of a field set that was made from an object. */
export const freshPathText = (path: FieldPath): string => path.map(elementText).join("");

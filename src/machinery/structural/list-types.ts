/** Uniqueness in lists of type set and map (apiextensions-apiserver pkg/apiserver/schema/listtype). */
import { compareBytes } from "#base/bytes.ts";
import { type FieldError, fieldDuplicate, fieldInvalid } from "#machinery/errors/field-error.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { flags, type SchemaNode } from "./node.ts";
import { shownValue } from "./numbers.ts";

/** Duplicates below `value`: each value that occurs again is told once, where it occurs for the second time. */
export function listTypeErrors(value: JsonValue, schema: SchemaNode | undefined, path = ""): FieldError[] {
  const errors: FieldError[] = [];
  collect(value, schema, path, errors);
  return errors;
}

function collect(value: JsonValue, schema: SchemaNode | undefined, path: string, errors: FieldError[]): void {
  if (schema === undefined || !schema.has(flags.listTypesBelow)) return;
  if (Array.isArray(value)) {
    if (schema.list?.type === "set") errors.push(...setErrors(value, path));
    else if (schema.list?.type === "map") errors.push(...mapErrors(value, schema.list.keys, path));
    if (schema.items?.has(flags.listTypesBelow) !== true) return;
    for (let i = 0; i < value.length; i++) collect(value[i]!, schema.items, `${path}[${i}]`, errors);
    return;
  }
  if (!isJsonObject(value)) return;
  const { additional } = schema;
  for (const key of Object.keys(value)) {
    // A key that is also a property is held against both, as upstream does.
    if (typeof additional === "object") collect(value[key]!, additional, `${path}[${key}]`, errors);
    const child = schema.property(key);
    if (child !== undefined) collect(value[key]!, child, path === "" ? key : `${path}.${key}`, errors);
  }
}

/** Positions at which something occurs for the second time. */
function repeated(values: readonly unknown[]): number[] {
  if (values.length <= 1) return [];
  const seen = new Map<unknown, number>();
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const key = values[i];
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    if (times === 1) found.push(i);
  }
  return found;
}

const setErrors = (list: readonly JsonValue[], path: string): FieldError[] =>
  repeated(list.length <= 1 ? list : list.map(identity)).map((i) =>
    fieldDuplicate(`${path}[${i}]`, shownValue(list[i]!)),
  );

/** For `uniqueItems`. */
export const hasDuplicates = (list: readonly JsonValue[]): boolean => repeated(list.map(identity)).length > 0;

/** Equal for equal values, and never equal for a scalar and something compound. */
function identity(value: JsonValue): unknown {
  if (typeof value === "object" && value !== null) {
    return isRawNumber(value) ? BigInt(value.rawJSON) : `\u0000${sortedJson(value)}`;
  }
  return typeof value === "string" ? `s${value}` : value;
}

/** JSON with sorted keys, so that equal objects have equal texts. */
function sortedJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort(compareBytes);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(value[key]!)}`).join(",")}}`;
}

const unspecified = Symbol("unspecified key");

function mapErrors(list: readonly JsonValue[], keys: readonly string[], path: string): FieldError[] {
  for (let i = 0; i < list.length; i++) {
    const item = list[i]!;
    if (item !== null && !isJsonObject(item)) {
      return [
        fieldInvalid(`${path}[${i}]`, shownValue(item), "must be an object for an array of list-type map"),
      ];
    }
  }
  if (list.length <= 1) return [];
  const [first] = keys;
  if (keys.length === 1 && first !== undefined) {
    const values = list.map((item) =>
      isJsonObject(item) && Object.hasOwn(item, first) ? identity(item[first]!) : unspecified,
    );
    return repeated(values).map((i) => fieldDuplicate(`${path}[${i}]`, shownValue(keyOf(list[i]!, keys))));
  }
  return repeated(list.map((item) => sortedJson(keyOf(item, keys)))).map((i) =>
    fieldDuplicate(`${path}[${i}]`, shownValue(keyOf(list[i]!, keys))),
  );
}

/** The keys that an item has. */
function keyOf(item: JsonValue, keys: readonly string[]): JsonObject {
  const found: JsonObject = {};
  if (!isJsonObject(item)) return found;
  for (const key of [...keys].sort(compareBytes))
    if (Object.hasOwn(item, key)) setOwn(found, key, item[key]!);
  return found;
}

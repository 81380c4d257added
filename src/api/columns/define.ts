/** The small language that the column files are written in. */
import { getOwn, isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { ageOf } from "./age.ts";
import type { ColumnDefinition, Columns } from "./types.ts";

type Type = ColumnDefinition["type"];
type Value = JsonValue | undefined;

/** One column: its definition, and its cell from an object. */
export interface Column {
  readonly definition: ColumnDefinition;
  readonly cell: (object: JsonObject, nowMs: number) => JsonValue;
}

export const column = (
  name: string,
  cell: Column["cell"],
  { type = "string", wide = false, format = "" }: { type?: Type; wide?: boolean; format?: string } = {},
): Column => ({ definition: { name, type, format, description: "", priority: wide ? 1 : 0 }, cell });

export function columns(...list: Column[]): Columns {
  return {
    definitions: list.map(({ definition }) => definition),
    cells: (object, nowMs) => list.map(({ cell }) => cell(object as unknown as JsonObject, nowMs)),
  };
}

export const nameOf = (object: JsonObject): string => text(object, "metadata", "name");
export const name: Column = column("Name", nameOf, { format: "name" });
export const age: Column = column("Age", (object, now) =>
  ageOf(get(object, "metadata", "creationTimestamp"), now),
);
export const string = (title: string, ...path: string[]): Column =>
  column(title, (object) => text(object, ...path));
export const wide = (title: string, cell: Column["cell"]): Column => column(title, cell, { wide: true });
export const integer = (title: string, ...path: string[]): Column =>
  column(title, (object) => number(object, ...path), { type: "integer" });

/** The value at a path of own members; undefined where the path ends early. */
export function get(value: Value, ...path: readonly string[]): Value {
  let current = value;
  for (const member of path) current = isJsonObject(current) ? getOwn(current, member) : undefined;
  return current;
}

/** Go's zero value where there is none: the empty string. */
export function text(value: Value, ...path: readonly string[]): string {
  const found = get(value, ...path);
  return typeof found === "string" ? found : "";
}

export function number(value: Value, ...path: readonly string[]): number {
  const found = get(value, ...path);
  if (isRawNumber(found)) return Number(found.rawJSON);
  return typeof found === "number" ? found : 0;
}

export const flag = (value: Value, ...path: readonly string[]): boolean => get(value, ...path) === true;

export function list(value: Value, ...path: readonly string[]): JsonValue[] {
  const found = get(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function members(value: Value, ...path: readonly string[]): [string, JsonValue][] {
  const found = get(value, ...path);
  return isJsonObject(found) ? Object.entries(found) : [];
}

export const present = (value: Value, ...path: readonly string[]): boolean => {
  const found = get(value, ...path);
  return found !== undefined && found !== null;
};

/** The status of the first condition of a type; empty when there is none. */
export const conditionStatus = (object: JsonObject, type: string): string =>
  text(
    list(object, "status", "conditions").find((condition) => text(condition, "type") === type),
    "status",
  );

/** Numbers and quantities are shown alike. */
export const shown = (value: Value): string =>
  isRawNumber(value)
    ? value.rawJSON
    : typeof value === "string" || typeof value === "number"
      ? String(value)
      : "";

/** Strings in byte order, as Go sorts them. */
export const sorted = (values: readonly string[]): string[] =>
  [...values].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The first `max` entries, and how many more there are. */
export function fewOf(
  values: readonly string[],
  max: number,
  separator = ",",
  count = values.length,
): string {
  const shownValues = values.slice(0, max).join(separator);
  return values.length > max ? `${shownValues} + ${count - max} more...` : shownValues;
}

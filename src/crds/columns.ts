/** Tables of custom resources (apiextensions-apiserver pkg/registry/customresource/tableconvertor). */
import { ageOf } from "#api/columns/age.ts";
import { nameOf } from "#api/columns/define.ts";
import type { ColumnDefinition, Columns } from "#api/columns/types.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import { parseJsonPath } from "#machinery/values/json-path.ts";

/** One of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

const ageColumn: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
};

/** Columns of a version; without any of its own there is the age. From a path that cannot be read on, none is shown. */
export function customColumns(given: readonly PrinterColumn[]): Columns {
  const definitions: ColumnDefinition[] = [
    { name: "Name", type: "string", format: "name", description: "", priority: 0 },
  ];
  const cells: ((object: JsonObject, nowMs: number) => JsonValue)[] = [];
  for (const column of given.length === 0 ? [ageColumn] : given) {
    const path = parseJsonPath(column.jsonPath);
    if (path === undefined) break;
    const { type, description = "" } = column;
    definitions.push({
      name: column.name,
      type: type as ColumnDefinition["type"],
      format: column.format ?? "",
      description:
        description === ""
          ? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`
          : description,
      priority: column.priority ?? 0,
    });
    cells.push((object, nowMs) => cellOf(type, path.find(object)[0], nowMs));
  }
  return {
    definitions,
    cells(object, nowMs) {
      const json = object as unknown as JsonObject;
      return [nameOf(json), ...cells.map((cell) => cell(json, nowMs))];
    },
  };
}

function cellOf(type: string, value: JsonValue | undefined, nowMs: number): JsonValue {
  if (value === undefined) return null;
  switch (type) {
    case "string":
      return printed(value);
    case "integer": {
      const number = isRawNumber(value) ? Number(value.rawJSON) : value;
      return typeof number === "number" ? Math.trunc(number) : null;
    }
    case "number":
      return typeof value === "number" ? value : isRawNumber(value) ? Number(value.rawJSON) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, nowMs) : null;
    default:
      return null;
  }
}

/** As Go prints a value; structures are JSON with sorted keys. */
export function printed(value: JsonValue): string {
  if (value === null) return "<no value>";
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === "object" ? goJson(sortedCopy(value)) : String(value);
}

function sortedCopy(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortedCopy);
  if (!isJsonObject(value)) return value;
  const entries = Object.keys(value)
    .sort()
    .map((key) => [key, sortedCopy(value[key]!)] as const);
  return Object.fromEntries(entries);
}

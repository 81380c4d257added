/** Tables of custom resources (apiextensions-apiserver pkg/registry/customresource/tableconvertor). */
import { ageOf } from "#api/columns/age.ts";
import { nameOf } from "#api/columns/define.ts";
import type { ColumnDefinition, Columns } from "#api/columns/types.ts";
import { sortedCopy } from "#machinery/json/sorted.ts";
import { isRawNumber, type JsonObject, type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { goJson, writeJson } from "#machinery/json/write.ts";
import { goFloat } from "#machinery/values/float.ts";
import { parseJsonPath } from "#machinery/values/json-path.ts";
import { type Found, goInteger, Made } from "#machinery/values/json-path-values.ts";

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
        description === "" && column !== ageColumn
          ? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`
          : description,
      priority: column.priority ?? 0,
    });
    cells.push((object, nowMs) => cellOf(type, path.find(object)?.[0], nowMs));
  }
  return {
    definitions,
    cells(object, nowMs) {
      const json = object as unknown as JsonObject;
      return [nameOf(json), ...cells.map((cell) => cell(json, nowMs))];
    },
  };
}

function cellOf(type: string, value: Found | undefined, nowMs: number): JsonValue {
  if (value === undefined) return null;
  switch (type) {
    case "string":
      return printed(value);
    case "integer":
      return wholeOf(value);
    case "number":
      return floatOf(value);
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, nowMs) : null;
    default:
      return null;
  }
}

/** What a conversion to int64 makes of a float that is too great, on most machines. */
const outOfRange = rawNumber("-9223372036854775808");

function wholeOf(value: Found): JsonValue {
  if (value instanceof Made && value.type !== "float64") return null;
  if (!(value instanceof Made) && goInteger(value) !== undefined) return value;
  const float = floatOf(value);
  if (typeof float !== "number") return null;
  return Math.abs(float) < 2 ** 63 ? Math.trunc(float) : outOfRange;
}

/** Numbers in the path, and bytes of a text, are no numbers of an object. */
function floatOf(value: Found): JsonValue {
  if (value instanceof Made) return value.type === "float64" ? value.value : null;
  return typeof value === "number" ? value : isRawNumber(value) ? Number(value.rawJSON) : null;
}

/** As Go prints a value; structures are JSON with sorted keys. */
export function printed(value: Found): string {
  if (value === null) return "<no value>";
  if (value instanceof Made) return value.type === "float64" ? goFloat(value.value) : String(value.value);
  if (typeof value === "number") return goInteger(value) === undefined ? goFloat(value) : writeJson(value);
  if (isRawNumber(value))
    return goInteger(value) === undefined ? goFloat(Number(value.rawJSON)) : value.rawJSON;
  return typeof value === "object" ? goJson(sortedCopy(value)) : String(value);
}

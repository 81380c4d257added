import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

/** A column of a meta/v1 Table. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  /** `name` marks the column that identifies the row; else empty. */
  readonly format: string;
  readonly description: string;
  /** Above 0: shown by `-o wide` only. */
  readonly priority: number;
}

/** How a kind looks in a Table. */
export interface Columns {
  readonly definitions: readonly ColumnDefinition[];
  /** One cell for each definition. Ages are counted to `nowMs`, in milliseconds since the epoch. */
  cells(object: KubeObject, nowMs: number): JsonValue[];
}

export interface ColumnSource {
  /** `Name` and `Created At` for a kind without columns of its own. */
  columnsFor(group: string, resource: string): Columns;
}

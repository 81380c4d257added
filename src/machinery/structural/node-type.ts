/** The types that expressions see in the values of a node. */
import { celTypeOf, type SchemaReader, type SchemaTypeOptions } from "#machinery/cel/schema-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import { flags, type SchemaNode } from "./node.ts";

/** Undefined when expressions cannot see such values. */
export const celTypeOfNode = (node: SchemaNode, options: SchemaTypeOptions): CelType | undefined =>
  celTypeOf(node, nodeReader, options);

const nodeReader: SchemaReader<SchemaNode> = {
  type: ({ type }) => type,
  format: (node) => (node.has(flags.intOrStringFormat) ? "int-or-string" : node.checks?.format),
  isIntOrString: (node) => node.has(flags.intOrString),
  isNullable: (node) => node.has(flags.nullable),
  isEmbedded: (node) => node.has(flags.embedded),
  hasDefault: (node) => node.default !== undefined,
  limit({ checks }, name) {
    const value = checks?.[name];
    return value === undefined ? undefined : Math.max(value, 0);
  },
  enum: ({ checks }) => checks?.enum,
  listType: ({ list }) => list?.type,
  mapKeys: ({ list }) => list?.keys ?? none,
  items: ({ items }) => items,
  additional: ({ additional }) => (typeof additional === "object" ? additional : undefined),
  property: (node, name) => node.property(name),
  required: ({ checks }) => checks?.required ?? none,
};

const none: readonly string[] = [];

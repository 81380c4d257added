/**
 * Custom schemas as {@link Schema} nodes, for server-side apply: what upstream makes of them through OpenAPI
 * (apiextensions-apiserver pkg/controller/openapi/builder, kube-openapi pkg/schemaconv).
 */
import type { Field, ListSchema, Schema, TypeName } from "#machinery/schema/types.ts";
import { flags, type SchemaNode } from "./node.ts";

const objectMeta: TypeName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** `preserves`: nothing is unknown anywhere below (`spec.preserveUnknownFields`). */
export const schemaOfNode = (root: SchemaNode, preserves = false): Schema =>
  new Converter().convert(root, preserves, true);

const any: Schema = { kind: "any" };
const text: Schema = { kind: "string" };

class Converter {
  /** By whether unknown fields are preserved there. */
  readonly #known = [new Map<SchemaNode, Schema>(), new Map<SchemaNode, Schema>()] as const;

  convert(node: SchemaNode, preserves: boolean, isResource = node.has(flags.embedded)): Schema {
    const keeps = preserves || node.has(flags.preserve);
    const known = this.#known[keeps ? 1 : 0];
    let schema = known.get(node);
    if (schema === undefined) {
      schema = { ...this.#plain(node, keeps, isResource), ...commonOf(node) };
      known.set(node, schema);
    }
    return schema;
  }

  #plain(node: SchemaNode, preserves: boolean, isResource: boolean): Schema {
    if (isResource) return this.#object(node, preserves, true);
    switch (node.type) {
      case "string":
        return { kind: "string", ...formatOf(node) };
      case "integer":
      case "number":
      case "boolean":
        return { kind: node.type };
      case "array":
        return this.#list(node, preserves);
      case "object":
        return this.#object(node, preserves, false);
      default:
        if (node.has(flags.intOrString)) return { kind: "string", format: "int-or-string" };
        if (node.items !== undefined) return this.#list(node, preserves);
        return node.names.length > 0 || typeof node.additional === "object"
          ? this.#object(node, preserves, false)
          : any;
    }
  }

  #list(node: SchemaNode, preserves: boolean): ListSchema {
    const { list, items } = node;
    return {
      kind: "list",
      items: items === undefined ? any : this.convert(items, preserves),
      listType: list?.type ?? "atomic",
      ...(list?.type === "map" ? { listMapKeys: list.keys } : {}),
    };
  }

  #object(node: SchemaNode, preserves: boolean, isResource: boolean): Schema {
    const fields = new Map<string, Field>();
    for (let i = 0; i < node.names.length; i++) {
      const name = node.names[i]!;
      // What is absent is absent: no list key counts as Go's zero value.
      fields.set(name, { name, schema: this.convert(node.nodes[i]!, preserves), omitEmpty: true });
    }
    if (isResource) {
      fields.set("apiVersion", { name: "apiVersion", schema: text });
      fields.set("kind", { name: "kind", schema: text });
      fields.set("metadata", { name: "metadata", schema: { kind: "ref", ref: objectMeta } });
    }
    const { additional } = node;
    const open = additional === undefined ? preserves || fields.size === 0 : additional !== false;
    const rest =
      typeof additional === "object" ? this.convert(additional, preserves) : open ? any : undefined;
    const atomic = node.has(flags.atomicMap) ? { atomic: true } : {};
    if (fields.size === 0 && rest !== undefined) return { kind: "map", values: rest, ...atomic };
    return { kind: "object", fields, ...(rest === undefined ? {} : { rest }), ...atomic };
  }
}

/** A string with a format is any scalar to upstream's apply; only bytes are strings. */
function formatOf(node: SchemaNode): { readonly format?: "byte" | "other" } {
  const format = node.checks?.format;
  if (format === undefined) return {};
  return { format: format === "byte" ? "byte" : "other" };
}

const commonOf = (node: SchemaNode): Pick<Schema, "default" | "nullable"> => ({
  ...(node.default === undefined ? {} : { default: node.default }),
  ...(node.has(flags.nullable) ? { nullable: true } : {}),
});

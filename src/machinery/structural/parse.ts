/**
 * From the JSONSchemaProps of a definition to {@link SchemaNode}s (apiextensions-apiserver pkg/apiserver/schema/convert.go and
 * pkg/apiserver/validation, which read the same text into two models; here it is one).
 */
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import { isSupportedFormat } from "./formats/formats.ts";
import {
  type Checks,
  flags,
  type ListType,
  type NodeParts,
  type Rule,
  SchemaNode,
  type SchemaType,
} from "./node.ts";
import { coerceEmbedded } from "./object-meta.ts";
import { prune } from "./prune.ts";

/**
 * What values are held against: `custom-resource` is what serves objects; `default` is the slightly different reading by which
 * upstream checks the defaults of a new definition (formats are not stripped, int-or-string is no type of its own).
 */
export type Reading = "custom-resource" | "default";

/** Reads a schema; undefined reads as one that knows nothing. Values of the wrong type are taken as absent. */
export function parseSchema(
  schema: JsonValue | undefined,
  reading: Reading = "custom-resource",
  objectMeta?: CompiledType,
): SchemaNode {
  return new Parser(reading, objectMeta).node(isJsonObject(schema) ? schema : {}, false);
}

const own = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

class Parser {
  readonly #reading: Reading;
  readonly #objectMeta: CompiledType | undefined;
  /** Nodes by content, so that equal subtrees are one. */
  readonly #interned = new Map<string, SchemaNode>();
  readonly #ids = new Map<SchemaNode, number>();

  constructor(reading: Reading, objectMeta: CompiledType | undefined) {
    this.#reading = reading;
    this.#objectMeta = objectMeta;
  }

  /** `nested`: below allOf, anyOf, oneOf or not. */
  node(schema: JsonObject, nested: boolean): SchemaNode {
    const names: string[] = [];
    const nodes: SchemaNode[] = [];
    const properties = own(schema, "properties");
    if (isJsonObject(properties)) {
      for (const name of Object.keys(properties)) {
        const property = properties[name];
        names.push(name);
        nodes.push(this.node(isJsonObject(property) ? property : {}, nested));
      }
    }
    const itemsSchema = own(schema, "items");
    const items = isJsonObject(itemsSchema) ? this.node(itemsSchema, nested) : undefined;
    const additional = this.#additional(own(schema, "additionalProperties"), nested);
    const intOrString = own(schema, "x-kubernetes-int-or-string") === true;
    const type = typeOf(own(schema, "type"));
    const checks = this.#checks(schema, type, intOrString);
    const list = listTypeOf(schema);
    const rules = rulesOf(own(schema, "x-kubernetes-validations"));
    let value = own(schema, "default");
    if (value === null) value = undefined;

    let bits = 0;
    if (own(schema, "nullable") === true) bits |= flags.nullable;
    if (own(schema, "x-kubernetes-preserve-unknown-fields") === true) bits |= flags.preserve;
    if (own(schema, "x-kubernetes-embedded-resource") === true) bits |= flags.embedded | flags.embeddedBelow;
    if (intOrString) bits |= flags.intOrString;
    if (own(schema, "format") === "int-or-string") bits |= flags.intOrStringFormat;
    if (intOrString && this.#reading === "custom-resource") bits |= flags.eitherType;
    if (own(schema, "x-kubernetes-map-type") === "atomic") bits |= flags.atomicMap;
    if (list !== undefined && list.type !== "atomic") bits |= flags.listTypesBelow;
    if (checks !== undefined || type !== "" || intOrString || additional === false) bits |= flags.checksBelow;
    const children = items === undefined ? nodes : [...nodes, items];
    for (const child of typeof additional === "object" ? [...children, additional] : children) {
      bits |= child.flags & inherited;
      if (child.default !== undefined) bits |= flags.defaultsBelow;
    }
    // What is below a value that may be anything is not seen.
    if (intOrString) bits &= ~flags.rulesBelow;
    if (intOrString || isExposed(type, items, additional)) {
      bits |= flags.exposed;
      if (rules !== undefined) bits |= flags.rulesBelow;
    } else bits &= ~flags.rulesBelow;
    const parts: NodeParts = {
      type,
      flags: bits,
      // Copies have no room for more.
      names: names.length === 0 ? none : names.slice(),
      nodes: nodes.length === 0 ? none : nodes.slice(),
      items,
      additional,
      default: undefined,
      checks,
      list,
      rules,
    };
    if (value === undefined) return this.#intern(parts);
    return this.#intern({ ...parts, default: this.#default(value, parts) });
  }

  /** Definitions of old may have defaults with unknown fields: served ones are pruned. */
  #default(value: JsonValue, parts: NodeParts): JsonValue {
    if (this.#reading === "default" || typeof value !== "object") return value;
    const pruned = cloneJson(value);
    const node = new SchemaNode(parts);
    prune(pruned, node, node.has(flags.embedded));
    const objectMeta = this.#objectMeta;
    if (objectMeta !== undefined) coerceEmbedded(pruned, node, { objectMeta, dropInvalid: true });
    return pruned;
  }

  #additional(value: JsonValue | undefined, nested: boolean): SchemaNode | boolean | undefined {
    if (isJsonObject(value)) {
      // The schema that defaults are held against has lost it.
      return nested && this.#reading === "default" ? undefined : this.node(value, nested);
    }
    if (nested && this.#reading === "default") return undefined;
    return typeof value === "boolean" ? value : undefined;
  }

  #checks(schema: JsonObject, type: SchemaType, intOrString: boolean): Checks | undefined {
    const checks: Checks = {};
    const format = own(schema, "format");
    if (typeof format === "string" && format !== "") {
      const types = intOrString && this.#reading === "custom-resource" ? "several" : type;
      if (this.#reading === "default" || isSupportedFormat(format, types)) checks.format = format;
    }
    for (const key of numberKeys) {
      const value = numberOf(own(schema, key));
      if (value !== undefined) checks[key] = value;
    }
    for (const key of flagKeys) if (own(schema, key) === true) checks[key] = true;
    const pattern = own(schema, "pattern");
    if (typeof pattern === "string" && pattern !== "") checks.pattern = pattern;
    const required = own(schema, "required");
    if (Array.isArray(required) && required.length > 0) {
      checks.required = required.filter((name) => typeof name === "string");
    }
    const values = own(schema, "enum");
    if (Array.isArray(values) && values.length > 0) checks.enum = values;
    for (const key of ["allOf", "anyOf", "oneOf"] as const) {
      const list = own(schema, key);
      if (!Array.isArray(list) || list.length === 0) continue;
      checks[key] = list.map((inner) => this.node(isJsonObject(inner) ? inner : {}, true));
    }
    const not = own(schema, "not");
    if (isJsonObject(not)) checks.not = this.node(not, true);
    for (const _ in checks) return checks;
    return undefined;
  }

  #intern(parts: NodeParts): SchemaNode {
    const id = (node: SchemaNode): number => this.#ids.get(node)!;
    const { checks } = parts;
    const key = JSON.stringify([
      parts.type,
      parts.flags,
      parts.names,
      parts.nodes.map(id),
      parts.items === undefined ? 0 : id(parts.items),
      typeof parts.additional === "object" ? id(parts.additional) : parts.additional,
      parts.default === undefined ? 0 : [parts.default],
      checks === undefined
        ? 0
        : {
            ...checks,
            allOf: checks.allOf?.map(id),
            anyOf: checks.anyOf?.map(id),
            oneOf: checks.oneOf?.map(id),
            not: checks.not && id(checks.not),
          },
      parts.list,
      parts.rules,
    ]);
    let node = this.#interned.get(key);
    if (node === undefined) {
      node = new SchemaNode(parts);
      this.#interned.set(key, node);
      this.#ids.set(node, this.#ids.size + 1);
    }
    return node;
  }
}

const none: readonly never[] = [];

const scalars: ReadonlySet<string> = new Set(["string", "integer", "number", "boolean"]);

function isExposed(
  type: SchemaType,
  items: SchemaNode | undefined,
  additional: SchemaNode | boolean | undefined,
): boolean {
  if (type === "array") return items?.has(flags.exposed) === true;
  if (type === "object") return typeof additional !== "object" || additional.has(flags.exposed);
  return scalars.has(type);
}

/** What a node has when one below it has it. */
const inherited =
  flags.defaultsBelow | flags.embeddedBelow | flags.listTypesBelow | flags.rulesBelow | flags.checksBelow;

const numberKeys = [
  "maximum",
  "minimum",
  "multipleOf",
  "maxLength",
  "minLength",
  "maxItems",
  "minItems",
  "maxProperties",
  "minProperties",
] as const;
const flagKeys = ["exclusiveMaximum", "exclusiveMinimum", "uniqueItems"] as const;

const typeOf = (value: JsonValue | undefined): SchemaType => (typeof value === "string" ? value : "");

const numberOf = (value: JsonValue | undefined): number | undefined => {
  if (typeof value === "number") return value;
  return isRawNumber(value) ? Number(value.rawJSON) : undefined;
};

function listTypeOf(schema: JsonObject): ListType | undefined {
  const type = own(schema, "x-kubernetes-list-type");
  if (type !== "set" && type !== "map" && type !== "atomic") return undefined;
  const keys = own(schema, "x-kubernetes-list-map-keys");
  return { type, keys: Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [] };
}

function rulesOf(value: JsonValue | undefined): readonly Rule[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.map((entry) => {
    const rule = isJsonObject(entry) ? entry : {};
    const text = (key: string): string | undefined => {
      const found = own(rule, key);
      return typeof found === "string" && found !== "" ? found : undefined;
    };
    const message = text("message");
    const messageExpression = text("messageExpression");
    const reason = text("reason");
    const fieldPath = text("fieldPath");
    return {
      rule: text("rule") ?? "",
      ...(message === undefined ? {} : { message }),
      ...(messageExpression === undefined ? {} : { messageExpression }),
      ...(reason === undefined ? {} : { reason }),
      ...(fieldPath === undefined ? {} : { fieldPath }),
      ...(own(rule, "optionalOldSelf") === true ? { optionalOldSelf: true } : {}),
    };
  });
}

/**
 * A new value beside the old one that it replaces, as far as the schema lets them be matched: by field name in objects, by key in lists
 * of type map (k8s.io/apiserver pkg/cel/common/equality.go, maplist.go). What ratcheting asks is {@link Correlated.isUnchanged}.
 */
import { jsonEqual } from "#machinery/json/equal.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { SchemaNode } from "./node.ts";

export class Correlated {
  readonly value: JsonValue;
  readonly old: JsonValue;
  readonly #schema: SchemaNode;
  #unchanged: boolean | undefined;
  #oldItems: MapList | undefined;
  #children: Map<string | number, Correlated> | undefined;

  constructor(value: JsonValue, old: JsonValue, schema: SchemaNode) {
    this.value = value;
    this.old = old;
    this.#schema = schema;
  }

  /** The value of a field that both have and the schema knows; else undefined. */
  field(name: string): Correlated | undefined {
    const known = this.#children?.get(name);
    if (known !== undefined) return known;
    const { value, old } = this;
    if (!isJsonObject(value) || !isJsonObject(old)) return undefined;
    if (!Object.hasOwn(value, name) || !Object.hasOwn(old, name)) return undefined;
    const schema = this.#schema.child(name);
    return schema === undefined
      ? undefined
      : this.#keep(name, new Correlated(value[name]!, old[name]!, schema));
  }

  /** The item of a list of type map, if the old list has one of the same keys. */
  item(index: number): Correlated | undefined {
    const known = this.#children?.get(index);
    if (known !== undefined) return known;
    const { value, old } = this;
    const { items, list } = this.#schema;
    if (!Array.isArray(value) || !Array.isArray(old) || index >= value.length) return undefined;
    if (list?.type !== "map" || items === undefined) return undefined;
    this.#oldItems ??= new MapList(this.#schema, old);
    const match = this.#oldItems.get(value[index]!);
    return match === undefined ? undefined : this.#keep(index, new Correlated(value[index]!, match, items));
  }

  #keep(key: string | number, child: Correlated): Correlated {
    this.#children ??= new Map();
    this.#children.set(key, child);
    return child;
  }

  /** Equal to the old value. Lists of type map are compared by key; a field that the schema does not know is never equal. */
  get isUnchanged(): boolean {
    this.#unchanged ??= this.#compare();
    return this.#unchanged;
  }

  #compare(): boolean {
    const { value, old } = this;
    if (Array.isArray(value)) {
      if (!Array.isArray(old) || value.length !== old.length) return false;
      for (let i = 0; i < value.length; i++) {
        const child = this.item(i);
        if (child === undefined) return this.#oldItems === undefined ? jsonEqual(value, old) : false;
        if (!child.isUnchanged) return false;
      }
      return true;
    }
    if (isJsonObject(value)) {
      if (!isJsonObject(old)) return false;
      const keys = Object.keys(value);
      if (keys.length !== Object.keys(old).length) return false;
      return keys.every((key) => this.field(key)?.isUnchanged === true);
    }
    return jsonEqual(value, old);
  }
}

/** Items of a list of type map, found by their keys. */
export class MapList {
  readonly #keys: readonly string[];
  readonly #items = new Map<unknown, JsonObject>();

  constructor(schema: SchemaNode, items: readonly JsonValue[]) {
    this.#keys = schema.type === "array" && schema.list?.type === "map" ? schema.list.keys : [];
    if (this.#keys.length === 0) return;
    for (const item of items) {
      if (!isJsonObject(item)) continue;
      const key = this.#keyOf(item);
      if (key !== undefined && !this.#items.has(key)) this.#items.set(key, item);
    }
  }

  /** The item with the same keys; undefined when there is none, or a key is missing or no scalar. */
  get(item: JsonValue): JsonObject | undefined {
    if (!isJsonObject(item) || this.#keys.length === 0) return undefined;
    const key = this.#keyOf(item);
    return key === undefined ? undefined : this.#items.get(key);
  }

  #keyOf(item: JsonObject): unknown {
    const parts: string[] = [];
    for (const name of this.#keys) {
      const value = Object.hasOwn(item, name) ? item[name] : undefined;
      if (value === undefined || value === null) return undefined;
      if (typeof value === "object" && !isRawNumber(value)) return undefined;
      parts.push(JSON.stringify(value));
    }
    return parts.join("\u0000");
  }
}

/**
 * Strategic merge patches that mean something: they follow from the object that they are for, as those of kubectl do, with every
 * directive. Some of them hold a mistake or two.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import {
  deref,
  type Field,
  type MapSchema,
  type Schema,
  type TypeResolver,
} from "#machinery/schema/types.ts";
import type { Chance } from "#machinery/testing/chance.ts";
import { isMerged, PlainValues } from "./plain-values.ts";

const orderOf = (name: string): string => `$setElementOrder/${name}`;
const deletionsOf = (name: string): string => `$deleteFromPrimitiveList/${name}`;

export class PatchMaker {
  /** How many mistakes were made. */
  mistakes = 0;
  readonly #types: TypeResolver;
  readonly #chance: Chance;
  readonly #values: PlainValues;
  readonly #carelessness: number;

  /** `carelessness`: the chance of a mistake at each place where one can be made. */
  constructor(types: TypeResolver, chance: Chance, carelessness: number) {
    this.#types = types;
    this.#chance = chance;
    this.#values = new PlainValues(types, chance);
    this.#carelessness = carelessness;
  }

  #errs(): boolean {
    const errs = this.#chance.is(this.#carelessness);
    if (errs) this.mistakes++;
    return errs;
  }

  /** A patch for an object of the schema, or for nothing. `asWhole`: it may say that it replaces what is there. */
  patch(schema: Schema, live: JsonObject, depth = 0, asWhole = true): JsonObject {
    const chance = this.#chance;
    const node = deref(schema, this.#types);
    if (asWhole && depth > 0) {
      if (chance.is(0.04)) return { ...(this.#values.of(node, depth) as JsonObject), $patch: "replace" };
      if (chance.is(0.02)) return { $patch: "delete" };
      if (this.#errs()) return { a: 1, $patch: chance.pick<JsonValue>(["merge", "frob", null, 5, {}]) };
    }
    const patch: JsonObject = {};
    if (node.kind === "map") this.#map(patch, node, live, depth);
    if (node.kind !== "object") return patch;
    const wanted = new Set(this.#values.fieldsOf(node.fields.values(), depth).map(({ name }) => name));
    for (const field of node.fields.values()) {
      if (field.inline === true) continue;
      const before = live[field.name];
      if (before !== undefined && chance.is(0.6)) this.#change(patch, field, before, depth + 1);
      else if (before === undefined && wanted.has(field.name)) this.#add(patch, field, depth + 1);
    }
    this.#retain(patch, live);
    return patch;
  }

  #retain(patch: JsonObject, live: JsonObject): void {
    const chance = this.#chance;
    if (!chance.is(0.08)) return;
    const given = Object.keys(patch).filter((name) => !name.startsWith("$"));
    patch.$retainKeys = [...new Set([...given, ...chance.some(Object.keys(live), 4)])];
    if (this.#errs())
      patch.$retainKeys = chance.pick<JsonValue>(["name", given.slice(1), [1], [[]], null, {}]);
  }

  #map(patch: JsonObject, { values }: MapSchema, live: JsonObject, depth: number): void {
    for (const key of ["a", "b", "c", "d", "e"]) {
      if (!this.#chance.is(0.4)) continue;
      const value = this.#chance.is(0.2) ? null : this.#values.of(values, depth + 1);
      // Upstream merges maps into structs only.
      const isTree = typeof value === "object" && value !== null && live[key] !== undefined;
      if (!isTree || this.#errs()) patch[key] = value;
    }
  }

  #add(patch: JsonObject, field: Field, depth: number): void {
    const node = deref(field.schema, this.#types);
    const directed = this.#chance.is(0.3);
    if (directed && node.kind === "object") patch[field.name] = this.patch(node, {}, depth);
    else if (directed && node.kind === "list" && isMerged(field)) this.#merged(patch, field, [], depth);
    else patch[field.name] = this.#values.ofField(field, depth);
  }

  #change(patch: JsonObject, field: Field, before: JsonValue, depth: number): void {
    const chance = this.#chance;
    const node = deref(field.schema, this.#types);
    if (chance.is(0.07)) {
      patch[field.name] = null;
    } else if (this.#errs()) {
      patch[field.name] = chance.pick<JsonValue>([1, "a", [], [1, "a"], [[]], [null], {}, { a: { b: 1 } }]);
    } else if (isJsonObject(before)) {
      // What is no struct is not merged: nothing is said about it.
      if (node.kind === "object" || node.kind === "map") patch[field.name] = this.patch(node, before, depth);
    } else if (Array.isArray(before) && node.kind === "list") {
      if (isMerged(field)) this.#merged(patch, field, before, depth);
      else this.#replaced(patch, field, before, depth);
    } else {
      patch[field.name] = this.#values.ofField(field, depth);
    }
  }

  #replaced(patch: JsonObject, field: Field, before: readonly JsonValue[], depth: number): void {
    const list = this.#values.ofField(field, depth) as JsonValue[];
    patch[field.name] = list;
    const all = [...before, ...list];
    const isPlain = all.length > 0 && all.every((item) => typeof item !== "object");
    if ((isPlain && this.#chance.is(0.1)) || this.#errs())
      patch[orderOf(field.name)] = [...list, ...before.filter((item) => !list.includes(item))];
  }

  /** A list that is merged, with what is to go from it, and its order. */
  #merged(patch: JsonObject, field: Field, before: readonly JsonValue[], depth: number): void {
    const key = field.patchMergeKey;
    if (key === undefined) this.#scalars(patch, field, before);
    else this.#objects(patch, field, key, before as readonly JsonObject[], depth);
  }

  #scalars(patch: JsonObject, field: Field, before: readonly JsonValue[]): void {
    const chance = this.#chance;
    const others = this.#values.keys(field, 3, before);
    const given = chance.shuffled([...chance.some(others, 2), ...chance.some(before, 1)]);
    const gone = chance.some(
      before.filter((item) => !given.includes(item)),
      2,
    );
    if (given.length > 0 || chance.is(0.2)) patch[field.name] = given;
    if (gone.length > 0 || chance.is(0.1))
      patch[deletionsOf(field.name)] = [...gone, ...others.filter((item) => !given.includes(item))];
    const stay = before.filter((item) => !given.includes(item) && !gone.includes(item));
    this.#order(patch, field.name, before, this.#between(given, chance.some(stay, 3)));
    if (this.#errs()) this.#spoil(patch, field.name);
  }

  #objects(patch: JsonObject, field: Field, key: string, before: readonly JsonObject[], depth: number): void {
    const chance = this.#chance;
    const node = deref(field.schema, this.#types);
    if (node.kind !== "list") return;
    const replaces = chance.is(0.05);
    const items: JsonObject[] = [];
    for (const item of before) {
      const id = item[key]!;
      const roll = chance.next();
      if (roll < 0.2) items.push({ $patch: "delete", [key]: id });
      else if (roll < 0.6 || (replaces && roll < 0.8))
        items.push(this.#keyed(this.patch(node.items, replaces ? {} : item, depth + 1, false), key, id));
    }
    const known = before.map((item) => item[key]!);
    for (const id of this.#values.keys(field, chance.below(3), known)) {
      const made = chance.is(0.3)
        ? this.patch(node.items, {}, depth + 1, false)
        : (this.#values.of(node.items, depth + 1) as JsonObject);
      items.push(this.#keyed(made, key, id));
    }
    const list = chance.shuffled(items);
    if (replaces) {
      // Behind all items upstream takes it for one that an order has to name.
      const last = this.#errs() ? list.length : list.findLastIndex((item) => item.$patch === undefined);
      list.splice(chance.below(last + 1), 0, { $patch: "replace" });
    }
    if (list.length > 0 || chance.is(0.2)) patch[field.name] = list;
    const named = list.filter((item) => item.$patch === undefined).map((item) => item[key]!);
    const stay = known.filter((id) => !list.some((item) => item[key] === id));
    const order = this.#between(named, chance.some(stay, 3)).map((id) => ({ [key]: id }));
    this.#order(patch, field.name, before, order);
    if (this.#errs()) this.#spoil(patch, field.name);
  }

  #order(patch: JsonObject, name: string, before: readonly JsonValue[], order: JsonValue[]): void {
    const given = patch[name] as readonly JsonValue[] | undefined;
    // Of lists that are all empty upstream does not know what they hold: a 500.
    const isNothing = before.length === 0 && (given ?? []).length === 0;
    if (isNothing ? this.#errs() : this.#chance.is(0.5)) patch[orderOf(name)] = order;
  }

  /** The key stays, whatever else is said. */
  #keyed(item: JsonObject, key: string, id: JsonValue): JsonObject {
    const kept = item.$retainKeys;
    return {
      ...item,
      [key]: id,
      ...(Array.isArray(kept) && { $retainKeys: [...new Set([...kept, key])] }),
    };
  }

  /** The first list in its order, the items of the other one anywhere among them. */
  #between(first: readonly JsonValue[], others: readonly JsonValue[]): JsonValue[] {
    const all = [...first];
    for (const one of others) all.splice(this.#chance.below(all.length + 1), 0, one);
    return all;
  }

  #spoil(patch: JsonObject, name: string): void {
    const chance = this.#chance;
    const list = Array.isArray(patch[name]) ? (patch[name] as JsonValue[]) : [];
    const order = patch[orderOf(name)];
    const odd = chance.pick<JsonValue>([{}, null, 1, "a", [], { $patch: "frob" }, { $patch: "merge" }]);
    switch (chance.below(8)) {
      case 0:
        patch[name] = [...list, odd];
        break;
      case 1:
        patch[orderOf(name)] = odd;
        break;
      case 2:
        patch[deletionsOf(name)] = odd;
        break;
      case 3:
        patch[orderOf(name)] = Array.isArray(order) ? [...order].reverse() : [odd];
        break;
      case 4:
        patch[orderOf(name)] = Array.isArray(order) ? order.slice(1) : [];
        break;
      case 5:
        patch[deletionsOf(name)] = [...list, odd];
        break;
      case 6:
        patch[chance.pick(["$setElementOrder", "$deleteFromPrimitiveList", "$deleteFromPrimitiveList/"])] =
          list;
        break;
      default:
        patch[name] = list.map((item) =>
          isJsonObject(item) ? Object.fromEntries(Object.entries(item).map(([at]) => [at, odd])) : odd,
        );
    }
  }
}

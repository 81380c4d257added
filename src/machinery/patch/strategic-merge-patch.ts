/**
 * Strategic merge patch: like a merge patch, but lists may be merged item by item, as the fields' patch strategies say
 * (behaviour: apimachinery pkg/util/strategicpatch; KEP-less, documented with kubectl apply).
 *
 * Directives: `$patch: replace|delete|merge` in an object, `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`
 * and `$retainKeys` beside a field.
 */
import { badRequest, invalidPatch } from "#machinery/errors/errors.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import {
  getOwn,
  isJsonObject,
  isRawNumber,
  type JsonObject,
  type JsonValue,
  setOwn,
} from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { deref, type Field, type Schema, type TypeResolver } from "#machinery/schema/types.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const deleteFromPrefix = "$deleteFromPrimitiveList";
const orderPrefix = "$setElementOrder";

const badPrimitiveList = "invalid patch format of primitive list";
const badRetainKeys = "invalid patch format of retainKeys";
const badElementOrder = "invalid patch format of setElementOrder list";

/**
 * Neither argument is changed; untouched parts are shared with the result.
 * @throws StatusError 400 for a malformed patch, 422 for one that does not fit the object
 */
export function applyStrategicMergePatch(
  original: JsonObject,
  patch: JsonObject,
  schema: Schema,
  types: TypeResolver,
): JsonObject {
  return mergeObject(original, patch, { schema, types });
}

/** Where in the schema a merge is; undefined where nothing is known: then objects merge and lists are replaced. */
interface Place {
  readonly schema: Schema | undefined;
  readonly types: TypeResolver;
}

interface FieldRules {
  readonly place: Place;
  /** `merge`, `replace` or "" */
  readonly strategy: string;
  readonly mergeKey: string;
}

function rulesOf({ schema, types }: Place, name: string): FieldRules {
  const node = schema === undefined ? undefined : deref(schema, types);
  if (node?.kind === "map") return { place: { schema: node.values, types }, strategy: "", mergeKey: "" };
  const field: Field | undefined = node?.kind === "object" ? node.fields.get(name) : undefined;
  const strategy = field?.patchStrategy?.find((one) => one !== "retainKeys") ?? "";
  return { place: { schema: field?.schema, types }, strategy, mergeKey: field?.patchMergeKey ?? "" };
}

function itemsOf({ schema, types }: Place): Place {
  const node = schema === undefined ? undefined : deref(schema, types);
  return { schema: node?.kind === "list" ? node.items : undefined, types };
}

function mergeObject(original: JsonObject | undefined, patch: JsonObject, place: Place): JsonObject {
  const marked = getOwn(patch, directive);
  if (marked === "replace") return without(patch, directive);
  if (marked === "delete") return {};
  if (marked !== undefined) throw invalidPatch(`unknown patch type: ${writeJson(marked)}`);

  const result = retained({ ...original }, patch);
  const done = mergeOrderedLists(result, patch, place);
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || done.has(key)) continue;
    const value = patch[key] as JsonValue;
    if (key.startsWith(deleteFromPrefix)) {
      const name = nameIn(key, deleteFromPrefix, badPrimitiveList);
      mergeField(result, name === "" ? key : name, value, place, true);
    } else mergeField(result, key, value, place, false);
  }
  return result;
}

/** The field that a directive such as `$setElementOrder/<field>` is about. */
function nameIn(key: string, prefix: string, complaint: string): string {
  if (!key.startsWith(`${prefix}/`)) throw badRequest(complaint);
  return key.slice(prefix.length + 1);
}

/** `isDeletion`: the value lists what is to go from a list of scalars; where there is no such list, it means nothing. */
function mergeField(
  result: JsonObject,
  key: string,
  value: JsonValue,
  place: Place,
  isDeletion: boolean,
): void {
  if (value === null) {
    delete result[key];
    return;
  }
  const before = getOwn(result, key);
  const rules = rulesOf(place, key);
  let merged: JsonValue | undefined;
  if (isJsonObject(before) && isJsonObject(value)) {
    merged = rules.strategy === "replace" ? value : mergeObject(before, value, rules.place);
  } else if (Array.isArray(before) && Array.isArray(value)) {
    const isMerged = rules.strategy === "merge" || isDeletion;
    merged = isMerged ? mergeList(before, value, itemsOf(rules.place), rules.mergeKey, isDeletion) : value;
  } else if (isDeletion && (before === undefined || kindOf(before) !== kindOf(value))) {
    return;
  } else {
    merged = plainValue(value, false);
  }
  if (merged === undefined) delete result[key];
  else setOwn(result, key, merged);
}

/** `$retainKeys` lists all that may stay; everything else of the object goes. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = getOwn(patch, retainKeys);
  if (keys === undefined) return original;
  if (!Array.isArray(keys)) throw badRequest(badRetainKeys);
  const kept = new Set(keys);
  for (const key of Object.keys(patch)) {
    const isExempt =
      patch[key] === null ||
      key === retainKeys ||
      key.startsWith(deleteFromPrefix) ||
      key.startsWith(orderPrefix);
    if (!isExempt && !kept.has(key)) throw badRequest(badRetainKeys);
  }
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key];
  return original;
}

/** Lists with a `$setElementOrder`; answers the patch's keys that are dealt with. */
function mergeOrderedLists(result: JsonObject, patch: JsonObject, place: Place): ReadonlySet<string> {
  const done = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    done.add(key);
    const name = nameIn(key, orderPrefix, badElementOrder);
    const order = patch[key];
    if (!Array.isArray(order)) throw badRequest(badElementOrder);
    const { place: listPlace, strategy, mergeKey } = rulesOf(place, name);
    // The list is to go: then there is nothing to put in order.
    if (getOwn(patch, name) === null) continue;
    const before = listOf(getOwn(result, name));
    const change = listOf(getOwn(patch, name));
    if (before === undefined && change === undefined) continue;
    checkOrder(change ?? [], order, mergeKey);
    let merged: JsonValue[];
    let live: readonly JsonValue[] = before ?? [];
    if (change === undefined) merged = before as JsonValue[];
    else if (before === undefined) merged = plainValue(change, true) as JsonValue[];
    else if (strategy === "merge") {
      merged = mergeList(before, change, itemsOf(listPlace), mergeKey, false);
      if (mergeKey !== "") live = liveAfter(before, change, mergeKey);
    } else merged = change;
    setOwn(result, name, inOrder(merged, order, live, mergeKey));
    done.add(name);
  }
  return done;
}

function listOf(value: JsonValue | undefined): JsonValue[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw badRequest(badElementOrder);
  return value;
}

/** What the patch gives must stand in the order it asks for. */
function checkOrder(change: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string): void {
  if (change.length === 0 || order.length === 0) return;
  let at = 0;
  for (const item of change) {
    if (isJsonObject(item) && Object.hasOwn(item, directive)) continue;
    const wanted = identity(item, mergeKey);
    while (at < order.length && !same(identity(order[at] as JsonValue, mergeKey), wanted)) at++;
    if (at++ >= order.length) {
      throw invalidPatch(
        `The order in patch list:\n${writeJson([...change])}\n doesn't match ${orderPrefix} list:\n${writeJson([...order])}\n`,
      );
    }
  }
}

function mergeList(
  original: JsonValue[],
  patch: JsonValue[],
  place: Place,
  mergeKey: string,
  isDeletion: boolean,
): JsonValue[] {
  const kinds = new Set([...original, ...patch].map(kindOf));
  const [first] = kinds;
  if (first === undefined) return original;
  if (first === "list") throw invalidPatch("lists of lists are not supported");
  if (kinds.size > 1) throw invalidPatch("list element types are not identical");
  if (first !== "object") {
    if (isDeletion) {
      const gone = new Set(patch.map((value) => identityKey(value, "")));
      return original.filter((item) => !gone.has(identityKey(item, "")));
    }
    const merged = new Map<string, JsonValue>();
    for (const item of [...original, ...patch]) {
      const key = identityKey(item, "");
      if (!merged.has(key)) merged.set(key, item);
    }
    return inOrder([...merged.values()], patch, original, "");
  }
  if (mergeKey === "") throw invalidPatch("cannot merge lists without merge key");
  const { kept, changes } = takeListDirectives(original as JsonObject[], patch as JsonObject[], mergeKey);
  if (kept === undefined) return inOrder(changes, [], changes, mergeKey);
  const merged: JsonValue[] = [...kept];
  const places = placesOf(merged, mergeKey);
  for (const change of changes) {
    const key = identityKey(change, mergeKey);
    const at = places.get(key);
    if (at === undefined) places.set(key, merged.push(change) - 1);
    else merged[at] = mergeObject(merged[at] as JsonObject, change, place);
  }
  return inOrder(merged, changes, kept, mergeKey);
}

/** Carries out `$patch` in list items: `delete` removes the item, `replace` drops the list that was there (`kept` is undefined). */
function takeListDirectives(
  original: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { kept: readonly JsonObject[] | undefined; changes: readonly JsonObject[] } {
  const gone = new Set<string>();
  const changes: JsonObject[] = [];
  let replace = false;
  for (const item of patch) {
    const marked = getOwn(item, directive);
    if (marked === undefined) changes.push(item);
    else if (marked === "delete") gone.add(identityKey(item, mergeKey));
    else if (marked === "replace") replace = true;
    else if (marked === "merge") throw invalidPatch("merging lists cannot yet be specified in the patch");
    else throw invalidPatch(`unknown patch type: ${writeJson(marked)}`);
  }
  if (replace) return { kept: undefined, changes };
  const kept = gone.size === 0 ? original : original.filter((item) => !gone.has(identityKey(item, mergeKey)));
  return { kept, changes };
}

/**
 * The live list that an order is compared with. Upstream reads it from the slice that the merge has worked in: what is deleted has made
 * room at its end for as many of the items that are added, so those count as live ones.
 */
function liveAfter(
  before: readonly JsonValue[],
  change: readonly JsonValue[],
  mergeKey: string,
): readonly JsonValue[] {
  const { kept = [], changes } = takeListDirectives(before as JsonObject[], change as JsonObject[], mergeKey);
  const places = placesOf(kept, mergeKey);
  const added = changes.filter((item) => !places.has(identityKey(item, mergeKey)));
  return [...kept, ...added.slice(0, before.length - kept.length)];
}

/**
 * Items that `order` names stand in its order; the others keep the live order and are put among them where the live list
 * had them before the next one.
 */
function inOrder(
  merged: readonly JsonValue[],
  order: readonly JsonValue[],
  live: readonly JsonValue[],
  mergeKey: string,
): JsonValue[] {
  const inOrderAt = placesOf(order, mergeKey);
  const liveAt = placesOf(live, mergeKey);
  const placed = merged.map((item) => {
    const key = identityKey(item, mergeKey);
    return { item, order: inOrderAt.get(key) ?? -1, live: liveAt.get(key) ?? -1 };
  });
  const ordered = placed.filter((one) => one.order >= 0).sort((a, b) => a.order - b.order);
  const others = placed.filter((one) => one.order < 0);
  if (others.every((one) => one.live >= 0)) others.sort((a, b) => a.live - b.live);
  else if (others.length <= goInsertionSort) sortAsGo(others);
  const result: JsonValue[] = [];
  let next = 0;
  for (const { item, live: itemAt } of ordered) {
    for (; next < others.length; next++) {
      const other = others[next]!;
      if (itemAt < 0 || other.live < 0 || other.live >= itemAt) break;
      result.push(other.item);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next).map(({ item }) => item)];
}

/** Up to this many items Go's sort.Stable is one insertion sort. */
const goInsertionSort = 20;

/** As upstream sorts by the live list: what the live list does not have counts as before everything. */
function sortAsGo(list: { live: number }[]): void {
  for (let i = 1; i < list.length; i++) {
    for (let j = i; j > 0; j--) {
      const [a, b] = [list[j]!, list[j - 1]!];
      if (a.live >= 0 && b.live >= 0 && a.live >= b.live) break;
      list[j] = b;
      list[j - 1] = a;
    }
  }
}

/** Where each identity stands first: lists may be long, and looking each item up in turn would take its square. */
function placesOf(list: readonly JsonValue[], mergeKey: string): Map<string, number> {
  const places = new Map<string, number>();
  list.forEach((item, index) => {
    const key = identityKey(item, mergeKey);
    if (!places.has(key)) places.set(key, index);
  });
  return places;
}

/** {@link identity} as text that is the same for the same value only. */
function identityKey(item: JsonValue, mergeKey: string): string {
  const value = identity(item, mergeKey);
  return typeof value === "string" ? `"${value}` : writeJson(value);
}

/** The merge key's value of an object; the value itself for scalars. */
function identity(item: JsonValue, mergeKey: string): JsonValue {
  if (mergeKey === "") return item;
  const key = isJsonObject(item) ? getOwn(item, mergeKey) : undefined;
  if (key === undefined)
    throw invalidPatch(`map: ${writeJson(item)} does not contain declared merge key: ${mergeKey}`);
  return key;
}

const same = (a: JsonValue, b: JsonValue): boolean => a === b || jsonEqual(a, b);

function kindOf(value: JsonValue): string {
  if (Array.isArray(value)) return "list";
  if (isRawNumber(value)) return "number";
  return value === null ? "null" : typeof value;
}

/**
 * A value that is put where nothing was, or something else: without directives, and by `keepNulls` without nulls (one in a list
 * stays). Undefined when it was nothing but a directive: whatever that says, there is nothing that it could be about.
 */
function plainValue(value: JsonValue, keepNulls: boolean): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => plainValue(item, keepNulls)).filter((item) => item !== undefined);
  }
  if (!isJsonObject(value)) return value;
  const marked = getOwn(value, directive);
  if (marked !== undefined && (keepNulls || marked !== null)) return undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key] as JsonValue;
    if (member === null && !keepNulls) continue;
    const plain = plainValue(member, keepNulls);
    if (plain !== undefined) setOwn(result, key, plain);
  }
  return result;
}

function without(object: JsonObject, key: string): JsonObject {
  const rest = { ...object };
  delete rest[key];
  return rest;
}

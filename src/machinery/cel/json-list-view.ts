/** JSON arrays as CEL's lists: as they are, or by a schema with its list types. */
import { getOwn, isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import { fromCel } from "./from-cel.ts";
import { dynamic, viewOf } from "./json-view.ts";
import { equalResults } from "./operations.ts";
import type { CelType } from "./types.ts";
import { CelError, CelList, type CelResult, type CelValue, noSuchOverload } from "./values.ts";

export class DynamicList extends CelList {
  readonly source: JsonValue[];

  constructor(json: JsonValue[]) {
    super();
    this.source = json;
  }

  override get json(): JsonValue[] {
    return this.source;
  }

  override get size(): number {
    return this.source.length;
  }

  override get(index: number): CelResult {
    return dynamic(this.source[index]!);
  }
}

export function listView(json: JsonValue[], type: CelType): CelList {
  const elements = type.parameters[0]!;
  if (type.json?.listType === "set") return new SetView(json, elements);
  if (type.json?.listType === "map") return new MapListView(json, elements, type.json.mapKeys ?? []);
  return new ListView(json, elements);
}

class ListView extends CelList {
  readonly source: JsonValue[];
  readonly elements: CelType;

  constructor(json: JsonValue[], elements: CelType) {
    super();
    this.source = json;
    this.elements = elements;
  }

  override get json(): JsonValue[] {
    return this.source;
  }

  override get size(): number {
    return this.source.length;
  }

  override get raw(): CelList {
    return new DynamicList(this.source);
  }

  override get(index: number): CelResult {
    return viewOf(this.source[index]!, this.elements);
  }

  /** What is added is read by the schema too (as upstream's). */
  override plus(other: CelList): CelList {
    const added = Array.from({ length: other.size }, (_, index) => elementJson(other, index));
    return new ListView([...this.source, ...added], this.elements);
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelList)) return noSuchOverload;
    if (this.size !== other.size) return false;
    for (let index = 0; index < this.size; index++) {
      const same = equalResults(this.get(index), other.get(index));
      if (same !== true) return same;
    }
    return true;
  }
}

/** The JSON of an element of any list. */
function elementJson(list: CelList, index: number): JsonValue {
  const view = list.json;
  if (view !== undefined) return view[index]!;
  const value = list.get(index);
  return value instanceof CelError ? null : fromCel(value);
}

/** What tells elements of a set, and keys of a map list, apart. */
function identityOf(json: JsonValue | undefined): string {
  return json === undefined ? "" : JSON.stringify(json);
}

/** A list of distinct elements: order does not matter to equality, `+` is a union. */
class SetView extends ListView {
  #identities: Set<string> | undefined;

  get #set(): Set<string> {
    this.#identities ??= new Set(this.source.map(identityOf));
    return this.#identities;
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelList)) return noSuchOverload;
    if (this.size !== other.size) return false;
    for (let index = 0; index < other.size; index++) {
      if (!this.#set.has(identityOf(elementJson(other, index)))) return false;
    }
    return true;
  }

  override plus(other: CelList): CelList {
    const set = new Set(this.#set);
    const union = [...this.source];
    for (let index = 0; index < other.size; index++) {
      const element = elementJson(other, index);
      const identity = identityOf(element);
      if (set.has(identity)) continue;
      set.add(identity);
      union.push(element);
    }
    return new SetView(union, this.elements);
  }
}

/** A list of objects told apart by keys: order does not matter to equality, `+` puts what has the same key in its place. */
class MapListView extends ListView {
  readonly #keys: readonly string[];
  #positions: Map<string, number> | undefined;

  constructor(json: JsonValue[], elements: CelType, keys: readonly string[]) {
    super(json, elements);
    this.#keys = keys;
  }

  #keyOf(element: JsonValue): string {
    if (!isJsonObject(element)) return "";
    return this.#keys.map((key) => identityOf(getOwn(element, key))).join("\n");
  }

  get #byKey(): Map<string, number> {
    this.#positions ??= new Map(this.source.map((element, index) => [this.#keyOf(element), index]));
    return this.#positions;
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof CelList)) return noSuchOverload;
    if (this.size !== other.size) return false;
    for (let index = 0; index < other.size; index++) {
      const position = this.#byKey.get(this.#keyOf(elementJson(other, index)));
      if (position === undefined) return false;
      const same = equalResults(this.get(position), other.get(index));
      if (same !== true) return same;
    }
    return true;
  }

  override plus(other: CelList): CelList {
    const positions = new Map(this.#byKey);
    const merged = [...this.source];
    for (let index = 0; index < other.size; index++) {
      const element = elementJson(other, index);
      const position = positions.get(this.#keyOf(element));
      if (position === undefined) merged.push(element);
      else merged[position] = element;
    }
    return new MapListView(merged, this.elements, this.#keys);
  }
}

/** How the items of associative lists are told apart. */

import { quote } from "#base/quote.ts";
import { isJsonObject, isRawNumber, type JsonValue } from "#machinery/json/value.ts";
import { keyElement, type PathElement, valueElement } from "./path-element.ts";
import type { ListAtom } from "./typed-node.ts";

/** An item cannot be told from others; the text is upstream's. */
export class ItemError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export function itemElement(list: ListAtom, item: JsonValue): PathElement | ItemError {
  return list.keys.length > 0 ? keyedElement(list, item) : setElement(item);
}

function keyedElement(list: ListAtom, item: JsonValue): PathElement | ItemError {
  if (item === null) return new ItemError("associative list with keys may not have a null element");
  if (!isJsonObject(item)) return new ItemError("associative list with keys may not have non-map elements");
  const fields = list.items.map?.fields;
  const { keys } = list;
  const given: [string, JsonValue][] = [];
  for (let i = 0; i < keys.length; i++) {
    const name = keys[i]!;
    if (Object.hasOwn(item, name)) given.push([name, item[name]!]);
    else {
      const fallback = fields?.get(name)?.default;
      if (fallback !== undefined && fallback !== null) given.push([name, fallback]);
    }
  }
  if (given.length === 0) {
    return new ItemError(
      `associative list with keys has an element that omits all key fields [${keys.map(quote).join(" ")}] (and doesn't have default values for any key fields)`,
    );
  }
  if (given.length > 1) given.sort(([a], [b]) => (a < b ? -1 : 1));
  return keyElement(given);
}

function setElement(item: JsonValue): PathElement | ItemError {
  if (item === null)
    return new ItemError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) return new ItemError("not supported: associative list with lists as elements");
  if (typeof item === "object" && !isRawNumber(item))
    return new ItemError("associative list without keys has an element that's a map type");
  return valueElement(item);
}

/** What stands for items that cannot be told from others: equal to itself, and never written. */
export const noElement: PathElement = "";

/**
 * For values that were validated, and what removing fields made of them: an item without content is null for a while, until what
 * others own is added back.
 */
export function anyItemElement(list: ListAtom, item: JsonValue): PathElement {
  const element = itemElement(list, item);
  return element instanceof ItemError ? noElement : element;
}

/**
 * A set of fields as the stored text of managed fields has it (`compact.ts` says its grammar), and the length of its JSON, which is
 * known without making it.
 */
import { byteLength } from "#base/bytes.ts";
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import { fieldElement, type PathElement } from "./path-element.ts";

const special = /[|<*>~]/g;
const hasSpecial = /[|<*>~]/;
/** With what means something else escaped. Nearly no name has anything to escape, and there are hundreds of them in each object. */
export const escaped = (text: string): string =>
  hasSpecial.test(text) ? text.replace(special, "~$&") : text;

/** What {@link escaped} was made of. */
export const unescaped = (text: string): string =>
  text.includes("~") ? text.replace(/~(.)/gsu, "$1") : text;

/** The text of a set. Kept with the set. */
export function compactSet(set: FieldSet): string {
  set.compact ??= makeCompact(set);
  return set.compact;
}

function makeCompact({ elements, nodes }: FieldSet): string {
  // One look at all names of a level is cheaper than one at each.
  const escapes = hasSpecial.test(elements.join(""));
  return elements
    .map((element) => {
      const { owned, children } = nodes.get(element)!;
      const name = escapes ? compactName(element) : plainName(element);
      return children === undefined ? name : `${name}${owned ? "*" : "<"}${compactSet(children)}>`;
    })
    .join("|");
}

/** {@link compactName} where nothing is to be escaped, but for a colon at the start. */
function plainName(element: PathElement): string {
  if (!element.startsWith("f:") || element.length === 2) return `:${element}`;
  const name = element.slice(2);
  return name.startsWith(":") ? `~${name}` : name;
}

function compactName(element: PathElement): string {
  if (!element.startsWith("f:") || element.length === 2) return `:${escaped(element)}`;
  const name = escaped(element.slice(2));
  return name.startsWith(":") ? `~${name}` : name;
}

/** Length in bytes of the JSON of a set. Kept with the set, as those of the levels below it are. */
export function jsonLengthOf(set: FieldSet): number {
  if (set.jsonLength !== undefined) return set.jsonLength;
  let length = 2 + Math.max(0, set.nodes.size - 1);
  for (const [element, { owned, children }] of set.nodes) {
    length += byteLength(JSON.stringify(element)) + ":".length;
    length += children === undefined ? "{}".length : jsonLengthOf(children);
    if (owned && children !== undefined) length += '".":{},'.length;
  }
  set.jsonLength = length;
  return length;
}

/** {@link jsonLengthOf} of a set's text: what it has, less the marks, and more of JSON's own for each node. */
export function jsonLengthOfText(text: string): number {
  let marks = 0;
  let nodes = 1;
  let commas = 0;
  let length = 2;
  let start = true;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x7e: // ~
        marks++;
        i++;
        start = false;
        continue;
      case 0x7c: // |
        commas++;
        nodes++;
        break;
      case 0x2a: // *
        length += '".":{},'.length;
        nodes++;
        break;
      case 0x3c: // <
        nodes++;
        break;
      case 0x3e: // >
        break;
      case 0x3a: // :
        if (!start) continue;
        length -= "f:".length;
        break;
      default:
        start = false;
        continue;
    }
    start = text.charCodeAt(i) !== 0x3a;
    marks++;
  }
  if (text === "") return length;
  return length + nodes * '"f:":{}'.length + commas + byteLength(JSON.stringify(text)) - '""'.length - marks;
}

/** Where sets with the same text are found again, so that they need not be read again. */
export interface SetCache {
  get(text: string): FieldSet | undefined;
  set(text: string, set: FieldSet): void;
}

/** Reads a set's text, which must be right. */
export function readCompactSet(text: string, cache?: SetCache): FieldSet {
  if (text === "") return FieldSet.empty;
  const known = cache?.get(text);
  if (known !== undefined) return known;
  const reader = new Reader(text);
  const set = reader.set();
  set.compact = text;
  cache?.set(text, set);
  return set;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  set(): FieldSet {
    const nodes = new Map<PathElement, FieldNode>();
    const text = this.#text;
    for (;;) {
      const start = this.#at;
      let escapes = false;
      let i = start;
      scan: for (; i < text.length; i++) {
        switch (text.charCodeAt(i)) {
          case 0x7e:
            escapes = true;
            i++;
            break;
          case 0x7c:
          case 0x3c:
          case 0x2a:
          case 0x3e:
            break scan;
          default:
        }
      }
      const raw = text.slice(start, i);
      const element = raw.startsWith(":")
        ? escapes
          ? unescaped(raw.slice(1))
          : raw.slice(1)
        : fieldElement(escapes ? unescaped(raw) : raw);
      this.#at = i + 1;
      const mark = text[i];
      if (mark === "<" || mark === "*") {
        nodes.set(element, makeNode(mark === "*", this.set()));
        const next = text[this.#at++];
        if (next !== "|") return new FieldSet(nodes);
      } else {
        nodes.set(element, ownedLeaf);
        if (mark !== "|") return new FieldSet(nodes);
      }
    }
  }
}

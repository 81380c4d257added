/**
 * The stored form of `metadata.managedFields`: one text instead of a list of objects, about a third as long, that `splice.ts` turns
 * into JSON byte by byte.
 *
 *     <length>|<entry><entry>...
 *     entry = manager "|" ("A" | "U") subresource "|" apiVersion "|" time "|" set ">"
 *     set   = node ("|" node)*, or nothing
 *     node  = name, or name "<" set ">" (owned below), or name "*" set ">" (owned itself, and below)
 *     name  = the name of a field, or ":" and any element as FieldsV1 has it (`:k:{"name":"a"}`)
 *
 * `length` is the number of UTF-8 bytes of the JSON, in base 36. An empty apiVersion is the object's own. `~` stands before a
 * character that would mean something else: `| < * > ~`, and `:` at the start of a name.
 */

import { byteLength } from "#base/bytes.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { isJsonObject } from "#machinery/json/value.ts";
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import { fieldsOf, readFields } from "./fields-v1.ts";
import type { ManagedFieldsEntry } from "./managed.ts";
import { fieldElement, type PathElement } from "./path-element.ts";

const special = /[|<*>~]/g;
const hasSpecial = /[|<*>~]/;
/** Nearly no name has anything to escape, and there are hundreds of them in each object. */
const escaped = (text: string): string => (hasSpecial.test(text) ? text.replace(special, "~$&") : text);

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

/**
 * The stored text of managed fields; undefined when they cannot be told in it (no server writes such): they are then stored as
 * they are. `own` is the apiVersion of the object.
 */
export function compactManaged(entries: readonly JsonValue[], own: string): string | undefined {
  if (entries.length === 0) return undefined;
  let text = "";
  let length = 2 + entries.length - 1;
  for (const value of entries) {
    if (!isJsonObject(value)) return undefined;
    const entry = value as ManagedFieldsEntry;
    const written = writtenSet(entry);
    if (written === undefined) return undefined;
    const { set, setLength } = written;
    const { manager = "", apiVersion = "", time = "", subresource = "", operation } = entry;
    const version = apiVersion === own ? "" : apiVersion;
    text += `${escaped(manager)}|${operation === "Apply" ? "A" : "U"}${escaped(subresource)}|${escaped(version)}|${escaped(time)}|${set}>`;
    length += headLength(entry) + setLength;
  }
  return `${length.toString(36)}|${text}`;
}

const known: ReadonlySet<string> = new Set([
  "manager",
  "operation",
  "apiVersion",
  "time",
  "fieldsType",
  "fieldsV1",
  "subresource",
]);

/** The text of an entry's set and the length of its JSON, if the compact form can tell all that the entry says. */
function writtenSet(entry: ManagedFieldsEntry): { set: string; setLength: number } | undefined {
  const own = (entry as Backed)[behind] ?? plainSet(entry);
  if (own === undefined) return undefined;
  if (typeof own === "string") return { set: own, setLength: jsonLength(own) };
  return { set: compactSet(own), setLength: jsonLengthOf(own) };
}

/** Length in bytes of the JSON of a set. Kept with the set, as those of the levels below it are. */
function jsonLengthOf(set: FieldSet): number {
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

/** The set of an entry that this server did not make. */
function plainSet(entry: ManagedFieldsEntry): FieldSet | undefined {
  if (entry.operation !== "Apply" && entry.operation !== "Update") return undefined;
  if (entry.fieldsType !== "FieldsV1" || (entry.apiVersion ?? "") === "") return undefined;
  for (const key of Object.keys(entry)) if (!known.has(key)) return undefined;
  try {
    return readFields(entry.fieldsV1);
  } catch {
    return undefined;
  }
}

function headLength({
  manager = "",
  operation,
  apiVersion,
  time,
  subresource = "",
}: ManagedFieldsEntry): number {
  const head = {
    ...(manager !== "" && { manager }),
    operation,
    apiVersion,
    time,
    fieldsType: "FieldsV1",
    ...(subresource !== "" && { subresource }),
  };
  return byteLength(JSON.stringify(head)) + ',"fieldsV1":'.length;
}

/** The same of a set's text: what it has, less the marks, and more of JSON's own for each node. */
function jsonLength(text: string): number {
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

const behind: unique symbol = Symbol("field set");

/** An entry that this server made has its set behind it: the text, or the set itself. */
type Backed = ManagedFieldsEntry & { readonly [behind]?: string | FieldSet };

/** An entry whose FieldsV1 is made when somebody looks at it: most writes never do. */
export function entryOf(head: ManagedFieldsEntry, set: string | FieldSet): ManagedFieldsEntry {
  let fields: JsonValue | undefined;
  const { subresource, ...before } = head;
  const entry: ManagedFieldsEntry = {
    ...before,
    get fieldsV1(): JsonValue {
      fields ??= fieldsOf(typeof set === "string" ? readCompactSet(set) : set);
      return fields;
    },
    ...(subresource !== undefined && { subresource }),
  };
  Object.defineProperty(entry, behind, { value: set });
  return entry;
}

/** The set of an entry that {@link entryOf} made. */
export function setBehind(entry: ManagedFieldsEntry, cache?: SetCache): FieldSet | undefined {
  const set = (entry as Backed)[behind];
  return typeof set === "string" ? readCompactSet(set, cache) : set;
}

function textOfEntry(entry: ManagedFieldsEntry): string | undefined {
  const set = (entry as Backed)[behind] ?? plainSet(entry);
  return set === undefined || typeof set === "string" ? set : compactSet(set);
}

/** Whether two entries that this server made say the same but for their times. */
export function sameButTime(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource &&
    textOfEntry(a) === textOfEntry(b)
  );
}

/** Where sets with the same text are found again, so that they need not be read again. */
export interface SetCache {
  get(text: string): FieldSet | undefined;
  set(text: string, set: FieldSet): void;
}

/** Reads the stored text. The entries' sets are read when somebody asks for them. */
export function readCompactManaged(text: string, own: string): ManagedFieldsEntry[] {
  const entries: ManagedFieldsEntry[] = [];
  let at = text.indexOf("|") + 1;
  while (at < text.length) {
    const head: string[] = [];
    for (let i = 0; i < 4; i++) {
      const end = plainEnd(text, at);
      head.push(plainText(text.slice(at, end)));
      at = end + 1;
    }
    const [manager = "", operation = "", version = "", time = ""] = head;
    const end = setEnd(text, at);
    const setText = text.slice(at, end);
    at = end + 1;
    const subresource = operation.slice(1);
    entries.push(
      entryOf(
        {
          ...(manager !== "" && { manager }),
          operation: operation.startsWith("A") ? "Apply" : "Update",
          apiVersion: version === "" ? own : version,
          ...(time !== "" && { time }),
          fieldsType: "FieldsV1",
          ...(subresource !== "" && { subresource }),
        },
        setText,
      ),
    );
  }
  return entries;
}

const plainText = (text: string): string => (text.includes("~") ? text.replace(/~(.)/gsu, "$1") : text);

/** The offset of the next separator of an entry's head. */
function plainEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "~") i++;
    else if (text[i] === "|") return i;
  }
  throw new Error("managed fields: the stored text is broken");
}

/** The offset of the `>` that ends an entry. */
function setEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    switch (text[i]) {
      case "~":
        i++;
        break;
      case "<":
      case "*":
        depth++;
        break;
      case ">":
        if (depth-- === 0) return i;
        break;
      default:
    }
  }
  throw new Error("managed fields: the stored text is broken");
}

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
          ? plainText(raw.slice(1))
          : raw.slice(1)
        : fieldElement(escapes ? plainText(raw) : raw);
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

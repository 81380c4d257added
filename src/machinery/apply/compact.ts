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
import { escaped, unescaped } from "./compact-set.ts";
import type { ManagedFieldsEntry } from "./managed.ts";
import { entryOf, writtenSet } from "./managed-entry.ts";

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

/** Reads the stored text. The entries' sets are read when somebody asks for them. */
export function readCompactManaged(text: string, own: string): ManagedFieldsEntry[] {
  const entries: ManagedFieldsEntry[] = [];
  let at = text.indexOf("|") + 1;
  while (at < text.length) {
    const head: string[] = [];
    for (let i = 0; i < 4; i++) {
      const end = plainEnd(text, at);
      head.push(unescaped(text.slice(at, end)));
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

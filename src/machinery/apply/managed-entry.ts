/** Entries of managed fields that keep their set of fields behind them, as text or as it is, until somebody asks for FieldsV1. */
import type { JsonValue } from "#machinery/json/value.ts";
import { compactSet, jsonLengthOf, jsonLengthOfText, readCompactSet, type SetCache } from "./compact-set.ts";
import type { FieldSet } from "./field-set.ts";
import { fieldsOf, readFields } from "./fields-v1.ts";
import type { ManagedFieldsEntry } from "./managed.ts";

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

/** The text of an entry's set and the length of its JSON, if the compact form can tell all that the entry says. */
export function writtenSet(entry: ManagedFieldsEntry): { set: string; setLength: number } | undefined {
  const own = (entry as Backed)[behind] ?? plainSet(entry);
  if (own === undefined) return undefined;
  if (typeof own === "string") return { set: own, setLength: jsonLengthOfText(own) };
  return { set: compactSet(own), setLength: jsonLengthOf(own) };
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

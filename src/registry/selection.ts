import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { FieldSelector } from "#machinery/selectors/fields.ts";
import { LabelSelector } from "#machinery/selectors/labels.ts";
import type { ReadingLimits } from "./elsewhere.ts";
import type { Resource } from "./resource.ts";
import type { ReadObject, StoredObject } from "./stored-object.ts";

/** Which objects of a collection a list, watch or deletecollection is about. */
export interface Selection {
  readonly labels: LabelSelector | undefined;
  readonly fields: FieldSelector | undefined;
}

/** Plain data. */
export interface SelectionText {
  readonly labels: string | undefined;
  readonly fields: string | undefined;
}

export const textOf = ({ labels, fields }: Selection): SelectionText => ({
  labels: labels?.toString(),
  fields: fields?.toString(),
});

export const selectionOf = ({ labels, fields }: SelectionText): Selection => ({
  labels: labels === undefined ? undefined : LabelSelector.parse(labels),
  fields: fields === undefined ? undefined : FieldSelector.parse(fields),
});

/** Under which objects remember whether they are selected. */
export const nameOf = ({ labels, fields }: SelectionText): string => JSON.stringify([labels, fields]);

export const everything: Selection = { labels: undefined, fields: undefined };

export const selectsAll = (selection: Selection): boolean =>
  selection.labels === undefined && selection.fields === undefined;

/** Cheap checks first: names come from the key, and label selectors are tried on the bytes before anything is parsed. */
export function matches(selection: Selection, stored: StoredObject): boolean {
  const known = stored.verdicts?.get(nameOf(textOf(selection)));
  if (known !== undefined) return known;
  const { labels, fields } = selection;
  if (labels !== undefined) {
    if (!mayMatchBytes(labels, stored)) return false;
    if (!labels.matches(stored.labels)) return false;
  }
  return fields === undefined || fields.matches((field) => fieldValue(stored, field));
}

/** A conversion may change labels: then the bytes tell nothing. */
const mayMatchBytes = (labels: LabelSelector, stored: StoredObject): boolean =>
  stored.resource.form?.asynchronous === true || labels.mayMatchBytes(stored.value);

/** Its bytes tell that it is not selected. */
export const isRuledOut = ({ labels }: Selection, stored: StoredObject): boolean =>
  labels !== undefined && !mayMatchBytes(labels, stored);

/**
 * Whether an object takes so long to be read, as clients see it, that others would wait: it is large, or by an older schema and the
 * present one is costly.
 */
export function isTooMuchToRead(limits: ReadingLimits, stored: StoredObject): boolean {
  const { form } = stored.resource;
  const changes = form !== undefined && !form.shownAsStored(stored);
  if (changes && form.costly) return true;
  const { length } = stored.value;
  return length > (changes && form.asynchronous ? limits.convertedBytes : limits.parsedBytes);
}

/** The same of what has to be read to select it. */
export function isTooMuchToSelect(
  { labels, fields }: Selection,
  limits: ReadingLimits,
  stored: StoredObject,
): boolean {
  if (fields?.requirements.some(({ field }) => !keyFields.has(field)) && isTooMuchToRead(limits, stored))
    return true;
  if (labels === undefined || stored.value.length <= limits.parsedBytes) return false;
  return mayMatchBytes(labels, stored) && (stored.labelBytes?.length ?? 0) > limits.parsedBytes;
}

/** They come from the key. */
const keyFields: ReadonlySet<string> = new Set(["metadata.name", "metadata.namespace"]);

/** The value of a selectable field; unset ones are empty strings. */
function fieldValue(stored: StoredObject, field: string): string {
  if (field === "metadata.name") return stored.location.name;
  if (field === "metadata.namespace") return stored.location.namespace;
  return selectableFields(stored.resource)[field]?.(stored.object) ?? "";
}

/** Tells another thread what it has to know of an object. What somebody else converts is loaded. */
export function readSelected(selection: Selection, stored: StoredObject): ReadObject {
  const selected = matches(selection, stored);
  const { form } = stored.resource;
  const isStored = form === undefined || form.shownAsStored(stored);
  if (!selected || isStored) return { selected, shown: undefined };
  return { selected, shown: Buffer.from(writeJson(stored.object as unknown as JsonValue), "utf8") };
}

/** Names of the fields that field selectors on this resource may use. */
export function selectableFieldNames(resource: Resource): string[] {
  return [
    "metadata.name",
    ...(resource.namespaced ? ["metadata.namespace"] : []),
    ...Object.keys(selectableFields(resource)),
  ];
}

const selectableFields = (resource: Resource): NonNullable<Resource["strategy"]["selectableFields"]> =>
  resource.strategy.selectableFields ?? {};

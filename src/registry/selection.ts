import type { FieldSelector } from "#machinery/selectors/fields.ts";
import type { LabelSelector } from "#machinery/selectors/labels.ts";
import type { Resource } from "./resource.ts";
import type { StoredObject } from "./stored-object.ts";

/** Which objects of a collection a list, watch or deletecollection is about. */
export interface Selection {
  readonly labels: LabelSelector | undefined;
  readonly fields: FieldSelector | undefined;
}

export const everything: Selection = { labels: undefined, fields: undefined };

export const selectsAll = (selection: Selection): boolean =>
  selection.labels === undefined && selection.fields === undefined;

/** Cheap checks first: names come from the key, and label selectors are tried on the bytes before anything is parsed. */
export function matches(selection: Selection, stored: StoredObject): boolean {
  const { labels, fields } = selection;
  if (labels !== undefined) {
    // A conversion may change labels: then the bytes tell nothing.
    if (stored.resource.form?.asynchronous !== true && !labels.mayMatchBytes(stored.value)) return false;
    if (!labels.matches(stored.labels)) return false;
  }
  return fields === undefined || fields.matches((field) => fieldValue(stored, field));
}

/** The value of a selectable field; unset ones are empty strings. */
function fieldValue(stored: StoredObject, field: string): string {
  if (field === "metadata.name") return stored.location.name;
  if (field === "metadata.namespace") return stored.location.namespace;
  return selectableFields(stored.resource)[field]?.(stored.object) ?? "";
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

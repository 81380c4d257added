/** `x-kubernetes-list-type` and `-list-map-keys` of a schema node. */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { goItems } from "./go-value.ts";
import type { Props } from "./props.ts";

const listTypes = ["atomic", "set", "map"];

export function listErrors(props: Props, path: string, requiresAtomicSets: boolean): FieldError[] {
  const { listType, listMapKeys = [], type = "" } = props;
  const errors: FieldError[] = [];
  const at = `${path}.x-kubernetes-list-type`;
  if (listType !== undefined && type !== "array") {
    const detail = "must be array if x-kubernetes-list-type is specified";
    errors.push(
      type === "" ? fieldRequired(`${path}.type`, detail) : fieldInvalid(`${path}.type`, type, detail),
    );
  } else if (requiresAtomicSets) errors.push(...setErrors(props, path));
  if (listType !== undefined && !listTypes.includes(listType)) {
    errors.push(fieldNotSupported(at, listType, listTypes));
  }
  if (listMapKeys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? fieldRequired(at, detail) : fieldInvalid(at, listType, detail));
  }
  if (listType === "map") errors.push(...mapErrors(props, path));
  return errors;
}

/** What the items of a set must be. Upstream shows the list type where it means the map type. */
function setErrors({ listType, items }: Props, path: string): FieldError[] {
  const item = items?.schema;
  if (listType !== "set" || item === undefined || isAtomic(item)) return [];
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const key = item.type === "array" ? "list" : "map";
  return [fieldInvalid(`${path}.items.x-kubernetes-${key}-type`, item.listType ?? null, detail)];
}

function isAtomic(item: Props): boolean {
  if (item.type === "array") return item.listType === undefined || item.listType === "atomic";
  return item.type !== "object" || item.mapType === "atomic";
}

/** A list of type set has items that are structures with parts of their own. */
export const hasNonAtomicSet = ({ listType, items }: Props): boolean =>
  listType === "set" && items?.schema !== undefined && !isAtomic(items.schema);

function mapErrors({ listMapKeys = [], items }: Props, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const keysAt = `${path}.x-kubernetes-list-map-keys`;
  if (listMapKeys.length === 0) {
    errors.push(fieldRequired(keysAt, "must not be empty if x-kubernetes-list-type is map"));
  }
  const at = `${path}.items`;
  if (items === undefined) {
    errors.push(fieldRequired(at, "must have a schema if x-kubernetes-list-type is map"));
    return errors;
  }
  const item = items.schema;
  if (item === undefined) {
    const detail = "must only have a single schema if x-kubernetes-list-type is map";
    errors.push(fieldInvalid(at, goItems(items), detail));
    return errors;
  }
  if (item.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(fieldInvalid(`${at}.type`, item.type ?? "", detail));
    return errors;
  }
  const seen = new Set<string>();
  for (const key of listMapKeys) {
    const property = item.properties?.get(key);
    if (property === undefined) {
      errors.push(fieldInvalid(keysAt, listMapKeys, "entries must all be names of item properties"));
    } else if (property.type === "array" || property.type === "object") {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(fieldInvalid(`${at}.properties[${key}].type`, item.type, detail));
    }
    if (seen.has(key)) errors.push(fieldInvalid(keysAt, listMapKeys, "must not contain duplicate entries"));
    seen.add(key);
  }
  return errors;
}

/** Items of sets and maps are not null, and the keys of maps are always there. */
export function keyedListErrors({ listType, listMapKeys = [], items }: Props, path: string): FieldError[] {
  const item = items?.schema;
  if (item === undefined || (listType !== "set" && listType !== "map")) return [];
  const errors: FieldError[] = [];
  if (item.nullable === true) {
    const detail = `cannot be nullable when x-kubernetes-list-type is ${listType}`;
    errors.push(fieldForbidden(`${path}.items.nullable`, detail));
  }
  if (listType !== "map") return errors;
  for (const key of listMapKeys) {
    const property = item.properties?.get(key);
    if (property === undefined) continue;
    const at = `${path}.items.properties[${key}]`;
    if (item.required?.includes(key) !== true && property.default === undefined) {
      const detail =
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(fieldRequired(`${at}.default`, detail));
    }
    if (property.nullable === true) {
      const detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
      errors.push(fieldForbidden(`${at}.nullable`, detail));
    }
  }
  return errors;
}

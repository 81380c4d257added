/** Names, columns and paths of a definition (apiextensions/validation). */

import { byteLength } from "#base/bytes.ts";
import { isPrintable } from "#base/quote.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldInvalid,
  fieldRequired,
  fieldTooMany,
} from "#machinery/errors/field-error.ts";
import { dns1035LabelErrors } from "#machinery/names/dns.ts";
import { followFieldPath } from "#machinery/structural/field-path.ts";
import type { InternalColumn, InternalNames, InternalScale, InternalSubresources } from "./internal.ts";
import type { Props } from "./props.ts";
import { propsPath } from "./schema-rules.ts";

/** Of a spec, and of a status' accepted names: there they may be missing. */
export function namesErrors(names: InternalNames, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const label = (key: string, value: string, prefix = "", checked = value): void => {
    const messages = value === "" ? [] : dns1035LabelErrors(checked);
    if (messages.length > 0) errors.push(fieldInvalid(`${path}.${key}`, value, prefix + messages.join(",")));
  };
  const mixed = "may have mixed case, but should otherwise match: ";
  label("plural", names.plural);
  label("singular", names.singular);
  label("kind", names.kind, mixed, names.kind.toLowerCase());
  label("listKind", names.listKind, mixed, names.listKind.toLowerCase());
  const each = (key: "shortNames" | "categories"): void =>
    names[key].forEach((name, i) => {
      const messages = dns1035LabelErrors(name);
      if (messages.length > 0) errors.push(fieldInvalid(`${path}.${key}[${i}]`, name, messages.join(",")));
    });
  each("shortNames");
  if (names.kind !== "" && names.kind === names.listKind) {
    errors.push(fieldInvalid(`${path}.listKind`, names.listKind, "kind and listKind may not be the same"));
  }
  each("categories");
  return errors;
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

export const columnsErrors = (columns: readonly InternalColumn[] | undefined, path: string): FieldError[] =>
  (columns ?? []).flatMap((column, i) => columnErrors(column, `${path}[${i}]`));

function columnErrors(column: InternalColumn, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (column.name === "") errors.push(fieldRequired(`${path}.name`));
  const oneOf = `must be one of ${columnTypes.join(",")}`;
  if (column.type === "") errors.push(fieldRequired(`${path}.type`, oneOf));
  else if (!columnTypes.includes(column.type)) errors.push(fieldInvalid(`${path}.type`, column.type, oneOf));
  if (column.format !== "" && !columnFormats.includes(column.format)) {
    errors.push(fieldInvalid(`${path}.format`, column.format, `must be one of ${columnFormats.join(",")}`));
  }
  if (column.jsonPath === "") errors.push(fieldRequired(`${path}.JSONPath`));
  else errors.push(...simplePathErrors(column.jsonPath, `${path}.JSONPath`));
  return errors;
}

const simplePathErrors = (text: string, path: string): FieldError[] =>
  text.startsWith(".") ? [] : [fieldInvalid(path, text, "must be a simple json path starting with .")];

export function subresourcesErrors(
  subresources: InternalSubresources | undefined,
  path: string,
): FieldError[] {
  const scale = subresources?.scale;
  return scale === undefined ? [] : scaleErrors(scale, path);
}

function scaleErrors(scale: InternalScale, path: string): FieldError[] {
  const under = (key: keyof InternalScale, prefixes: readonly string[], where: string): FieldError[] => {
    const text = scale[key] ?? "";
    const at = `${path}.scale.${key}`;
    if (text === "") return key === "labelSelectorPath" ? [] : [fieldRequired(at)];
    const errors = simplePathErrors(text, at);
    if (errors.length > 0 || prefixes.some((prefix) => text.startsWith(prefix))) return errors;
    return [fieldInvalid(at, text, `should be a json path under ${where}`)];
  };
  return [
    ...under("specReplicasPath", [".spec."], ".spec"),
    ...under("statusReplicasPath", [".status."], ".status"),
    ...under("labelSelectorPath", [".spec.", ".status."], "either .spec or .status"),
  ];
}

/** Most selectable fields of a version. */
export const maxSelectableFields = 8;

export function selectableFieldsErrors(
  fields: readonly string[],
  schema: Props,
  path: string,
  allowsTooMany: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  fields.forEach((text, i) => {
    const at = `${path}[${i}].jsonPath`;
    if (text === "") {
      errors.push(fieldRequired(at));
      return;
    }
    const found = followFieldPath(text, schema, propsPath, false);
    if (found instanceof Error) {
      errors.push(fieldInvalid(at, text, `is an invalid path: ${found.message}`));
      return;
    }
    if (found.root === "metadata") {
      errors.push(fieldInvalid(at, text, "must not point to fields in metadata"));
    }
    if (!["string", "boolean", "integer"].includes(found.schema.type ?? "")) {
      const detail =
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      errors.push(fieldInvalid(at, text, detail));
    }
    if (seen.has(found.path)) errors.push(fieldDuplicate(at, text));
    seen.add(found.path);
  });
  if (seen.size > maxSelectableFields && !allowsTooMany) {
    errors.push(fieldTooMany(path, seen.size, maxSelectableFields));
  }
  return errors;
}

/** What is wrong with the warning that a deprecated version gives. */
export function deprecationWarningErrors(deprecated: boolean, warning: string | undefined): string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ["can only be set for deprecated versions"];
  const errors: string[] = [];
  if (byteLength(warning) > 256) errors.push("must be <= 256 characters long");
  if (warning === "") errors.push("must not be an empty string");
  let index = 0;
  for (const char of warning) {
    if (!isPrintable(char)) {
      const what = "must only contain printable UTF-8 characters; non-printable character found at index";
      errors.push(`${what} ${index}`);
      break;
    }
    index += byteLength(char);
  }
  return errors;
}

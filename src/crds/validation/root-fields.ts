/** What may stand at the root of a schema whose kind has a status subresource: the status' own part must lose nothing. */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { goProps } from "./go-value.ts";
import type { Props } from "./props.ts";

const allowed = [
  "Description",
  "Type",
  "Format",
  "Title",
  "Maximum",
  "ExclusiveMaximum",
  "Minimum",
  "ExclusiveMinimum",
  "MaxLength",
  "MinLength",
  "Pattern",
  "MaxItems",
  "MinItems",
  "UniqueItems",
  "MultipleOf",
  "Required",
  "Items",
  "Properties",
  "ExternalDocs",
  "Example",
  "XPreserveUnknownFields",
  "XValidations",
];

/** The first field that may not stand there, in upstream's order of fields. */
export function rootFieldErrors(props: Props, path: string): FieldError[] {
  const shown = goProps(props);
  for (const [field, value] of Object.entries(shown)) {
    if (value === null || value === "" || value === false) continue;
    if (field === "Type") {
      if (value === "object") continue;
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      return [fieldInvalid(`${path}.type`, value, detail)];
    }
    if (allowed.includes(field)) continue;
    const detail = `only [${allowed.join(" ")}] fields are allowed at the root of the schema if the status subresource is enabled`;
    return [fieldInvalid(path, shown, detail)];
  }
  return [];
}

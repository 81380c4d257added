/** Keys and values of labels and annotations, and other qualified names (apimachinery pkg/api/validate/content). */
import { byteLength } from "#base/bytes.ts";
import {
  dns1123SubdomainErrors,
  maxLabelLength,
  maxLengthError,
  maxSubdomainLength,
  patternError,
} from "#machinery/names/dns.ts";

const namePart = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const valuePart = `(${namePart})?`;
const namePattern = new RegExp(`^${namePart}$`);
const valuePattern = new RegExp(`^${valuePart}$`);

const nameMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const valueMessage = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;

const nameExamples = ["MyName", "my.name", "123-abc"] as const;

/** A qualified name, such as a label key or a finalizer: `name` or `dns.subdomain/name`. */
export function qualifiedNameErrors(text: string): string[] {
  const parts = text.split("/");
  if (parts.length > 2) {
    return [
      `a valid label key ${patternError(nameMessage, namePart, ...nameExamples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === "") errors.push("prefix part must be non-empty");
    else errors.push(...prefixErrors(parts[0]!));
  }
  if (name === "") errors.push("name part must be non-empty");
  else if (byteLength(name) > maxLabelLength)
    errors.push(`name part ${maxLengthError(maxLabelLength, "bytes")}`);
  if (!namePattern.test(name))
    errors.push(`name part ${patternError(nameMessage, namePart, ...nameExamples)}`);
  return errors;
}

const prefixErrors = (prefix: string): string[] =>
  dns1123SubdomainErrors(prefix).map(
    (error) => `prefix part ${error === tooLongName ? maxLengthError(maxSubdomainLength, "bytes") : error}`,
  );
const tooLongName = maxLengthError(maxSubdomainLength);

/** Annotation keys are qualified names whose prefix may have capital letters. */
export const annotationKeyErrors = (key: string): string[] => qualifiedNameErrors(key.toLowerCase());

export function labelValueErrors(value: string): string[] {
  const errors = byteLength(value) > maxLabelLength ? [maxLengthError(maxLabelLength, "bytes")] : [];
  if (!valuePattern.test(value)) {
    errors.push(patternError(valueMessage, valuePart, "MyValue", "my_value", "12345"));
  }
  return errors;
}

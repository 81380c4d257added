/**
 * Forms of names, each as a function from a name to what is wrong with it (no messages = valid), with the texts of apimachinery
 * pkg/util/validation. Lengths count UTF-8 bytes.
 */
import { byteLength } from "#base/bytes.ts";

export const maxLabelLength = 63;
export const maxSubdomainLength = 253;

/** What is wrong with `name`. `prefix`: characters will be appended to it (generateName). */
export type NameCheck = (name: string, prefix?: boolean) => readonly string[];

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";

const labelPattern = new RegExp(`^${label}$`);
const label1035Pattern = new RegExp(`^${label1035}$`);

/** Upstream says characters for names, and counts bytes. */
export const maxLengthError = (length: number, unit: "bytes" | "characters" = "characters"): string =>
  `must be no more than ${length} ${unit}`;

/** The message of a failed pattern, with examples: `... (e.g. 'my-name',  or '123-abc', regex used for validation is '...')`. */
export function patternError(message: string, pattern: string, ...examples: string[]): string {
  const used = `regex used for validation is '${pattern}')`;
  if (examples.length === 0) return `${message} (${used}`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(" or ")}${used}`;
}

/** An RFC 1123 label, at most 63 bytes: namespaces, workspaces. */
export const dns1123LabelErrors: NameCheck = (name, prefix = false) => {
  const text = prefix ? maskTrailingDash(name) : name;
  const errors = tooLong(text, maxLabelLength);
  if (labelPattern.test(text)) return errors;
  if (isSubdomain(text)) return [...errors, "must not contain dots"];
  const message =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...errors, patternError(message, label, "my-name", "123-abc")];
};

/** An RFC 1123 subdomain, at most 253 bytes: most objects. */
export const dns1123SubdomainErrors: NameCheck = (name, prefix = false) => {
  const text = prefix ? maskTrailingDash(name) : name;
  const errors = tooLong(text, maxSubdomainLength);
  if (isSubdomain(text)) return errors;
  const message =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, patternError(message, subdomain, "example.com")];
};

/** An RFC 1035 label, at most 63 bytes: it starts with a letter. */
export const dns1035LabelErrors: NameCheck = (name, prefix = false) => {
  const text = prefix ? maskTrailingDash(name) : name;
  const errors = tooLong(text, maxLabelLength);
  if (label1035Pattern.test(text)) return errors;
  const message =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...errors, patternError(message, label1035, "my-name", "abc-123")];
};

/** Anything that can stand in a URL path: RBAC objects. */
export const pathSegmentErrors: NameCheck = (name, prefix = false) => {
  if (!prefix && (name === "." || name === "..")) return [`may not be '${name}'`];
  return ["/", "%"].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
};

// Label by label: the whole pattern's work would grow with the text's length times its number of dots.
const isSubdomain = (text: string): boolean => text.split(".").every((part) => labelPattern.test(part));

const tooLong = (text: string, max: number): string[] =>
  byteLength(text) > max ? [maxLengthError(max)] : [];

/**
 * A dash at the end is fine where something follows. Upstream drops the byte before it too (maskTrailingDash); what is left of a
 * character of several bytes is no valid part of any name.
 */
function maskTrailingDash(name: string): string {
  if (name.length < 2 || !name.endsWith("-")) return name;
  const before = [...name.slice(0, -1).slice(-2)].at(-1)!;
  return `${name.slice(0, -1 - before.length)}${"\0".repeat(byteLength(before) - 1)}a`;
}

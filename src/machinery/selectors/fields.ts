/** Field selectors: `metadata.name=a,status.phase!=Running` with the escapes `\\`, `\,`, `\=` (apimachinery pkg/fields). */
import { compareBytes } from "#base/bytes.ts";
import { badRequest } from "#machinery/errors/errors.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** All requirements must hold. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  /** Throws a 400 StatusError with upstream's text. Which fields are known is the caller's matter. */
  static parse(text: string): FieldSelector {
    const requirements = splitTerms(text)
      .sort(compareBytes)
      .filter((term) => term !== "")
      .map((term): FieldRequirement => {
        const match = /!=|==?/.exec(term);
        if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
        return {
          field: term.slice(0, match.index),
          operator: match[0] === "!=" ? "!=" : "=",
          value: unescapeValue(term.slice(match.index + match[0].length)),
        };
      })
      // Upstream's conversion drops terms whose field and value are both empty (`=`).
      .filter(({ field, value }) => field !== "" || value !== "");
    return new FieldSelector(requirements);
  }

  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  /** The fields it names, each once. */
  fields(): string[] {
    return [...new Set(this.requirements.map(({ field }) => field))];
  }

  /** `get` answers the value of a field, empty when unset. */
  matches(get: (field: string) => string): boolean {
    return this.requirements.every(
      ({ field, operator, value }) => (get(field) === value) === (operator === "="),
    );
  }

  /** The value that the field must have, if a requirement says so. */
  requiresExactMatch(field: string): string | undefined {
    return this.requirements.find(
      (requirement) => requirement.field === field && requirement.operator === "=",
    )?.value;
  }

  toString(): string {
    return this.requirements
      .map(({ field, operator, value }) => field + operator + escapeValue(value))
      .join(",");
  }
}

export const escapeValue = (value: string): string => value.replace(/[\\,=]/g, "\\$&");

function unescapeValue(text: string): string {
  let out = "";
  let escaped = false;
  for (const char of text) {
    if (escaped) {
      if (!"\\,=".includes(char))
        throw badRequest(`invalid field selector: invalid escape sequence: \\${char}`);
      out += char;
      escaped = false;
    } else if (char === "\\") escaped = true;
    else if (char === "," || char === "=") {
      // Upstream prints the number of the character.
      throw badRequest(`invalid field selector: unescaped character in value: ${char.codePointAt(0)}`);
    } else out += char;
  }
  if (escaped) throw badRequest("invalid field selector: invalid escape sequence: \\");
  return out;
}

/** Splits at commas that are not escaped. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    if (escaped) escaped = false;
    else if (text[i] === "\\") escaped = true;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

/** One condition of a label selector (apimachinery pkg/labels: Requirement). */
import { aggregateFieldErrors, type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";

export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

/** One condition. `values` are distinct and in byte order; `exists` and `!` have none. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** What is wrong with a requirement, with upstream's texts (labels.NewRequirement). */
export function requirementErrors(
  { key, operator, values }: LabelRequirement,
  path?: FieldPath,
): FieldError[] {
  const at = (name: string): FieldPath => path?.child(name) ?? FieldPath.of(name);
  const errors: FieldError[] = [];
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) errors.push(fieldInvalid(at("key"), key, keyErrors.join("; ")));
  const count = countError(operator, values.length);
  if (count !== undefined) errors.push(fieldInvalid(at("values"), values, count));
  values.forEach((value, index) => {
    if ((operator === "gt" || operator === "lt") && parseInt64(value) === undefined) {
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      errors.push(fieldInvalid(at("values").index(index), value, detail));
    }
  });
  values.forEach((value, index) => {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0) {
      errors.push(fieldInvalid(at("values").index(index).key(key), value, valueErrors.join("; ")));
    }
  });
  return errors;
}

/** {@link requirementErrors} as one text; undefined when valid. */
export function requirementErrorText(requirement: LabelRequirement): string | undefined {
  const errors = requirementErrors(requirement);
  return errors.length === 0 ? undefined : aggregateFieldErrors(errors);
}

function countError(operator: LabelOperator, count: number): string | undefined {
  switch (operator) {
    case "in":
    case "notin":
      return count === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case "=":
    case "==":
    case "!=":
      return count === 1 ? undefined : "exact-match compatibility requires one single value";
    case "exists":
    case "!":
      return count === 0 ? undefined : "values set must be empty for exists and does not exist";
    case "gt":
    case "lt":
      return count === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  }
}

/** Does the requirement hold for these labels? */
export function holds({ key, operator, values }: LabelRequirement, labels: Labels | undefined): boolean {
  // Own properties only: a selector on `constructor` must not find Object's.
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt": {
      const number = value === undefined ? undefined : parseInt64(value);
      const bound = parseInt64(values[0] ?? "");
      if (number === undefined || bound === undefined) return false;
      return operator === "gt" ? number > bound : number < bound;
    }
  }
}

/** Byte strings that must all occur in the JSON of an object for which the requirement holds. */
export function neededBytes({ key, operator, values }: LabelRequirement): Buffer[] {
  if (operator === "!" || operator === "!=" || operator === "notin") return [];
  const quotedKey = JSON.stringify(key);
  const only = values.length === 1 && ["=", "==", "in"].includes(operator) ? values[0] : undefined;
  if (only === undefined) return [Buffer.from(quotedKey)];
  // Stored JSON is compact, but that is not relied on: key and value are sought apart.
  return [Buffer.from(quotedKey), Buffer.from(JSON.stringify(only))];
}

const int64 = /^[+-]?[0-9]{1,80}$/;

/** A decimal int64 as Go's strconv.ParseInt takes it; undefined otherwise. */
function parseInt64(text: string): bigint | undefined {
  if (!int64.test(text)) return undefined;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** As upstream writes it. */
export function requirementText({ key, operator, values }: LabelRequirement): string {
  const joined = values.join(",");
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${joined})`;
    case "gt":
      return `${key}>${joined}`;
    case "lt":
      return `${key}<${joined}`;
    default:
      return key + operator + joined;
  }
}

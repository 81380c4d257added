/**
 * What is wrong with one field, with the texts clients know (apimachinery pkg/util/validation/field). Strategies collect
 * these and hand them to `invalid` in errors.ts.
 */
import { quote } from "#base/quote.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { goJson } from "#machinery/json/write.ts";
import { goFloat } from "#machinery/values/float.ts";

/** The cause type on the wire. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooShort"
  | "FieldValueTooMany"
  | "FieldValueTooFew"
  | "FieldValueTypeInvalid"
  | "InternalError";

export interface FieldError {
  readonly type: FieldErrorType;
  /** The path as text; may be empty for the whole object. */
  readonly field: string;
  /** Printed after the kind of error, except where upstream omits it. Undefined: nothing is printed. */
  readonly badValue?: unknown;
  readonly detail: string;
}

/** Where an error is: a path, or its text. Undefined prints `<nil>`, as upstream's nil path does. */
export type Where = FieldPath | string | undefined;

const labels: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooShort: "Too short",
  FieldValueTooMany: "Too many",
  FieldValueTooFew: "Too few",
  FieldValueTypeInvalid: "Invalid value",
  InternalError: "Internal error",
};

/** These never print the value. */
const withoutValue: ReadonlySet<FieldErrorType> = new Set<FieldErrorType>([
  "FieldValueRequired",
  "FieldValueForbidden",
  "FieldValueTooLong",
  "FieldValueTooShort",
  "InternalError",
]);

const whereText = (where: Where): string => (where === undefined ? "<nil>" : where.toString());

const make = (type: FieldErrorType, where: Where, badValue: unknown, detail: string): FieldError => ({
  type,
  field: whereText(where),
  badValue,
  detail,
});

export const fieldRequired = (where: Where, detail = ""): FieldError =>
  make("FieldValueRequired", where, "", detail);
export const fieldInvalid = (where: Where, value: unknown, detail: string): FieldError =>
  make("FieldValueInvalid", where, value, detail);
export const fieldTypeInvalid = (where: Where, value: unknown, detail: string): FieldError =>
  make("FieldValueTypeInvalid", where, value, detail);
export const fieldForbidden = (where: Where, detail: string): FieldError =>
  make("FieldValueForbidden", where, "", detail);
export const fieldNotFound = (where: Where, value: unknown): FieldError =>
  make("FieldValueNotFound", where, value, "");
export const fieldDuplicate = (where: Where, value: unknown): FieldError =>
  make("FieldValueDuplicate", where, value, "");

/** `supported` is printed in the order given (upstream mostly sorts it before). */
export const fieldNotSupported = (where: Where, value: unknown, supported: readonly string[]): FieldError =>
  make(
    "FieldValueNotSupported",
    where,
    value,
    supported.length === 0 ? "" : `supported values: ${supported.map(quote).join(", ")}`,
  );

const atMost = (max: number, one: string): string => `${max} ${max === 1 ? one : `${one}s`}`;

/** `maxBytes` negative: the limit is not told. */
export const fieldTooLong = (where: Where, maxBytes: number): FieldError =>
  make(
    "FieldValueTooLong",
    where,
    "<value omitted>",
    maxBytes < 0 ? "value is too long" : `may not be more than ${atMost(maxBytes, "byte")}`,
  );
/** `actual` negative: the number is not told; `max` negative: the limit is not told. */
export const fieldTooMany = (where: Where, actual: number, max: number): FieldError =>
  make(
    "FieldValueTooMany",
    where,
    actual < 0 ? undefined : actual,
    max < 0 ? "has too many items" : `must have at most ${atMost(max, "item")}`,
  );
export const fieldInternalError = (where: Where, message: string): FieldError =>
  make("InternalError", where, undefined, message);

/** The message of a cause: everything but the path. */
export function fieldErrorBody(error: FieldError): string {
  let text = labels[error.type];
  if (!withoutValue.has(error.type) && error.badValue !== undefined) text += `: ${valueText(error.badValue)}`;
  return error.detail === "" ? text : `${text}: ${error.detail}`;
}

export const fieldErrorText = (error: FieldError): string => `${error.field}: ${fieldErrorBody(error)}`;

/** `a` for one error, `[a, b]` for several; equal texts count once. Empty for none. */
export function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? distinct[0]! : distinct.length === 0 ? "" : `[${distinct.join(", ")}]`;
}

export const aggregateFieldErrors = (errors: readonly FieldError[]): string =>
  aggregate(errors.map(fieldErrorText));

function valueText(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? goJson(value) : goFloat(value);
  return goJson(value);
}

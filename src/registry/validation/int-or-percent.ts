/** Numbers that may be a share of all (pkg/apis/apps/validation ValidatePositiveIntOrPercent). */
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { patternError } from "#machinery/names/dns.ts";
import type { Errors } from "./checks.ts";

const percent = /^[0-9]+%$/;

/** The number, or that of the percentage; none is 0. */
export function amountOf(amount: unknown): number {
  if (typeof amount === "string") return percent.test(amount) ? Number(amount.slice(0, -1)) : 0;
  return Number(amount ?? 0);
}

export function* amountErrors(amount: unknown, path: FieldPath): Errors {
  if (typeof amount === "string") {
    if (percent.test(amount)) return;
    const message = "a valid percent string must be a numeric string followed by an ending '%'";
    yield fieldInvalid(path, amount, patternError(message, "[0-9]+%", "1%", "93%"));
  } else if (amountOf(amount) < 0)
    yield fieldInvalid(path, amountOf(amount), "must be greater than or equal to 0");
}

export function* atMostAll(amount: unknown, path: FieldPath): Errors {
  if (typeof amount === "string" && amountOf(amount) > 100)
    yield fieldInvalid(path, amount, "must not be greater than 100%");
}

/** What keeps rules from being run (apiextensions-apiserver pkg/registry/customresource/strategy.go). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";

/** These keep rules from being run: expressions rely on what the schema promises. */
const blocking: ReadonlySet<FieldError["type"]> = new Set<FieldError["type"]>([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

/** The error that says so; undefined when nothing stands in the way. */
export const blockedRules = (errors: readonly FieldError[]): FieldError | undefined =>
  errors.some(({ type }) => blocking.has(type))
    ? fieldInvalid(
        undefined,
        null,
        "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
      )
    : undefined;

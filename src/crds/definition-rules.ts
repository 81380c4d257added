/** What is checked of a definition before it is stored, by the rules of `validation/`. */
import { type FieldError, fieldErrorText } from "#machinery/errors/field-error.ts";
import type { DefinitionRules } from "./definition-strategy.ts";
import {
  customResourceDefinitionErrors,
  customResourceDefinitionStatusErrors,
  type DefinitionContext,
  unrecognizedFormatWarnings,
} from "./validation/definition.ts";

export function definitionRules(context: DefinitionContext): DefinitionRules {
  return {
    create: (definition, found) =>
      without(found, errorsOfSpec(customResourceDefinitionErrors(definition, undefined, context))),
    update: (definition, old, found) =>
      without(found, errorsOfSpec(customResourceDefinitionErrors(definition, old, context))),
    updateStatus: (definition, old, found) =>
      without(found, customResourceDefinitionStatusErrors(definition, old)),
    warnings: unrecognizedFormatWarnings,
  };
}

/** The accepted names are taken from the spec here, where upstream still has none: what is wrong with them is told once. */
const errorsOfSpec = (errors: readonly FieldError[]): readonly FieldError[] =>
  errors.filter(({ field }) => !field.startsWith("status.acceptedNames."));

/** The rules look at metadata, too, as the registry did for every kind. */
function without(found: readonly FieldError[], errors: readonly FieldError[]): readonly FieldError[] {
  if (found.length === 0) return errors;
  const known = new Set(found.map(fieldErrorText));
  return errors.filter((error) => !known.has(fieldErrorText(error)));
}

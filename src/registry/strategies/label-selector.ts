/** meta/v1 LabelSelector in a spec (apimachinery pkg/apis/meta/v1/validation ValidateLabelSelector). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { labelsErrors } from "#machinery/meta/validation.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";
import { jsonOf, listAt, type Members, pairsAt, textAt, textsAt } from "./members.ts";

/** Nothing is wrong with an absent selector. */
export function labelSelectorErrors(selector: unknown, path: FieldPath): FieldError[] {
  if (jsonOf(selector) === null) return [];
  return [
    ...labelsErrors(Object.fromEntries(pairsAt(selector, "matchLabels")), path.child("matchLabels")),
    ...listAt(selector, "matchExpressions").flatMap((requirement, index) =>
      requirementErrors(requirement, path.child("matchExpressions").index(index)),
    ),
  ];
}

function requirementErrors(requirement: Members, path: FieldPath): FieldError[] {
  const values = textsAt(requirement, "values");
  const operator = textAt(requirement, "operator");
  const key = textAt(requirement, "key");
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(
        fieldRequired(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"),
      );
    }
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(fieldForbidden(path.child("values"), detail));
    }
  } else errors.push(fieldInvalid(path.child("operator"), operator, "not a valid selector operator"));
  errors.push(...qualifiedNameErrors(key).map((message) => fieldInvalid(path.child("key"), key, message)));
  values.forEach((value, index) => {
    const at = path.child("values").index(index);
    errors.push(...labelValueErrors(value).map((message) => fieldInvalid(at, value, message)));
  });
  return errors;
}

/** Whether the labels of a template are chosen by a selector whose form is valid. An empty selector chooses everything. */
export function selectorChooses(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const has = (key: string): boolean => Object.hasOwn(labels, key);
  return (
    pairsAt(selector, "matchLabels").every(([key, value]) => has(key) && labels[key] === value) &&
    listAt(selector, "matchExpressions").every((requirement) => {
      const key = textAt(requirement, "key");
      const listed = has(key) && textsAt(requirement, "values").includes(labels[key]!);
      switch (textAt(requirement, "operator")) {
        case "In":
          return listed;
        case "NotIn":
          return !listed;
        case "Exists":
          return has(key);
        default:
          return !has(key);
      }
    })
  );
}

/** Which nodes are chosen (pkg/apis/core/validation ValidateNodeSelector). */
import { fieldForbidden, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";
import { listAt, type Members, textAt, textsAt } from "../strategies/members.ts";
import { type Errors, invalids } from "./checks.ts";

export function* nodeSelectorErrors(selector: Members, path: FieldPath): Errors {
  const at = path.child("nodeSelectorTerms");
  const terms = listAt(selector, "nodeSelectorTerms");
  if (terms.length === 0) yield fieldRequired(at, "must have at least one node selector term");
  for (const [index, term] of terms.entries()) yield* nodeTermErrors(term, at.index(index), true);
}

/** `strict`: values must be possible ones of labels. */
export function* nodeTermErrors(term: Members, path: FieldPath, strict: boolean): Errors {
  for (const [index, each] of listAt(term, "matchExpressions").entries())
    yield* labelErrors(each, path.child("matchExpressions").index(index), strict);
  for (const [index, each] of listAt(term, "matchFields").entries())
    yield* fieldErrors(each, path.child("matchFields").index(index));
}

function* labelErrors(requirement: Members, path: FieldPath, strict: boolean): Errors {
  const values = textsAt(requirement, "values");
  const at = path.child("values");
  const operator = textAt(requirement, "operator");
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0)
        yield fieldRequired(at, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        yield fieldForbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1)
        yield fieldRequired(at, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      break;
    default:
      yield fieldInvalid(path.child("operator"), operator, "not a valid selector operator");
  }
  const key = textAt(requirement, "key");
  yield* invalids(path.child("key"), key, qualifiedNameErrors(key));
  if (!strict) return;
  for (const [index, value] of values.entries())
    yield* invalids(at.index(index), value, labelValueErrors(value));
}

function* fieldErrors(requirement: Members, path: FieldPath): Errors {
  const values = textsAt(requirement, "values");
  const operator = textAt(requirement, "operator");
  if (operator !== "In" && operator !== "NotIn")
    yield fieldInvalid(path.child("operator"), operator, "not a valid selector operator");
  else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    yield fieldRequired(path.child("values"), detail);
  }
  const key = textAt(requirement, "key");
  if (key !== "metadata.name") {
    yield fieldInvalid(path.child("key"), key, "not a valid field selector key");
    return;
  }
  for (const [index, value] of values.entries())
    yield* invalids(path.child("values").index(index), value, dns1123SubdomainErrors(value));
}

/** PodDisruptionBudgets (pkg/apis/policy/validation). */
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { labelSelectorErrors } from "../strategies/label-selector.ts";
import { membersAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, optionalWord } from "./checks.ts";
import { amountErrors, atMostAll } from "./int-or-percent.ts";

const spec = FieldPath.of("spec");

export function* disruptionBudgetErrors(object: KubeObject): Errors {
  const budget = membersAt(object, "spec");
  if (has(budget, "minAvailable") && has(budget, "maxUnavailable"))
    yield fieldInvalid(spec, object.spec, "minAvailable and maxUnavailable cannot be both set");
  for (const field of ["minAvailable", "maxUnavailable"]) {
    yield* amountErrors(valueAt(budget, field), spec.child(field));
    yield* atMostAll(valueAt(budget, field), spec.child(field));
  }
  yield* labelSelectorErrors(valueAt(budget, "selector"), spec.child("selector"));
  yield* optionalWord(budget, "unhealthyPodEvictionPolicy", spec, ["AlwaysAllow", "IfHealthyBudget"]);
}

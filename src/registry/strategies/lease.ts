/** coordination.k8s.io Lease (k8s.io/kubernetes pkg/apis/coordination/validation). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { Strategy } from "#registry/strategy.ts";

export const leaseStrategy: Strategy = {
  validate(object): FieldError[] {
    const { leaseDurationSeconds, leaseTransitions, preferredHolder, strategy } = (object.spec ?? {}) as {
      leaseDurationSeconds?: number;
      leaseTransitions?: number;
      preferredHolder?: string;
      strategy?: string;
    };
    const spec = FieldPath.of("spec");
    const errors: FieldError[] = [];
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
      errors.push(
        fieldInvalid(spec.child("leaseDurationSeconds"), leaseDurationSeconds, "must be greater than 0"),
      );
    }
    if (leaseTransitions !== undefined && leaseTransitions < 0) {
      errors.push(
        fieldInvalid(spec.child("leaseTransitions"), leaseTransitions, "must be greater than or equal to 0"),
      );
    }
    errors.push(...strategyErrors(strategy, spec.child("strategy", "strategy")));
    if ((preferredHolder ?? "") !== "" && (strategy ?? "") === "") {
      errors.push(
        fieldForbidden(spec.child("preferredHolder"), "may only be specified if `strategy` is defined"),
      );
    }
    return errors;
  },
};

/** Kubernetes knows one strategy; others' are qualified names. An absent one is no choice at all. */
function strategyErrors(strategy: string | undefined, path: FieldPath): FieldError[] {
  if (strategy === undefined || strategy === null) return [];
  if (strategy.includes("/"))
    return qualifiedNameErrors(strategy).map((message) => fieldInvalid(path, strategy, message));
  return strategy === "OldestEmulationVersion"
    ? []
    : [fieldNotSupported(path, strategy, ["OldestEmulationVersion"])];
}

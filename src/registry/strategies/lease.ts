/** coordination.k8s.io Lease (k8s.io/kubernetes pkg/apis/coordination/validation). */
import { type FieldError, fieldForbidden, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
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
    if ((preferredHolder ?? "") !== "" && (strategy ?? "") === "") {
      errors.push(
        fieldForbidden(spec.child("preferredHolder"), "may only be specified if `strategy` is defined"),
      );
    }
    return errors;
  },
};

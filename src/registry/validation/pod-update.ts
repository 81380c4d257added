/** What may change of a Pod (pkg/apis/core/validation ValidatePodUpdate). */
import { type FieldError, fieldForbidden, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { jsonOf, listAt, type Members, membersAt, textAt } from "../strategies/members.ts";
import { inclusiveRange, maxInt32, numberAt } from "./checks.ts";

const spec = FieldPath.of("spec");
const mayChange =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

export function podUpdateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const now = membersAt(object, "spec");
  const before = membersAt(old, "spec");
  for (const list of ["containers", "initContainers"]) {
    if (listAt(now, list).length !== listAt(before, list).length)
      return [fieldForbidden(spec.child(list), "pod updates may not add or remove containers")];
  }
  const errors = [
    ...deadlineErrors(now, before),
    ...tolerationErrors(now, before),
    ...gateErrors(now, before),
  ];
  // Pods that are held back may still be told where to run.
  const gated = listAt(before, "schedulingGates").length > 0;
  if (!jsonEqual(jsonOf(fixed(now, before, gated)), jsonOf(fixed(before, before, gated))))
    errors.push(fieldForbidden(spec, `pod updates may not change fields other than ${mayChange}`));
  return errors;
}

const free: ReadonlySet<string> = new Set(["activeDeadlineSeconds", "tolerations", "schedulingGates"]);

/** What of a spec may not change. */
function fixed(of: Members, before: Members, gated: boolean): Members {
  const containers = (list: string) => listAt(of, list).map(({ image: _, ...rest }) => rest);
  const grace = numberAt(of, "terminationGracePeriodSeconds");
  const wasNegative = (numberAt(before, "terminationGracePeriodSeconds") ?? 0) < 0;
  const { nodeAffinity: _, ...affinity } = membersAt(of, "affinity");
  return {
    ...Object.fromEntries(
      Object.entries(of).filter(
        ([field, value]) =>
          !free.has(field) && value !== undefined && value !== null && !(gated && field === "nodeSelector"),
      ),
    ),
    containers: containers("containers"),
    initContainers: containers("initContainers"),
    terminationGracePeriodSeconds:
      wasNegative && grace === 1 ? numberAt(before, "terminationGracePeriodSeconds") : (grace ?? null),
    ...(gated ? { affinity } : {}),
  };
}

function deadlineErrors(now: Members, before: Members): FieldError[] {
  const at = spec.child("activeDeadlineSeconds");
  const next = numberAt(now, "activeDeadlineSeconds");
  const last = numberAt(before, "activeDeadlineSeconds");
  if (next === undefined)
    return last === undefined
      ? []
      : [fieldInvalid(at, null, "must not update from a positive integer to nil value")];
  if (next < 0 || next > maxInt32) return [fieldInvalid(at, next, inclusiveRange(0, maxInt32))];
  if (last !== undefined && last < next)
    return [fieldInvalid(at, next, "must be less than or equal to previous value")];
  return [];
}

function tolerationErrors(now: Members, before: Members): FieldError[] {
  // Decoded lists have their members in one order.
  const key = ({ tolerationSeconds: _, ...rest }: Members): string => JSON.stringify(rest);
  const kept = new Set(listAt(now, "tolerations").map(key));
  const lost = listAt(before, "tolerations").some((old) => !kept.has(key(old)));
  if (!lost) return [];
  const detail = "existing toleration can not be modified except its tolerationSeconds";
  return [fieldForbidden(spec.child("tolerations"), detail)];
}

function gateErrors(now: Members, before: Members): FieldError[] {
  const known = new Set(listAt(before, "schedulingGates").map((gate) => textAt(gate, "name")));
  return listAt(now, "schedulingGates").flatMap((gate, index) => {
    const name = textAt(gate, "name");
    if (known.has(name)) return [];
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [fieldForbidden(spec.child("schedulingGates").index(index).child("name"), detail)];
  });
}

/** `spec.behavior` in v1's annotation: upstream writes its internal type there, whose members have Go's names. */
import type { Draft } from "./draft.ts";
import { listAt, type Members, valueAt } from "./members.ts";

export function behaviorToGo(behavior: unknown): Draft {
  const rules = (field: string): Draft | null => {
    const given = valueAt(behavior, field);
    if (given === undefined) return null;
    const policies = valueAt(given, "policies");
    return {
      StabilizationWindowSeconds: valueAt(given, "stabilizationWindowSeconds") ?? null,
      SelectPolicy: valueAt(given, "selectPolicy") ?? null,
      Policies:
        policies === undefined
          ? null
          : listAt(given, "policies").map(({ type = "", value = 0, periodSeconds = 0 }) => ({
              Type: type,
              Value: value,
              PeriodSeconds: periodSeconds,
            })),
      Tolerance: valueAt(given, "tolerance") ?? null,
    };
  };
  return { ScaleUp: rules("scaleUp"), ScaleDown: rules("scaleDown") };
}

/** Undefined for a behavior without rules. Throws for another shape. Like Go, takes names in any capitals. */
export function behaviorFromGo(value: unknown): Draft | undefined {
  const behavior = lowered(value);
  const rules = (field: string): Draft => {
    const given = behavior[field.toLowerCase()];
    if (given === undefined || given === null) return {};
    const of = lowered(given);
    const policies = of.policies ?? undefined;
    if (policies !== undefined && !Array.isArray(policies)) throw new TypeError("not a list");
    return {
      [field]: {
        ...number(of.stabilizationwindowseconds, "stabilizationWindowSeconds"),
        ...text(of.selectpolicy, "selectPolicy"),
        ...(policies === undefined ? {} : { policies: policies.map(policyFromGo) }),
        ...text(of.tolerance, "tolerance"),
      },
    };
  };
  const result = { ...rules("scaleUp"), ...rules("scaleDown") };
  return Object.keys(result).length === 0 ? undefined : result;
}

function policyFromGo(value: unknown): Draft {
  const of = lowered(value);
  return {
    type: "",
    value: 0,
    periodSeconds: 0,
    ...text(of.type, "type"),
    ...number(of.value, "value"),
    ...number(of.periodseconds, "periodSeconds"),
  };
}

function lowered(value: unknown): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError("not a struct");
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), inner]));
}

function number(value: unknown, field: string): Draft {
  if (value === undefined || value === null) return {};
  if (!Number.isInteger(value)) throw new TypeError(`${field} is no number`);
  return { [field]: value };
}

function text(value: unknown, field: string): Draft {
  if (value === undefined || value === null) return {};
  if (typeof value !== "string") throw new TypeError(`${field} is no text`);
  return { [field]: value };
}

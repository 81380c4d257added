/** Conditions of a definition (apiextensions-apiserver pkg/apihelpers/helpers.go). */
import type { Condition } from "./types.ts";

export const conditionIsTrue = (conditions: readonly Condition[] | null | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === "True") === true;

export type NewCondition = Required<Pick<Condition, "type" | "status" | "reason" | "message">>;

/** The conditions with one set; its time changes with its status only. `now` is an RFC 3339 time. */
export function withCondition(
  conditions: readonly Condition[] | null | undefined,
  wanted: NewCondition,
  now: string,
): readonly Condition[] {
  const all = conditions ?? [];
  const old = all.find(({ type }) => type === wanted.type);
  if (old === undefined) return [...all, ordered(wanted, now)];
  const time = old.status === wanted.status && old.lastTransitionTime ? old.lastTransitionTime : now;
  return all.map((condition) => (condition === old ? { ...old, ...ordered(wanted, time) } : condition));
}

export const withoutCondition = (
  conditions: readonly Condition[] | null | undefined,
  type: string,
): readonly Condition[] => (conditions ?? []).filter((condition) => condition.type !== type);

/** Members as Go prints them. */
const ordered = ({ type, status, reason, message }: NewCondition, lastTransitionTime: string): Condition => ({
  type,
  status,
  lastTransitionTime,
  reason,
  message,
});

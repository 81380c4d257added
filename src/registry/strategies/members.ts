/**
 * Reading of members whose shape the schema has checked already. Absent ones read as Go's zero values: upstream's rules are
 * written for those.
 */
import type { JsonValue } from "#machinery/json/value.ts";

export type Members = Readonly<Record<string, unknown>>;

const own = (of: unknown, field: string): unknown =>
  typeof of === "object" && of !== null && Object.hasOwn(of, field) ? (of as Members)[field] : undefined;

/** The struct at a path; empty when there is none. */
export const membersAt = (of: unknown, ...path: readonly string[]): Members =>
  (path.reduce(own, of) ?? {}) as Members;

/** The value at a path; undefined for null too. */
export const valueAt = (of: unknown, ...path: readonly string[]): unknown =>
  path.reduce(own, of) ?? undefined;

/** A string at a path; "" when there is none. */
export function textAt(of: unknown, ...path: readonly string[]): string {
  const value = path.reduce(own, of);
  return typeof value === "string" ? value : "";
}

/** A number; 0 for anything else. */
export const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

/** A list of structs at a path. */
export const listAt = (of: unknown, ...path: readonly string[]): readonly Members[] =>
  (path.reduce(own, of) ?? []) as readonly Members[];

/** A list of strings at a path. */
export const textsAt = (of: unknown, ...path: readonly string[]): readonly string[] =>
  (path.reduce(own, of) ?? []) as readonly string[];

/** The pairs of a map of strings (labels, quantities) at a path. */
export const pairsAt = (of: unknown, ...path: readonly string[]): readonly (readonly [string, string])[] =>
  Object.entries((path.reduce(own, of) ?? {}) as Readonly<Record<string, string>>);

export const jsonOf = (value: unknown): JsonValue => (value ?? null) as JsonValue;

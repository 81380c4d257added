/** Parts of an object that defaulting may change: copies of its own, so nobody else sees the change. */
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { setOwn } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

export type Draft = Record<string, unknown>;

/** Replaces a member of the object by a deep copy and answers it; an absent one becomes `{}`. */
export function draftOf(object: KubeObject, field: string): Draft {
  const copy = cloneJson((object[field] ?? {}) as JsonValue) as Draft;
  object[field] = copy;
  return copy;
}

/** The struct at `field`, made when it is absent. */
export function draftAt(of: Draft, field: string): Draft {
  of[field] ??= {};
  return of[field] as Draft;
}

/** The struct at `field`, if there is one. */
export const given = (of: Draft | undefined, field: string): Draft | undefined =>
  (of?.[field] ?? undefined) as Draft | undefined;

export const givenList = (of: Draft | undefined, field: string): readonly Draft[] =>
  (of?.[field] ?? []) as readonly Draft[];

/** Sets what is absent: for Go's pointers, where zero is a value. */
export function fill(of: Draft, defaults: Draft): void {
  for (const [field, value] of Object.entries(defaults)) of[field] ??= value;
}

/** Sets what is absent or zero: for Go's plain members. */
export function fillZero(of: Draft, defaults: Draft): void {
  for (const [field, value] of Object.entries(defaults)) {
    const now = of[field] ?? "";
    if (now === "" || now === 0 || now === "0") of[field] = value;
  }
}

/** Adds the pairs of `from` that `of[field]` lacks; keys are users' own. */
export function addPairs(of: Draft, field: string, from: Draft | undefined): void {
  if (from === undefined || Object.keys(from).length === 0) return;
  const target = draftAt(of, field) as JsonObject;
  for (const [key, value] of Object.entries(from)) {
    if (!Object.hasOwn(target, key)) setOwn(target, key, value as JsonValue);
  }
}

/** Members that an update cannot change, in upstream's words (ValidateImmutableField of k8s.io/apimachinery). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import type { Strategy } from "#registry/strategy.ts";
import { jsonOf, valueAt } from "./members.ts";

/** An error when the value at a path is not the old one. */
export const immutable = (
  object: KubeObject,
  old: KubeObject,
  ...path: [string, ...string[]]
): FieldError[] =>
  jsonEqual(jsonOf(valueAt(object, ...path)), jsonOf(valueAt(old, ...path)))
    ? []
    : [fieldInvalid(FieldPath.of(...path), valueAt(object, ...path) ?? null, fieldImmutable)];

/** A strategy that keeps the values at the given paths. */
export const fixed = (...paths: readonly [string, ...string[]][]): Strategy => ({
  validateUpdate: (object, old) => paths.flatMap((path) => immutable(object, old, ...path)),
});

/** v1 LimitRange (k8s.io/kubernetes pkg/apis/core/validation ValidateLimitRange, pkg/apis/core/v1/defaults.go). */
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { Strategy } from "#registry/strategy.ts";
import { makeUid } from "../system-fields.ts";
import { listAt, type Members, membersAt, pairsAt, textAt } from "./members.ts";
import { compareQuantities, quantityMillis } from "./quantities.ts";
import { containerResourceNameErrors, isOvercommitAllowed, resourceNameErrors } from "./resource-names.ts";

const types: ReadonlySet<string> = new Set(["Pod", "Container", "PersistentVolumeClaim"]);

export const limitRangeStrategy: Strategy = {
  prepareForCreate(object, context) {
    const { metadata } = object;
    // The name is the one thing this kind makes up itself.
    if ((metadata.name ?? "") === "" && (metadata.generateName ?? "") === "")
      metadata.name = makeUid(context.randomBytes);
  },
  applyDefaults: setDefaults,
  validate(object) {
    const seen = new Set<string>();
    return listAt(object, "spec", "limits").flatMap((item, index) => {
      const path = FieldPath.of("spec", "limits").index(index);
      const type = textAt(item, "type");
      const errors = typeErrors(type, path.child("type"));
      if (seen.has(type)) errors.push(fieldDuplicate(path.child("type"), type));
      seen.add(type);
      return [...errors, ...itemErrors(item, type, path)];
    });
  },
};

/** What a container limit does not say follows from what it says. */
function setDefaults(object: KubeObject): void {
  const limits = listAt(object, "spec", "limits");
  if (!limits.some((item) => item.type === "Container")) return;
  object.spec = {
    ...membersAt(object, "spec"),
    limits: limits.map((item) => {
      if (item.type !== "Container") return item;
      const given = (field: string): Members => membersAt(item, field);
      const usual = { ...given("max"), ...given("default") };
      const request = { ...given("min"), ...usual, ...given("defaultRequest") };
      return {
        ...item,
        ...(Object.keys(usual).length > 0 ? { default: usual } : {}),
        ...(Object.keys(request).length > 0 ? { defaultRequest: request } : {}),
      };
    }),
  };
}

function typeErrors(type: string, path: FieldPath): FieldError[] {
  const errors = qualifiedNameErrors(type).map((message) => fieldInvalid(path, type, message));
  if (errors.length > 0 || type.includes("/") || types.has(type)) return errors;
  return [fieldInvalid(path, type, "must be a standard limit type or fully qualified")];
}

function itemErrors(item: Members, type: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const keys = new Set<string>();
  const check = type === "Pod" || type === "Container" ? containerResourceNameErrors : resourceNameErrors;
  const take = (field: string): Map<string, string> => {
    const values = new Map(pairsAt(item, field));
    for (const name of values.keys()) {
      errors.push(...check(name, path.child(field).key(name)));
      keys.add(name);
    }
    return values;
  };
  const max = take("max");
  const min = take("min");
  let usual = new Map<string, string>();
  let request = new Map<string, string>();
  if (type === "Pod") {
    for (const field of ["default", "defaultRequest"]) {
      if (pairsAt(item, field).length > 0)
        errors.push(fieldForbidden(path.child(field), "may not be specified when `type` is 'Pod'"));
    }
  } else {
    usual = take("default");
    request = take("defaultRequest");
  }
  if (type === "PersistentVolumeClaim" && !min.has("storage") && !max.has("storage")) {
    const detail = "either minimum or maximum storage value is required, but neither was provided";
    errors.push(fieldRequired(path.child("limits"), detail));
  }
  const ratios = take("maxLimitRequestRatio");
  for (const name of keys) {
    const values: Values = {
      min: min.get(name),
      max: max.get(name),
      usual: usual.get(name),
      request: request.get(name),
      ratio: ratios.get(name),
    };
    errors.push(...orderErrors(name, values, path), ...ratioErrors(name, values, path));
  }
  return errors;
}

interface Values {
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly usual: string | undefined;
  readonly request: string | undefined;
  readonly ratio: string | undefined;
}

function orderErrors(name: string, values: Values, path: FieldPath): FieldError[] {
  const { min, max, usual, request } = values;
  const errors: FieldError[] = [];
  type Value = string | undefined;
  const order = (
    field: string,
    low: Value,
    lowIs: string,
    high: Value,
    highIs: string,
    shown: Value,
  ): void => {
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) return;
    const detail = `${lowIs} value ${low} is greater than ${highIs} value ${high}`;
    errors.push(fieldInvalid(path.child(field).key(name), shown, detail));
  };
  order("min", min, "min", max, "max", min);
  order("defaultRequest", min, "min", request, "default request", request);
  order("defaultRequest", request, "default request", max, "max", request);
  order("defaultRequest", request, "default request", usual, "default limit", request);
  order("default", min, "min", usual, "default", min);
  order("default", usual, "default", max, "max", max);
  if (usual !== undefined && request !== undefined && !isOvercommitAllowed(name)) {
    if (compareQuantities(usual, request) !== 0) {
      const detail = `default value ${usual} must equal to defaultRequest value ${request} in ${name}`;
      errors.push(fieldInvalid(path.child("defaultRequest").key(name), request, detail));
    }
  }
  return errors;
}

function ratioErrors(name: string, { min, max, ratio }: Values, path: FieldPath): FieldError[] {
  if (ratio === undefined) return [];
  const at = path.child("maxLimitRequestRatio").key(name);
  const errors: FieldError[] = [];
  if (compareQuantities(ratio, "1") < 0)
    errors.push(fieldInvalid(at, ratio, `ratio ${ratio} is less than 1`));
  if (min !== undefined && max !== undefined) {
    const limit = Number(quantityMillis(max)) / Number(quantityMillis(min));
    if (Number(quantityMillis(ratio)) / 1_000 > limit) {
      errors.push(fieldInvalid(at, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`));
    }
  }
  return errors;
}

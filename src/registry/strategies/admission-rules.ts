/**
 * What webhooks and policies of admissionregistration.k8s.io choose by: rules, match resources, match conditions
 * (k8s.io/kubernetes pkg/apis/admissionregistration/validation and v1/defaults.go).
 */
import { trimSpace } from "#base/spaces.ts";
import type { CelEnvironment } from "#machinery/cel/cel.ts";
import { boolType, type CelType } from "#machinery/cel/types.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldInternalError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { pathSegmentErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { compileExpression, expressionEnvironment } from "../expressions/compile.ts";
import { labelSelectorErrors } from "./label-selector.ts";
import { listAt, type Members, textAt, textsAt, valueAt } from "./members.ts";

const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"] as const;
const scopes = ["*", "Cluster", "Namespaced"] as const;
export const matchPolicies = ["Equivalent", "Exact"] as const;
export const failurePolicies = ["Fail", "Ignore"] as const;
export const reinvocationPolicies = ["IfNeeded", "Never"] as const;
const maxMatchConditions = 64;

/** An error unless the value is absent or one of those. */
export function oneOf(value: unknown, supported: readonly string[], path: FieldPath): FieldError[] {
  return value === undefined || supported.includes(value as string)
    ? []
    : [fieldNotSupported(path, value, supported)];
}

/** The same where there must be a value. */
export const requiredOneOf = (value: unknown, supported: readonly string[], path: FieldPath): FieldError[] =>
  value === undefined || value === "" ? [fieldRequired(path)] : oneOf(value, supported, path);

/** The same where an empty text is a value, too. */
export const givenOneOf = (value: unknown, supported: readonly string[], path: FieldPath): FieldError[] =>
  value === undefined ? [fieldRequired(path)] : oneOf(value, supported, path);

/** `{ ...defaults, ...given }`, where a null is no value. */
export const withDefaults = (given: Members, defaults: Members): Members => ({
  ...given,
  ...Object.fromEntries(Object.entries(defaults).filter(([field]) => valueAt(given, field) === undefined)),
});

export const withScope = (rule: Members): Members => withDefaults(rule, { scope: "*" });

/** MatchResources with its defaults; undefined stays so. */
export function withMatchDefaults(match: unknown): Members | undefined {
  if (typeof match !== "object" || match === null) return undefined;
  const rules = (field: string): Members =>
    valueAt(match, field) === undefined ? {} : { [field]: listAt(match, field).map(withScope) };
  return {
    ...withDefaults(match as Members, {
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
    }),
    ...rules("resourceRules"),
    ...rules("excludeResourceRules"),
  };
}

export function ruleErrors(rule: Members, path: FieldPath): FieldError[] {
  const given = textsAt(rule, "operations");
  const groups = textsAt(rule, "apiGroups");
  const versions = textsAt(rule, "apiVersions");
  const errors: FieldError[] = [];
  const some = (values: readonly string[], field: string, others: string): void => {
    if (values.length === 0) errors.push(fieldRequired(path.child(field)));
    if (values.length > 1 && values.includes("*")) {
      const detail = `if '*' is present, must not specify other ${others}`;
      errors.push(fieldInvalid(path.child(field), values, detail));
    }
  };
  some(given, "operations", "operations");
  given.forEach((operation, index) => {
    errors.push(...oneOf(operation, operations, path.child("operations").index(index)));
  });
  some(groups, "apiGroups", "API groups");
  some(versions, "apiVersions", "API versions");
  versions.forEach((version, index) => {
    if (version === "") errors.push(fieldRequired(path.child("apiVersions").index(index)));
  });
  errors.push(...resourcesErrors(textsAt(rule, "resources"), path.child("resources")));
  errors.push(...oneOf(valueAt(rule, "scope"), scopes, path.child("scope")));
  return errors;
}

function resourcesErrors(resources: readonly string[], path: FieldPath): FieldError[] {
  if (resources.length === 0) return [fieldRequired(path)];
  const errors: FieldError[] = [];
  const allOf = new Set<string>();
  const everywhere = new Set<string>();
  // As upstream, the last plain name decides.
  let plain = false;
  resources.forEach((entry, index) => {
    const at = path.index(index);
    const slash = entry.indexOf("/");
    if (entry === "") errors.push(fieldRequired(at));
    else if (slash < 0) plain = entry !== "*";
    else {
      const resource = entry.slice(0, slash);
      const sub = entry.slice(slash + 1);
      if (allOf.has(resource))
        errors.push(fieldInvalid(at, entry, `if '${resource}/*' is present, must not specify ${entry}`));
      if (everywhere.has(sub))
        errors.push(fieldInvalid(at, entry, `if '*/${sub}' is present, must not specify ${entry}`));
      if (sub === "*") allOf.add(resource);
      if (resource === "*") everywhere.add(sub);
    }
  });
  if (resources.length > 1 && resources.includes("*/*"))
    errors.push(fieldInvalid(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes("*") && plain) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(fieldInvalid(path, resources, detail));
  }
  return errors;
}

/** `spec.matchConstraints`, `spec.matchResources`. */
export function matchResourcesErrors(match: unknown, path: FieldPath): FieldError[] {
  if (match === undefined) return [];
  const errors = givenOneOf(valueAt(match, "matchPolicy"), matchPolicies, path.child("matchPolicy"));
  for (const field of ["namespaceSelector", "objectSelector"]) {
    const selector = valueAt(match, field);
    if (selector === undefined) errors.push(fieldRequired(path.child(field)));
    else errors.push(...labelSelectorErrors(selector, path.child(field)));
  }
  for (const field of ["resourceRules", "excludeResourceRules"]) {
    listAt(match, field).forEach((rule, index) => {
      const at = path.child(field).index(index);
      errors.push(...resourceNamesErrors(textsAt(rule, "resourceNames"), at), ...ruleErrors(rule, at));
    });
  }
  return errors;
}

const resourceNamesErrors = (names: readonly string[], path: FieldPath): FieldError[] =>
  names.flatMap((name, index) => {
    const at = path.child("resourceNames").index(index);
    return [
      ...pathSegmentErrors(name).map((message) => fieldInvalid(at, name, message)),
      ...(names.indexOf(name) < index ? [fieldDuplicate(at, name)] : []),
    ];
  });

/** Deletions cannot be mutated by a policy. */
export const mutableOperationsErrors = (match: unknown, path: FieldPath): FieldError[] =>
  listAt(match, "resourceRules").flatMap((rule) =>
    textsAt(rule, "operations").flatMap((operation) =>
      oneOf(
        operation,
        operations.filter((other) => other !== "DELETE"),
        path.child("resourceRules", "operations"),
      ),
    ),
  );

/** What does not compile, or gives another type, with the compiler's text. `shown`: as the client wrote it. */
export function compileErrors(
  environment: CelEnvironment,
  expression: string,
  wanted: readonly CelType[],
  path: FieldPath,
  shown = expression,
): FieldError[] {
  const { error, internal } = compileExpression(environment, expression, wanted);
  if (error === "") return [];
  return [internal === true ? fieldInternalError(path, error) : fieldInvalid(path, shown, error)];
}

/** @param params whether expressions may use `params` */
export function matchConditionsErrors(
  conditions: readonly Members[],
  path: FieldPath,
  params: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  if (conditions.length > maxMatchConditions)
    errors.push(fieldTooMany(path, conditions.length, maxMatchConditions));
  const seen = new Set<string>();
  let environment: CelEnvironment | undefined;
  conditions.forEach((condition, index) => {
    const at = path.index(index);
    const name = textAt(condition, "name");
    const expression = trimSpace(textAt(condition, "expression"));
    if (expression === "") errors.push(fieldRequired(at.child("expression")));
    else {
      environment ??= expressionEnvironment({ params });
      errors.push(...compileErrors(environment, expression, [boolType], at.child("expression")));
    }
    if (name === "") errors.push(fieldRequired(at.child("name")));
    else {
      errors.push(
        ...qualifiedNameErrors(name).map((message) => fieldInvalid(at.child("name"), name, message)),
      );
      if (seen.has(name)) errors.push(fieldDuplicate(at.child("name"), name));
      seen.add(name);
    }
  });
  return errors;
}

/** v1 ResourceQuota (k8s.io/kubernetes pkg/apis/core/validation ValidateResourceQuota, pkg/registry/core/resourcequota). */
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import type { Strategy } from "#registry/strategy.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, textsAt, valueAt } from "./members.ts";
import { compareQuantities } from "./quantities.ts";
import { isStandardQuotaResource, quotaResourceErrors } from "./resource-names.ts";

const podResources: ReadonlySet<string> = new Set([
  "pods",
  "cpu",
  "memory",
  "limits.cpu",
  "limits.memory",
  "requests.cpu",
  "requests.memory",
]);
const claimResources: ReadonlySet<string> = new Set(["persistentvolumeclaims", "requests.storage"]);

/** What a scope can limit. */
const scopes: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["Terminating", podResources],
  ["NotTerminating", podResources],
  ["BestEffort", new Set(["pods"])],
  ["NotBestEffort", podResources],
  ["PriorityClass", podResources],
  ["CrossNamespacePodAffinity", podResources],
  ["VolumeAttributesClass", claimResources],
]);
const existOnly: ReadonlySet<string> = new Set([
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
]);
const contrary = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

const spec = FieldPath.of("spec");

export const resourceQuotaStrategy: Strategy = {
  validate: (object) => [
    ...hardErrors(object, spec.child("hard"), "spec", "hard"),
    ...scopesErrors(object),
    ...selectorErrors(object),
    ...hardErrors(object, FieldPath.of("status", "hard"), "status", "hard"),
    ...hardErrors(object, FieldPath.of("status", "used"), "status", "used"),
  ],
  validateUpdate(object, old) {
    const now = textsAt(object, "spec", "scopes");
    const before = new Set(textsAt(old, "spec", "scopes"));
    const same = new Set(now).size === before.size && now.every((scope) => before.has(scope));
    return same ? [] : [fieldInvalid(spec.child("scopes"), now, fieldImmutable)];
  },
  warnings: (object, old) => (old === undefined ? requestsOverLimits(object) : []),
};

const hardErrors = (object: KubeObject, path: FieldPath, ...fields: string[]): FieldError[] =>
  pairsAt(object, ...fields).flatMap(([name, quantity]) =>
    quotaResourceErrors(name, quantity, path.key(name)),
  );

/** Limited resources that a scope does not cover. */
function uncovered(object: KubeObject, scope: string): number {
  const covered = scopes.get(scope);
  if (covered === undefined) return 0;
  const names = Object.keys(membersAt(object, "spec", "hard"));
  return names.filter((name) => isStandardQuotaResource(name) && !covered.has(name)).length;
}

const conflictErrors = (given: ReadonlySet<string>, path: FieldPath, shown: unknown): FieldError[] =>
  contrary
    .filter((pair) => pair.every((scope) => given.has(scope)))
    .map(() => fieldInvalid(path, shown, "conflicting scopes"));

function scopesErrors(object: KubeObject): FieldError[] {
  const given = textsAt(object, "spec", "scopes");
  const path = spec.child("scopes");
  const errors = given.flatMap((scope) => [
    ...(scopes.has(scope) ? [] : [fieldInvalid(path, given, "unsupported scope")]),
    ...Array.from({ length: uncovered(object, scope) }, () =>
      fieldInvalid(path, given, "unsupported scope applied to resource"),
    ),
  ]);
  return [...errors, ...conflictErrors(new Set(given), path, given)];
}

function selectorErrors(object: KubeObject): FieldError[] {
  const selector = valueAt(object, "spec", "scopeSelector");
  const requirements = listAt(selector, "matchExpressions");
  const path = spec.child("scopeSelector", "matchExpressions");
  const errors = requirements.flatMap((requirement) => {
    const scope = textAt(requirement, "scopeName");
    return [
      ...(scopes.has(scope) ? [] : [fieldInvalid(path.child("scopeName"), scope, "unsupported scope")]),
      ...Array.from({ length: uncovered(object, scope) }, () =>
        fieldInvalid(path, selector, "unsupported scope applied to resource"),
      ),
      ...operatorErrors(requirement, scope, path),
    ];
  });
  const given = new Set(requirements.map((requirement) => textAt(requirement, "scopeName")));
  return [...errors, ...conflictErrors(given, path, valueAt(object, "spec", "scopes") ?? null)];
}

function operatorErrors(requirement: Members, scope: string, path: FieldPath): FieldError[] {
  const operator = textAt(requirement, "operator");
  const values = textsAt(requirement, "values");
  const errors: FieldError[] = [];
  if (existOnly.has(scope) && operator !== "Exists") {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.push(fieldInvalid(path.child("operator"), operator, detail));
  }
  if (operator === "In" || operator === "NotIn") {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(fieldRequired(path.child("values"), detail));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(fieldInvalid(path.child("values"), values, detail));
  } else errors.push(fieldInvalid(path.child("operator"), operator, "not a valid selector operator"));
  return errors;
}

function requestsOverLimits(object: KubeObject): string[] {
  const hard = new Map(pairsAt(object, "spec", "hard"));
  return ["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => {
    const bare = (name === "cpu" || name === "memory") && !hard.has(`requests.${name}`);
    const request = bare ? name : `requests.${name}`;
    const limit = `limits.${name}`;
    const [low, high] = [hard.get(request), hard.get(limit)];
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) return [];
    return [`ResourceQuota ${request} (${low}) should be less than ${limit} (${high})`];
  });
}

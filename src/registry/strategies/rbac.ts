/** rbac.authorization.k8s.io (k8s.io/kubernetes pkg/apis/rbac/validation and v1/defaults.go). */
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123SubdomainErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import type { Strategy } from "#registry/strategy.ts";
import { labelSelectorErrors } from "./label-selector.ts";
import { listAt } from "./members.ts";

const rbacGroup = "rbac.authorization.k8s.io";

interface PolicyRule {
  readonly verbs?: readonly string[] | null;
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}
interface RoleRef {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
}
interface Subject extends RoleRef {
  readonly namespace?: string;
}

export const roleStrategy: Strategy = { validate: (object) => rulesErrors(object, true) };

export const clusterRoleStrategy: Strategy = {
  validate(object): FieldError[] {
    const errors = rulesErrors(object, false);
    const aggregation = object.aggregationRule as { clusterRoleSelectors?: readonly unknown[] } | undefined;
    if (aggregation !== undefined && (aggregation.clusterRoleSelectors ?? []).length === 0) {
      const at = FieldPath.of("aggregationRule").child("clusterRoleSelectors");
      errors.push(
        fieldRequired(at, "at least one clusterRoleSelector required if aggregationRule is non-nil"),
      );
    }
    listAt(aggregation, "clusterRoleSelectors").forEach((selector, index) => {
      const at = FieldPath.of("aggregationRule").child("clusterRoleSelectors").index(index);
      const wrong = labelSelectorErrors(selector, at);
      errors.push(...wrong);
      if (wrong.length > 0) errors.push(fieldInvalid(at, null, "invalid label selector."));
    });
    return errors;
  },
};

export const roleBindingStrategy: Strategy = bindingStrategy(true);
export const clusterRoleBindingStrategy: Strategy = bindingStrategy(false);

function bindingStrategy(namespaced: boolean): Strategy {
  return {
    applyDefaults: setDefaults,
    validate: (object) => bindingErrors(object, namespaced),
    validateUpdate: (object, old) =>
      jsonEqual(object.roleRef as JsonValue, old.roleRef as JsonValue)
        ? []
        : [fieldInvalid("roleRef", shownRoleRef(object.roleRef), "cannot change roleRef")],
  };
}

/** Upstream prints its internal type, whose members have Go's names. */
function shownRoleRef(roleRef: unknown): Record<string, string> {
  const { apiGroup = "", kind = "", name = "" } = (roleRef ?? {}) as RoleRef;
  return { APIGroup: apiGroup, Kind: kind, Name: name };
}

function setDefaults(object: KubeObject): void {
  const roleRef = (object.roleRef ?? {}) as RoleRef;
  object.roleRef = {
    ...roleRef,
    apiGroup: (roleRef.apiGroup ?? "") === "" ? rbacGroup : roleRef.apiGroup,
  };
  const subjects = object.subjects as readonly Subject[] | undefined;
  if (subjects === undefined) return;
  object.subjects = subjects.map((subject) =>
    (subject.apiGroup ?? "") === "" && (subject.kind === "User" || subject.kind === "Group")
      ? { ...subject, apiGroup: rbacGroup }
      : subject,
  );
}

function rulesErrors(object: KubeObject, namespaced: boolean): FieldError[] {
  const rules = (object.rules ?? []) as readonly PolicyRule[];
  return rules.flatMap((rule, index) => ruleErrors(rule, namespaced, FieldPath.of("rules").index(index)));
}

function ruleErrors(rule: PolicyRule, namespaced: boolean, path: FieldPath): FieldError[] {
  // A list that is always written is null when it is empty.
  const verbs = rule.verbs ?? [];
  const apiGroups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  const resourceNames = rule.resourceNames ?? [];
  const nonResourceURLs = rule.nonResourceURLs ?? [];
  const errors: FieldError[] = [];
  if (verbs.length === 0)
    errors.push(fieldRequired(path.child("verbs"), "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const at = path.child("nonResourceURLs");
    if (namespaced)
      errors.push(fieldInvalid(at, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const detail = "rules cannot apply to both regular resources and non-resource URLs";
      errors.push(fieldInvalid(at, nonResourceURLs, detail));
    }
    return errors;
  }
  if (apiGroups.length === 0) {
    errors.push(fieldRequired(path.child("apiGroups"), "resource rules must supply at least one api group"));
  }
  if (resources.length === 0) {
    errors.push(fieldRequired(path.child("resources"), "resource rules must supply at least one resource"));
  }
  return errors;
}

function bindingErrors(object: KubeObject, namespaced: boolean): FieldError[] {
  const { apiGroup = "", kind = "", name = "" } = (object.roleRef ?? {}) as RoleRef;
  const path = FieldPath.of("roleRef");
  const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(fieldNotSupported(path.child("apiGroup"), apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(fieldNotSupported(path.child("kind"), kind, kinds));
  if (name === "") errors.push(fieldRequired(path.child("name")));
  else
    errors.push(...pathSegmentErrors(name).map((message) => fieldInvalid(path.child("name"), name, message)));
  const subjects = (object.subjects ?? []) as readonly Subject[];
  subjects.forEach((subject, index) => {
    errors.push(...subjectErrors(subject, namespaced, FieldPath.of("subjects").index(index)));
  });
  return errors;
}

function subjectErrors(subject: Subject, namespaced: boolean, path: FieldPath): FieldError[] {
  const { kind = "", name = "", apiGroup = "", namespace = "" } = subject;
  const errors: FieldError[] = name === "" ? [fieldRequired(path.child("name"))] : [];
  switch (kind) {
    case "ServiceAccount":
      if (name !== "") {
        errors.push(
          ...dns1123SubdomainErrors(name).map((message) => fieldInvalid(path.child("name"), name, message)),
        );
      }
      if (apiGroup !== "") errors.push(fieldNotSupported(path.child("apiGroup"), apiGroup, [""]));
      if (!namespaced && namespace === "") errors.push(fieldRequired(path.child("namespace")));
      break;
    case "User":
    case "Group":
      if (apiGroup !== rbacGroup)
        errors.push(fieldNotSupported(path.child("apiGroup"), apiGroup, [rbacGroup]));
      break;
    default:
      errors.push(fieldNotSupported(path.child("kind"), kind, ["ServiceAccount", "User", "Group"]));
  }
  return errors;
}

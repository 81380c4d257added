/**
 * Validating- and MutatingAdmissionPolicy and their bindings (k8s.io/kubernetes pkg/apis/admissionregistration/validation and
 * v1/defaults.go).
 */

import { byteLength } from "#base/bytes.ts";
import { trimSpace } from "#base/spaces.ts";
import type { CelEnvironment } from "#machinery/cel/cel.ts";
import { jsonPatchType, objectType } from "#machinery/cel/structs.ts";
import { boolType, listType, nullType, stringType } from "#machinery/cel/types.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { Strategy } from "#registry/strategy.ts";
import { expressionEnvironment } from "../expressions/compile.ts";
import { compileVariables, type Variables } from "../expressions/variables.ts";
import {
  compileErrors,
  failurePolicies,
  givenOneOf,
  matchConditionsErrors,
  matchResourcesErrors,
  mutableOperationsErrors,
  oneOf,
  reinvocationPolicies,
  requiredOneOf,
  withDefaults,
  withMatchDefaults,
} from "./admission-rules.ts";
import { labelSelectorErrors } from "./label-selector.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "./members.ts";

const maxAuditAnnotations = 20;
const maxValueExpressionBytes = 5 * 1_024;
const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"] as const;
const actions = ["Audit", "Deny", "Warn"] as const;
const patchTypes = ["ApplyConfiguration", "JSONPatch"] as const;
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

const spec = FieldPath.of("spec");

const policyDefaults = (object: KubeObject): void => {
  const given = withDefaults(membersAt(object, "spec"), { failurePolicy: "Fail" });
  const matchConstraints = withMatchDefaults(given.matchConstraints);
  object.spec = { ...given, ...(matchConstraints === undefined ? {} : { matchConstraints }) };
};
const bindingDefaults = (object: KubeObject): void => {
  const matchResources = withMatchDefaults(valueAt(object, "spec", "matchResources"));
  if (matchResources !== undefined) object.spec = { ...membersAt(object, "spec"), matchResources };
};

export const validatingAdmissionPolicyStrategy: Strategy = {
  applyDefaults: policyDefaults,
  validate(object) {
    const compiler = policyCompiler(object, false);
    return [...policyErrors(object, compiler), ...checksErrors(object, compiler)];
  },
};

export const mutatingAdmissionPolicyStrategy: Strategy = {
  applyDefaults: policyDefaults,
  validate: (object) => {
    const mutations = listAt(object, "spec", "mutations");
    const compiler = policyCompiler(object, true);
    const path = spec.child("mutations");
    return [
      ...policyErrors(object, compiler),
      ...mutableOperationsErrors(valueAt(object, "spec", "matchConstraints"), spec.child("matchConstraints")),
      ...(mutations.length === 0 ? [fieldRequired(path, "mutations must contain at least one item")] : []),
      ...mutations.flatMap((mutation, index) => mutationErrors(mutation, compiler, path.index(index))),
      ...requiredOneOf(
        valueAt(object, "spec", "reinvocationPolicy"),
        reinvocationPolicies,
        spec.child("reinvocationPolicy"),
      ),
    ];
  },
};

export const validatingAdmissionPolicyBindingStrategy: Strategy = {
  applyDefaults: bindingDefaults,
  validate: (object) => [
    ...bindingErrors(object),
    ...actionsErrors(textsAt(object, "spec", "validationActions"), spec.child("validationActions")),
  ],
};

export const mutatingAdmissionPolicyBindingStrategy: Strategy = {
  applyDefaults: bindingDefaults,
  validate: (object) => [
    ...bindingErrors(object),
    ...mutableOperationsErrors(valueAt(object, "spec", "matchResources"), spec.child("matchResources")),
  ],
};

/** What the expressions of one policy are compiled by; made when they are needed. */
interface PolicyCompiler {
  readonly variables: Variables;
  readonly environment: CelEnvironment;
  /** Messages cannot ask the authorizer. */
  readonly forMessages: CelEnvironment;
  readonly forPatches: CelEnvironment;
}

function policyCompiler(object: KubeObject, isMutating: boolean): PolicyCompiler {
  const given = listAt(object, "spec", "variables");
  const params = valueAt(object, "spec", "paramKind") !== undefined;
  const variables = compileVariables(given, { params });
  // Without variables a validating policy does not have `variables` at all.
  const scope = { params, ...(given.length > 0 || isMutating ? { variables: variables.type } : {}) };
  return {
    variables,
    get environment() {
      return expressionEnvironment(scope);
    },
    get forMessages() {
      return expressionEnvironment({ ...scope, authorizer: false });
    },
    get forPatches() {
      return expressionEnvironment({ ...scope, mutation: true });
    },
  };
}

/** What both kinds of policy say. */
function policyErrors(object: KubeObject, { variables }: PolicyCompiler): FieldError[] {
  const given = membersAt(object, "spec");
  const path = spec.child("matchConstraints");
  const errors = givenOneOf(valueAt(given, "failurePolicy"), failurePolicies, spec.child("failurePolicy"));
  const paramKind = valueAt(given, "paramKind");
  if (paramKind !== undefined) errors.push(...paramKindErrors(paramKind, spec.child("paramKind")));
  const match = valueAt(given, "matchConstraints");
  if (match === undefined) errors.push(fieldRequired(path));
  else {
    errors.push(...matchResourcesErrors(match, path));
    if (listAt(match, "resourceRules").length === 0) errors.push(fieldRequired(path.child("resourceRules")));
  }
  errors.push(
    ...matchConditionsErrors(
      listAt(given, "matchConditions"),
      spec.child("matchConditions"),
      paramKind !== undefined,
    ),
  );
  listAt(given, "variables").forEach((variable, index) => {
    const at = spec.child("variables").index(index);
    const name = textAt(variable, "name");
    if (trimSpace(name) === "") errors.push(fieldRequired(at.child("name"), "name is not specified"));
    else if (!identifier.test(name) || reserved.has(name))
      errors.push(fieldInvalid(at.child("name"), name, "must be a valid CEL identifier"));
    const missing = expressionErrors(variable, at);
    const [, { source, error }] = variables.expressions[index]!;
    if (missing.length > 0) errors.push(...missing);
    else if (error !== "") errors.push(fieldInvalid(at.child("expression"), source, error));
  });
  return errors;
}

const expressionErrors = (of: Members, path: FieldPath): FieldError[] =>
  trimSpace(textAt(of, "expression")) === ""
    ? [fieldRequired(path.child("expression"), "expression is not specified")]
    : [];

/** As Go's, letter by letter: `İ` is an `i` without a dot of its own. */
const lowerCase = (text: string): string => text.replaceAll("İ", "i").toLowerCase();

function paramKindErrors(kind: unknown, path: FieldPath): FieldError[] {
  const apiVersion = textAt(kind, "apiVersion");
  const name = textAt(kind, "kind");
  const errors: FieldError[] = [];
  const invalid = (field: string, value: string, detail: string): void => {
    errors.push(fieldInvalid(path.child(field), value, detail));
  };
  const slashes = apiVersion.split("/").length - 1;
  if (apiVersion === "") errors.push(fieldRequired(path.child("apiVersion")));
  else if (slashes > 1) invalid("apiVersion", apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const [group, version] = slashes === 0 ? ["", apiVersion] : (apiVersion.split("/") as [string, string]);
    const groupErrors = group === "" ? [] : dns1123SubdomainErrors(group);
    if (groupErrors.length > 0) invalid("apiVersion", group, groupErrors.join(","));
    const versionErrors = dns1035LabelErrors(version);
    if (version === "") invalid("apiVersion", apiVersion, "version must be specified");
    else if (versionErrors.length > 0) invalid("apiVersion", version, versionErrors.join(","));
  }
  const nameErrors = dns1035LabelErrors(lowerCase(name));
  if (name === "") errors.push(fieldRequired(path.child("kind")));
  else if (nameErrors.length > 0)
    invalid("kind", name, `may have mixed case, but should otherwise match: ${nameErrors.join(",")}`);
  return errors;
}

function checksErrors(object: KubeObject, compiler: PolicyCompiler): FieldError[] {
  const validations = listAt(object, "spec", "validations");
  const annotations = listAt(object, "spec", "auditAnnotations");
  const path = spec.child("auditAnnotations");
  if (validations.length === 0 && annotations.length === 0) {
    const detail = "validations or auditAnnotations must contain at least one item";
    return [fieldRequired(spec.child("validations"), detail), fieldRequired(path, detail)];
  }
  const errors = validations.flatMap((validation, index) =>
    validationErrors(validation, compiler, spec.child("validations").index(index)),
  );
  if (annotations.length > maxAuditAnnotations) {
    const detail = `must not have more than ${maxAuditAnnotations} auditAnnotations`;
    errors.push(fieldInvalid(path, annotations, detail));
  }
  const seen = new Set<string>();
  annotations.forEach((annotation, index) => {
    const at = path.index(index);
    const key = textAt(annotation, "key");
    errors.push(...annotationErrors(annotation, compiler, object.metadata.name ?? "", at));
    if (seen.has(key)) errors.push(fieldDuplicate(at.child("key"), key));
    seen.add(key);
  });
  return errors;
}

function validationErrors(validation: Members, compiler: PolicyCompiler, path: FieldPath): FieldError[] {
  const errors = expressionErrors(validation, path);
  if (errors.length === 0)
    errors.push(
      ...compileErrors(
        compiler.environment,
        textAt(validation, "expression"),
        [boolType],
        path.child("expression"),
      ),
    );
  const message = textAt(validation, "message");
  const messageExpression = textAt(validation, "messageExpression");
  if (messageExpression !== "" && trimSpace(messageExpression) === "")
    errors.push(
      fieldInvalid(path.child("messageExpression"), messageExpression, "must be non-empty if specified"),
    );
  else if (messageExpression !== "")
    errors.push(
      ...compileErrors(
        compiler.forMessages,
        messageExpression,
        [stringType],
        path.child("messageExpression"),
      ),
    );
  if (message !== "" && trimSpace(message) === "")
    errors.push(fieldInvalid(path.child("message"), message, "must be non-empty if specified"));
  else if (/[\n\r]/.test(trimSpace(message)))
    errors.push(fieldInvalid(path.child("message"), message, "must not contain line breaks"));
  errors.push(...oneOf(valueAt(validation, "reason"), reasons, path.child("reason")));
  return errors;
}

function annotationErrors(
  annotation: Members,
  { environment }: PolicyCompiler,
  policy: string,
  path: FieldPath,
): FieldError[] {
  const given = textAt(annotation, "valueExpression");
  const expression = trimSpace(given);
  const key = textAt(annotation, "key");
  const at = path.child("valueExpression");
  const whole = `${policy}/${key}`;
  const errors = qualifiedNameErrors(whole).map((message) => fieldInvalid(path.child("key"), whole, message));
  if (expression === "") errors.push(fieldRequired(at, "valueExpression is not specified"));
  else if (byteLength(expression) > maxValueExpressionBytes)
    errors.push(fieldRequired(at, `must not exceed ${maxValueExpressionBytes} bytes in length`));
  else errors.push(...compileErrors(environment, expression, [stringType, nullType], at, given));
  return errors;
}

function mutationErrors(mutation: Members, { forPatches }: PolicyCompiler, path: FieldPath): FieldError[] {
  const type = textAt(mutation, "patchType");
  if (type === "") return [fieldRequired(path.child("patchType"))];
  if (type !== "JSONPatch" && type !== "ApplyConfiguration")
    return [fieldNotSupported(path.child("patchType"), type, patchTypes)];
  const [wanted, other] =
    type === "JSONPatch" ? ["jsonPatch", "applyConfiguration"] : ["applyConfiguration", "jsonPatch"];
  const patch = valueAt(mutation, wanted!);
  const errors: FieldError[] = [];
  if (patch === undefined)
    errors.push(fieldRequired(path.child(wanted!), `must be specified when patchType is ${type}`));
  else {
    const expression = trimSpace(textAt(patch, "expression"));
    const at = path.child(wanted!, "expression");
    const result = type === "JSONPatch" ? listType(jsonPatchType) : objectType;
    if (expression === "") errors.push(fieldRequired(at));
    else errors.push(...compileErrors(forPatches, expression, [result], at));
  }
  if (valueAt(mutation, other!) !== undefined) {
    const detail = `must not be specified when patchType is ${type}`;
    errors.push(fieldInvalid(path.child(other!), `{${other}}`, detail));
  }
  return errors;
}

function bindingErrors(object: KubeObject): FieldError[] {
  const name = textAt(object, "spec", "policyName");
  const path = spec.child("policyName");
  return [
    ...(name === ""
      ? [fieldRequired(path)]
      : dns1123SubdomainErrors(name).map((message) => fieldInvalid(path, name, message))),
    ...paramRefErrors(valueAt(object, "spec", "paramRef"), spec.child("paramRef")),
    ...matchResourcesErrors(valueAt(object, "spec", "matchResources"), spec.child("matchResources")),
  ];
}

function paramRefErrors(ref: unknown, path: FieldPath): FieldError[] {
  if (ref === undefined) return [];
  const name = textAt(ref, "name");
  const selector = valueAt(ref, "selector");
  const both = name !== "" && selector !== undefined;
  const exclusive = "name and selector are mutually exclusive";
  const errors = pathSegmentErrors(name).map((message) => fieldInvalid(path.child("name"), name, message));
  if (both) errors.push(fieldForbidden(path.child("name"), exclusive));
  errors.push(...labelSelectorErrors(selector, path.child("selector")));
  if (both) errors.push(fieldForbidden(path.child("selector"), exclusive));
  if (name === "" && selector === undefined)
    errors.push(fieldRequired(path, "one of name or selector must be specified"));
  const action = valueAt(ref, "parameterNotFoundAction");
  errors.push(...requiredOneOf(action, ["Deny", "Allow"], path.child("parameterNotFoundAction")));
  return errors;
}

function actionsErrors(given: readonly string[], path: FieldPath): FieldError[] {
  const errors = given.flatMap((action, index) => [
    ...oneOf(action, actions, path.index(index)),
    ...(given.indexOf(action) < index ? [fieldDuplicate(path.index(index), action)] : []),
  ]);
  if (given.includes("Deny") && given.includes("Warn")) {
    const detail =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    errors.push(fieldInvalid(path, given, detail));
  }
  if (given.length === 0) errors.push(fieldRequired(path, "at least one validation action is required"));
  return errors;
}

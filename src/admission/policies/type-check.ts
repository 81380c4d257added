/** Type checking of ValidatingAdmissionPolicies (k8s.io/apiserver plugin/policy/validating/typechecking.go). It only warns. */
import { compareBytes } from "#base/bytes.ts";
import type { CelType } from "#machinery/cel/types.ts";
import { dynType } from "#machinery/cel/types.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import {
  type GroupResource,
  type GroupVersionKind,
  type KubeObject,
  parseApiVersion,
} from "#machinery/meta/object.ts";
import {
  checkExpression,
  type ExpressionScope,
  expressionEnvironment,
} from "#registry/expressions/compile.ts";
import { compileVariables } from "#registry/expressions/variables.ts";
import { listAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";

/** Kinds that one rule of a policy is checked against; where there are more, later rules are not looked at. */
const maxTypes = 10;

/** What there is in a workspace. */
export interface TypeSource {
  kindOf(resource: GroupResource, version: string): string | undefined;
  /** The type of a kind, an object type named after it; undefined when nobody knows the kind. */
  typeOf(kind: GroupVersionKind): CelType | undefined;
}

/** `status.typeChecking.expressionWarnings`: what the expressions may do wrong with the kinds that the policy names. */
export function expressionWarnings(types: TypeSource, policy: KubeObject): JsonObject[] {
  const params = paramsOf(types, policy);
  const checks = kindsToCheck(types, policy).flatMap((kind) => {
    const type = types.typeOf(kind);
    return type === undefined ? [] : [checkerFor(policy, kind, { ...params, objectType: type })];
  });
  const warnings: JsonObject[] = [];
  const check = (expression: string, fieldRef: string): void => {
    const texts = checks.map((one) => one(expression)).filter((text) => text !== "");
    if (texts.length > 0) warnings.push({ fieldRef, warning: texts.join("\n") });
  };
  listAt(policy, "spec", "validations").forEach((validation, index) => {
    const path = `spec.validations[${index}]`;
    check(textAt(validation, "expression"), `${path}.expression`);
    const message = textAt(validation, "messageExpression");
    if (message !== "") check(message, `${path}.messageExpression`);
  });
  return warnings;
}

function checkerFor(
  policy: KubeObject,
  { group, version, kind }: GroupVersionKind,
  scope: ExpressionScope,
): (expression: string) => string {
  const variables = compileVariables(listAt(policy, "spec", "variables"), scope);
  const environment = expressionEnvironment({ ...scope, variables: variables.type });
  return (expression) => {
    const error = checkExpression(environment, expression);
    return error === "" ? "" : `${group}/${version}, Kind=${kind}: ${error}\n`;
  };
}

function paramsOf(types: TypeSource, policy: KubeObject): ExpressionScope {
  const given = valueAt(policy, "spec", "paramKind");
  const parsed = given === undefined ? undefined : parseApiVersion(textAt(given, "apiVersion"));
  if (parsed === undefined) return { params: false };
  return { params: true, paramsType: types.typeOf({ ...parsed, kind: textAt(given, "kind") }) ?? dynType };
}

/** Rules with a wildcard for groups or versions name no kinds. */
function kindsToCheck(types: TypeSource, policy: KubeObject): GroupVersionKind[] {
  const found = new Map<string, GroupVersionKind>();
  const plain = (names: readonly string[]): readonly string[] =>
    names.some((name) => name.includes("*")) ? [] : [...names].sort(compareBytes);
  for (const rule of listAt(policy, "spec", "matchConstraints", "resourceRules")) {
    const resources = textsAt(rule, "resources").filter((name) => !/[*/]/.test(name));
    let count = 0;
    for (const group of plain(textsAt(rule, "apiGroups"))) {
      for (const version of plain(textsAt(rule, "apiVersions"))) {
        for (const resource of [...resources].sort(compareBytes)) {
          const kind = types.kindOf({ group, resource }, version);
          if (kind === undefined) continue;
          found.set(`${group}\0${version}\0${kind}`, { group, version, kind });
          if (++count === maxTypes) return ordered(found);
        }
      }
    }
  }
  return ordered(found);
}

const ordered = (found: ReadonlyMap<string, GroupVersionKind>): GroupVersionKind[] =>
  [...found].sort(([a], [b]) => compareBytes(a, b)).map(([, kind]) => kind);

/** Whether the policy has changed since its status was told. */
export const needsTypeCheck = (policy: KubeObject): boolean =>
  Number(policy.metadata.generation ?? 0) > Number(valueAt(policy, "status", "observedGeneration") ?? 0);

/** The policy with its status. */
export function withTypeChecking(policy: KubeObject, warnings: readonly JsonObject[]): KubeObject {
  const { conditions } = (policy.status ?? {}) as { conditions?: unknown };
  const status = {
    observedGeneration: policy.metadata.generation ?? 0,
    typeChecking: warnings.length === 0 ? {} : { expressionWarnings: [...warnings] },
    ...(conditions === undefined ? {} : { conditions }),
  };
  return { ...policy, status };
}

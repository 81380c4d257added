/** Type checking of ValidatingAdmissionPolicies (k8s.io/apiserver plugin/policy/validating/typechecking.go). It only warns. */
import { compareBytes } from "#base/bytes.ts";
import { celTypeOfCatalogue } from "#machinery/cel/catalogue-typed.ts";
import type { CelType } from "#machinery/cel/types.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { compileExpression, expressionEnvironment } from "#registry/expressions/compile.ts";
import { compileVariables } from "#registry/expressions/variables.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import { listAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";
import { ConfigurationError, paramResource } from "./params.ts";

/** Kinds that one policy is checked against. */
const maxTypes = 10;

export interface TypeCheckContext {
  readonly registry: Registry;
  readonly types: TypeResolver;
  readonly cluster: ClusterName;
}

interface CheckedKind {
  /** As messages show it: `apps/v1, Kind=Deployment`. */
  readonly text: string;
  readonly type: CelType;
}

/** `status.typeChecking.expressionWarnings`: what the expressions may do wrong with the kinds that the policy names. */
export function expressionWarnings(context: TypeCheckContext, policy: KubeObject): JsonObject[] {
  const kinds = kindsToCheck(context, policy);
  if (kinds.length === 0) return [];
  const checks = kinds.map((kind) => checkerFor(context, policy, kind));
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
  context: TypeCheckContext,
  policy: KubeObject,
  { text, type }: CheckedKind,
): (expression: string) => string {
  const paramsType = paramsTypeOf(context, policy);
  const scope = {
    params: valueAt(policy, "spec", "paramKind") !== undefined,
    objectType: type,
    ...(paramsType === undefined ? {} : { paramsType }),
  };
  const variables = compileVariables(listAt(policy, "spec", "variables"), scope);
  const environment = expressionEnvironment({ ...scope, variables: variables.type });
  return (expression) => {
    const { error } = compileExpression(environment, expression, []);
    return error === "" ? "" : `${text}: ${error}\n`;
  };
}

function paramsTypeOf(context: TypeCheckContext, policy: KubeObject): CelType | undefined {
  const kind = valueAt(policy, "spec", "paramKind");
  if (kind === undefined) return undefined;
  try {
    const named = { apiVersion: textAt(kind, "apiVersion"), kind: textAt(kind, "kind") };
    const { resource, version } = paramResource(context.registry, context.cluster, named);
    return typeOf(context, resource, version);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

/** Rules with a wildcard for groups or versions name no kinds. */
function kindsToCheck(context: TypeCheckContext, policy: KubeObject): CheckedKind[] {
  const found = new Map<string, { readonly order: string; readonly kind: CheckedKind }>();
  const plain = (names: readonly string[]): readonly string[] =>
    names.some((name) => name.includes("*")) ? [] : [...names].sort(compareBytes);
  for (const rule of listAt(policy, "spec", "matchConstraints", "resourceRules")) {
    const resources = textsAt(rule, "resources").filter((name) => !/[*/]/.test(name));
    for (const group of plain(textsAt(rule, "apiGroups"))) {
      for (const version of plain(textsAt(rule, "apiVersions"))) {
        for (const name of [...resources].sort(compareBytes)) {
          const resource = context.registry.resourceIn(context.cluster, { group, resource: name }, version);
          const served = resource?.info.versions.find((one) => one.version === version);
          if (resource === undefined || served === undefined) continue;
          const type = typeOf(context, resource, version);
          const text = `${group}/${version}, Kind=${served.kind}`;
          if (type !== undefined)
            found.set(text, { order: `${group}\0${version}\0${served.kind}`, kind: { text, type } });
          if (found.size === maxTypes) return ordered(found);
        }
      }
    }
  }
  return ordered(found);
}

const ordered = (
  found: ReadonlyMap<string, { readonly order: string; readonly kind: CheckedKind }>,
): CheckedKind[] =>
  [...found.values()].sort((a, b) => compareBytes(a.order, b.order)).map(({ kind }) => kind);

function typeOf({ types }: TypeCheckContext, resource: Resource, version: string): CelType | undefined {
  const custom = resource.custom?.get(version);
  if (custom !== undefined) return celTypeOfCatalogue(custom.schema, types);
  const served = resource.info.versions.find((one) => one.version === version);
  return served === undefined ? undefined : celTypeOfCatalogue({ kind: "ref", ref: served.type }, types);
}

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

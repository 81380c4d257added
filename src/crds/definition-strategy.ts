/** Strategy of CustomResourceDefinitions (apiextensions-apiserver pkg/registry/customresourcedefinition, v1/defaults.go). */
import type { FieldError } from "#machinery/errors/field-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Strategy } from "#registry/strategy.ts";
import { timestamp } from "#registry/system-fields.ts";
import { withCondition, withoutCondition } from "./conditions.ts";
import { type NameClaims, settledStatus } from "./names.ts";
import { sameContent } from "./same-content.ts";
import { type CustomResourceDefinition, cleanupFinalizer } from "./types.ts";

/** Rules for definitions, as they are about to be stored. */
export interface DefinitionRules {
  readonly create: (definition: KubeObject, found: readonly FieldError[]) => readonly FieldError[];
  readonly update: UpdateRule;
  readonly updateStatus: UpdateRule;
  readonly warnings: (definition: KubeObject, old: KubeObject | undefined) => readonly string[];
}

/** `found` are the errors so far, of metadata. */
type UpdateRule = (
  definition: KubeObject,
  old: KubeObject,
  found: readonly FieldError[],
) => readonly FieldError[];

/** The port that a conversion webhook behind a Service has when none is told. */
const servicePort = 443;

export function definitionStrategy(
  claims: (cluster: ClusterName, definition: string) => NameClaims,
  rules: DefinitionRules,
): Strategy {
  return {
    tracksGeneration: true,
    // The finalizer that cleans up holds a definition back; upstream's storage marks it, and looks at no policy.
    ignoresPropagation: true,
    requiresResourceVersion: true,
    applyDefaults(object) {
      const definition = object as CustomResourceDefinition;
      definition.spec = withSpecDefaults(definition.spec);
    },
    prepareForCreate(object, { cluster, nowMs }) {
      const definition = object as CustomResourceDefinition;
      const { name = "" } = definition.metadata;
      definition.status = settledStatus(definition, claims(cluster, name), timestamp(nowMs));
    },
    prepareForUpdate(object, old, { cluster, nowMs, subresource }) {
      const definition = object as CustomResourceDefinition;
      const before = old as CustomResourceDefinition;
      const { name = "" } = definition.metadata;
      if (subresource === "status") {
        // What will be refused stays as it is, to be told.
        if (rules.updateStatus(object, old, []).length > 0) return;
        const { storedVersions } = definition.status ?? {};
        const settled = settledStatus(definition, claims(cluster, name), timestamp(nowMs));
        definition.status = {
          ...settled,
          // Only definitions of v1beta1 could have such a schema; upstream takes the condition back from all others.
          conditions: withoutCondition(settled.conditions, "NonStructuralSchema"),
          ...((storedVersions ?? []).length === 0 ? {} : { storedVersions: storedVersions! }),
        };
        return;
      }
      const same =
        sameContent(definition.spec, before.spec) &&
        sameContent(definition.metadata.annotations, before.metadata.annotations);
      if (same) return;
      definition.status = settledStatus(definition, claims(cluster, name), timestamp(nowMs));
    },
    validateCreate: (object, _context, found) => rules.create(object, found),
    validateUpdate: (object, old, { subresource }, found) =>
      (subresource === "status" ? rules.updateStatus : rules.update)(object, old, found),
    warnings: rules.warnings,
    prepareForDeletion(object) {
      const definition = object as CustomResourceDefinition;
      const { finalizers = [], deletionTimestamp = "" } = definition.metadata;
      // Upstream's storage marks definitions itself (pkg/registry/customresourcedefinition/etcd.go): no grace, no new generation.
      delete definition.metadata.deletionGracePeriodSeconds;
      if (definition.metadata.generation !== undefined) definition.metadata.generation -= 1;
      if (!finalizers.includes(cleanupFinalizer))
        definition.metadata.finalizers = [...finalizers, cleanupFinalizer];
      const pending = {
        type: "Terminating",
        status: "True",
        reason: "InstanceDeletionPending",
        message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
      };
      const conditions = withCondition(definition.status?.conditions, pending, deletionTimestamp);
      definition.status = { ...definition.status, conditions };
    },
  };
}

function withSpecDefaults(spec: CustomResourceDefinition["spec"]): CustomResourceDefinition["spec"] {
  const { names, conversion } = spec;
  const { singular = "", listKind = "", kind = "" } = names;
  const service = conversion?.webhook?.clientConfig?.service;
  const clientConfig = conversion?.webhook?.clientConfig;
  return {
    ...spec,
    names: {
      ...names,
      singular: singular === "" ? kind.toLowerCase() : singular,
      ...(listKind === "" && kind !== "" ? { listKind: `${kind}List` } : {}),
    },
    conversion:
      conversion === undefined
        ? { strategy: "None" }
        : service === undefined || service.port !== undefined
          ? conversion
          : {
              ...conversion,
              webhook: {
                ...conversion.webhook!,
                clientConfig: { ...clientConfig, service: { ...service, port: servicePort } },
              },
            },
  };
}

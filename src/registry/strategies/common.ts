/** What applies to every kind, around its own strategy. */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject, OwnerReference } from "#machinery/meta/object.ts";
import { foregroundFinalizer, orphanFinalizer } from "#machinery/meta/validation.ts";
import type { Requester, Strategy } from "#registry/strategy.ts";
import { emptyStatus, keptByStatus } from "./builtin-facts.ts";
import { jsonOf } from "./members.ts";

const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", orphanFinalizer, foregroundFinalizer]);

/** Groups whose kinds upstream validates without the rule on finalizers' names, and the kinds of others. */
const freeFinalizers: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "coordination.k8s.io",
  "core.kcp.io",
  "events.k8s.io",
  "tenancy.kcp.io",
]);
/** Core kinds among them. */
const freeCoreFinalizers: ReadonlySet<string> = new Set(["/events"]);
/** Updates of these are validated as new objects are. */
const checkedOnUpdate: ReadonlySet<string> = new Set([
  "/configmaps",
  "/secrets",
  "/serviceaccounts",
  "/limitranges",
  "certificates.k8s.io/certificatesigningrequests",
  "rbac.authorization.k8s.io/roles",
  "rbac.authorization.k8s.io/clusterroles",
  "rbac.authorization.k8s.io/rolebindings",
  "rbac.authorization.k8s.io/clusterrolebindings",
]);

/**
 * Adds the rules of all kinds: owner references are kept once, with a warning (apiserver pkg/endpoints/handlers/rest.go), and
 * finalizers without a domain must be Kubernetes' own (pkg/apis/core/validation ValidateObjectMeta).
 * A status that nobody has written is there, as Go prints it. `key` is `<group>/<resource>`.
 */
export function withCommonRules(key: string, strategy: Strategy): Strategy {
  const free = freeFinalizers.has(key.split("/")[0]!) || freeCoreFinalizers.has(key);
  const status = emptyStatus.get(key);
  const kept = keptByStatus.get(key) ?? [];
  return {
    ...strategy,
    prepareForCreate(object, context) {
      dropRepeatedOwners(object, context.requester);
      strategy.prepareForCreate?.(object, context);
      if (status !== undefined) object.status ??= status;
    },
    prepareForUpdate(object, old, context) {
      dropRepeatedOwners(object, context.requester);
      if (context.subresource === "status") keepMembers(object, old, kept);
      strategy.prepareForUpdate?.(object, old, context);
      if (status !== undefined) object.status ??= status;
    },
    validateCreate: (object, context, found) => [
      ...(free ? [] : finalizerNameErrors(object)),
      ...(strategy.validateCreate?.(object, context, found) ?? []),
    ],
    validateUpdate: (object, old, context, found) => [
      ...(checkedOnUpdate.has(key) ? finalizerNameErrors(object) : []),
      ...(strategy.validateUpdate?.(object, old, context, found) ?? []),
    ],
  };
}

function keepMembers(
  object: KubeObject,
  old: KubeObject,
  kept: readonly (keyof KubeObject["metadata"])[],
): void {
  for (const member of kept) {
    if (old.metadata[member] === undefined) delete object.metadata[member];
    else Object.assign(object.metadata, { [member]: old.metadata[member] });
  }
}

function finalizerNameErrors({ metadata }: KubeObject): FieldError[] {
  return (metadata.finalizers ?? []).flatMap((name, index) =>
    name.includes("/") || standardFinalizers.has(name)
      ? []
      : [
          fieldInvalid(
            FieldPath.of("metadata").child("finalizers").index(index),
            name,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ],
  );
}

export function dropRepeatedOwners(object: KubeObject, { warn }: Requester, admitted = true): void {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length < 2) return;
  const kept = new Map<string, OwnerReference[]>();
  const result: OwnerReference[] = [];
  const repeated: string[] = [];
  for (const owner of owners) {
    const same = kept.get(owner.uid) ?? [];
    if (same.some((other) => jsonEqual(jsonOf(other), jsonOf(owner)))) repeated.push(owner.uid);
    else {
      kept.set(owner.uid, [...same, owner]);
      result.push(owner);
    }
  }
  if (repeated.length === 0) return;
  object.metadata.ownerReferences = result;
  const when = admitted ? " after mutating admission happens" : "";
  warn?.(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(", ")}`,
  );
}

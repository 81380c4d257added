/** v1 Namespace (k8s.io/kubernetes pkg/registry/core/namespace): born with its content, held until it is empty. */
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { namespaces } from "#registry/guards.ts";
import type { Strategy } from "#registry/strategy.ts";
import { namespaceContent } from "./fresh-workspace.ts";

const nameLabel = "kubernetes.io/metadata.name";
/** Admission plugin NamespaceLifecycle. */
const immortal: readonly string[] = ["default", "kube-system", "kube-public"];

export const specFinalizers = (namespace: KubeObject): string[] =>
  ((namespace.spec ?? {}) as { finalizers?: string[] }).finalizers ?? [];

const namespacePhase = (namespace: KubeObject): string =>
  ((namespace.status ?? {}) as { phase?: string }).phase ?? "";

export function namespaceStrategy(caPem: () => string): Strategy {
  return {
    validateName: dns1123LabelErrors,
    // The label is a default: admission selects by it, and it belongs to whoever creates the namespace.
    applyDefaults(object) {
      if ((object.metadata.name ?? "") !== "") setNameLabel(object);
      if (namespacePhase(object) === "")
        object.status = { ...(object.status as object | undefined), phase: "Active" };
    },
    prepareForCreate(object) {
      const finalizers = specFinalizers(object);
      object.spec = {
        finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"],
      };
      object.status = { phase: "Active" };
      // A generated name is not known before.
      setNameLabel(object);
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource === "finalize") {
        // The only place where the finalizers of the spec can be changed.
        object.spec = { ...(object.spec as object | undefined), finalizers: specFinalizers(object) };
        object.status = old.status;
      } else {
        object.spec = { ...(object.spec as object | undefined), finalizers: specFinalizers(old) };
        if (subresource === "") object.status = old.status;
      }
      setNameLabel(object);
    },
    validate: (object): FieldError[] =>
      specFinalizers(object).flatMap((name) => [
        ...qualifiedNameErrors(name).map((message) => fieldInvalid("spec.finalizers", name, message)),
        ...(name === "kubernetes" || name.includes("/")
          ? []
          : [
              fieldInvalid(
                "spec.finalizers",
                name,
                "name is neither a standard finalizer name nor is it fully qualified",
              ),
            ]),
      ]),
    selectableFields: { "status.phase": namespacePhase },
    checkDelete(object) {
      const name = object.metadata.name ?? "";
      if (immortal.includes(name))
        throw forbiddenResource(namespaces, name, "this namespace may not be deleted");
    },
    hasPendingFinalizers: (object) => specFinalizers(object).length > 0,
    prepareForDeletion(object) {
      object.status = { ...(object.status as object | undefined), phase: "Terminating" };
      // Its storage marks it itself (pkg/registry/core/namespace/storage): there is no grace.
      delete object.metadata.deletionGracePeriodSeconds;
    },
    companions: (object, context) => namespaceContent(context.cluster, object.metadata.name ?? "", caPem()),
  };
}

function setNameLabel(object: KubeObject): void {
  object.metadata.labels = { ...object.metadata.labels, [nameLabel]: object.metadata.name ?? "" };
}

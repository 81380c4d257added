/** v1 ServiceAccount (k8s.io/kubernetes pkg/registry/core/serviceaccount). */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";
import { listAt, textAt } from "./members.ts";

const mountable = "kubernetes.io/enforce-mountable-secrets";

const annotated = (object: KubeObject | undefined): boolean =>
  object !== undefined && Object.hasOwn(object.metadata.annotations ?? {}, mountable);

export const serviceAccountStrategy: Strategy = {
  prepareForCreate: (object) => namesOnly(object),
  prepareForUpdate: (object) => namesOnly(object),
  warnings: (object, old) =>
    annotated(object) && !annotated(old)
      ? [
          `metadata.annotations[${mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ]
      : [],
};

/** Of a reference to a secret only the name means anything. */
function namesOnly(object: KubeObject): void {
  const secrets = listAt(object, "secrets");
  if (secrets.length === 0) return;
  object.secrets = secrets.map((secret) => {
    const name = textAt(secret, "name");
    return name === "" ? {} : { name };
  });
}

/** Admission plugin ValidatingAdmissionPolicy (k8s.io/apiserver plugin/policy/validating/dispatcher.go). */
import type { Authorizer } from "#authz/authorizer.ts";
import { truncateBytes } from "#base/bytes.ts";
import { forbiddenResource } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { goJson } from "#machinery/json/write.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import type { Registry } from "#registry/registry.ts";
import type { AdmissionPlugin } from "../chain.ts";
import { activationOf } from "../expressions.ts";
import { type Match, type Matched, matchWrite } from "../matching.ts";
import { RequestAuthorizer } from "../request-authorizer.ts";
import { isExempt } from "../webhooks/webhook.ts";
import { isNamespaces, type Write } from "../write.ts";
import { ConfigurationError, collectParams, type ParamResource, paramResource } from "./params.ts";
import { type ActivePolicy, type Binding, Policies, refusedName } from "./policy.ts";
import {
  compileValidatingPolicy,
  evaluateValidatingPolicy,
  type Refusal,
  type ValidatingPolicy,
  type ValidationOutcome,
} from "./validating-policy.ts";

const maxAnnotationBytes = 10 * 1_024;

interface Denial {
  readonly policy: string;
  /** "" when the policy as a whole is at fault. */
  readonly binding: string;
  readonly message: string;
  readonly reason: string;
}

export function validatingPolicies(registry: Registry, authorizer: Authorizer): AdmissionPlugin {
  const policies = new Policies(
    registry,
    { policies: "validatingadmissionpolicies", bindings: "validatingadmissionpolicybindings" },
    compileValidatingPolicy,
  );
  return {
    name: "ValidatingAdmissionPolicy",
    validate(write) {
      const { cluster, kind } = write.attributes;
      if (!policies.hasAny(cluster) || isExempt(kind)) return;
      return dispatch(policies.active(cluster), write, authorizer);
    },
  };
}

async function dispatch(
  active: readonly ActivePolicy<ValidatingPolicy>[],
  write: Write,
  authorizer: Authorizer,
): Promise<void> {
  const denials: Denial[] = [];
  const asking = RequestAuthorizer.of(authorizer, write);
  for (const one of active) denials.push(...(await evaluatePolicy(one, write, asking)));
  if (denials.length > 0) throw denied(write.attributes, denials[0]!);
}

async function evaluatePolicy(
  { policy, bindings }: ActivePolicy<ValidatingPolicy>,
  write: Write,
  asking: RequestAuthorizer,
): Promise<Denial[]> {
  const denials: Denial[] = [];
  const misconfigured = (error: unknown, binding?: Binding): void => {
    if (!(error instanceof ConfigurationError)) throw error;
    if (policy.failsOpen) return;
    const message = `failed to configure ${binding === undefined ? "policy" : "binding"}: ${error.message}`;
    denials.push({ policy: policy.name, binding: binding?.name ?? "", message, reason: "" });
  };
  const { cluster } = write.attributes;
  let matched: Matched | undefined;
  let params: ParamResource | undefined;
  try {
    matched = configured(write, policy.match);
    if (matched === undefined) return [];
    if (policy.paramKind !== undefined) params = paramResource(write.registry, cluster, policy.paramKind);
  } catch (error) {
    misconfigured(error);
    return denials;
  }
  const annotations = new Map<string, string[]>();
  for (const binding of bindings) {
    try {
      if (binding.match !== undefined && configured(write, binding.match) === undefined) continue;
      for (const param of await collectParams(write, params, binding.paramRef)) {
        const versioned = await write.in(matched.version);
        const activation = activationOf(write, versioned, param, namespaceOf(write), asking);
        const outcome = await asking.settled(() =>
          evaluateValidatingPolicy(policy.compiled, activation, write),
        );
        denials.push(...act(write, policy.name, binding, outcome));
        for (const [key, value] of outcome.annotations) {
          const values = annotations.get(key) ?? [];
          if (!values.includes(value)) values.push(truncateBytes(value, maxAnnotationBytes));
          annotations.set(key, values);
        }
      }
    } catch (error) {
      misconfigured(error, binding);
    }
  }
  for (const [key, values] of annotations)
    write.attributes.annotate(`${policy.name}/${key}`, values.join(", "));
  return denials;
}

/** A selector that asks for a namespace which is not there is the policy's fault. */
export function configured(write: Write, match: Match): Matched | undefined {
  try {
    return matchWrite(write, match);
  } catch (error) {
    if (error instanceof StatusError) throw new ConfigurationError(error.message);
    throw error;
  }
}

/** `namespaceObject`; a Namespace is not in itself. @throws StatusError 404 */
export const namespaceOf = (write: Write) =>
  isNamespaces(write.attributes.resource) ? undefined : write.namespaceObject();

function act(write: Write, policy: string, binding: Binding, outcome: ValidationOutcome): Denial[] {
  const { attributes } = write;
  const denials: Denial[] = [];
  for (const refusal of outcome.refusals) {
    for (const action of binding.actions) {
      if (action === "Deny") denials.push({ policy, binding: binding.name, ...refusal });
      else if (action === "Audit")
        attributes.annotate(
          "validation.policy.admission.k8s.io/validation_failure",
          failureText(policy, binding, refusal),
        );
      else if (action === "Warn")
        attributes.requester.warn?.(
          `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}': ${refusal.message}`,
        );
    }
  }
  for (const message of outcome.annotationErrors)
    denials.push({ policy, binding: binding.name, message, reason: "" });
  return denials;
}

const failureText = (policy: string, binding: Binding, { index, message }: Refusal): string =>
  goJson([
    {
      message,
      policy,
      binding: binding.name,
      expressionIndex: index,
      validationActions: [...binding.actions],
    },
  ]);

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

function denied(attributes: AdmissionAttributes, { policy, binding, message, reason }: Denial): StatusError {
  const by = binding === "" ? `'${policy}'` : `'${policy}' with binding '${binding}'`;
  const text = `ValidatingAdmissionPolicy ${by} denied request: ${message}`;
  const { status } = forbiddenResource(attributes.resource, refusedName(attributes), text, [
    { message: text },
  ]);
  const shown = reason === "" ? "Invalid" : reason;
  return new StatusError({ ...status, reason: shown, code: codes[shown] ?? 422 });
}

/** Mutating- and ValidatingWebhookConfiguration (k8s.io/kubernetes pkg/apis/admissionregistration/validation and v1/defaults.go). */
import {
  type FieldError,
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import type { Strategy } from "#registry/strategy.ts";
import {
  failurePolicies,
  matchConditionsErrors,
  matchPolicies,
  oneOf,
  reinvocationPolicies,
  ruleErrors,
  withDefaults,
  withScope,
} from "./admission-rules.ts";
import { labelSelectorErrors } from "./label-selector.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "./members.ts";
import { webhookServiceErrors, webhookUrlErrors } from "./webhook-address.ts";

/** Versions of AdmissionReview that a webhook may speak. */
const reviewVersions = ["v1", "v1beta1"] as const;
const sideEffectClasses = ["None", "NoneOnDryRun"] as const;
const maxTimeoutSeconds = 30;
const servicePort = 443;

export const validatingWebhookConfigurationStrategy: Strategy = configurationStrategy({});
export const mutatingWebhookConfigurationStrategy: Strategy = configurationStrategy({
  reinvocationPolicy: "Never",
});

function configurationStrategy(more: Members): Strategy {
  const defaults: Members = {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...more,
  };
  const setDefaults = (object: KubeObject): void => {
    const webhooks = listAt(object, "webhooks");
    if (webhooks.length > 0) object.webhooks = webhooks.map((webhook) => defaulted(webhook, defaults));
  };
  return {
    applyDefaults: setDefaults,
    validate: (object) => {
      const seen = new Set<string>();
      return listAt(object, "webhooks").flatMap((webhook, index) => {
        const path = FieldPath.of("webhooks").index(index);
        const errors = [
          ...webhookErrors(webhook, path),
          ...reviewVersionsErrors(
            textsAt(webhook, "admissionReviewVersions"),
            path.child("admissionReviewVersions"),
          ),
        ];
        const name = textAt(webhook, "name");
        if (name !== "" && seen.has(name)) errors.push(fieldDuplicate(path.child("name"), name));
        seen.add(name);
        return errors;
      });
    },
  };
}

function defaulted(webhook: Members, defaults: Members): Members {
  const result = { ...withDefaults(webhook, defaults) };
  if (valueAt(webhook, "rules") !== undefined) result.rules = listAt(webhook, "rules").map(withScope);
  if (valueAt(webhook, "clientConfig", "service") !== undefined) {
    result.clientConfig = {
      ...membersAt(webhook, "clientConfig"),
      service: withDefaults(membersAt(webhook, "clientConfig", "service"), { port: servicePort }),
    };
  }
  return result;
}

function webhookErrors(webhook: Members, path: FieldPath): FieldError[] {
  const errors = fullNameErrors(textAt(webhook, "name"), path.child("name"));
  listAt(webhook, "rules").forEach((rule, index) => {
    errors.push(...ruleErrors(rule, path.child("rules").index(index)));
  });
  const choice = (field: string, supported: readonly string[]): FieldError[] =>
    oneOf(valueAt(webhook, field), supported, path.child(field));
  errors.push(...choice("failurePolicy", failurePolicies), ...choice("matchPolicy", matchPolicies));
  const sideEffects = valueAt(webhook, "sideEffects");
  if (sideEffects === undefined) {
    const detail = `must specify one of ${sideEffectClasses.join(", ")}`;
    errors.push(fieldRequired(path.child("sideEffects"), detail));
  } else if (!(sideEffectClasses as readonly unknown[]).includes(sideEffects)) {
    errors.push(fieldNotSupported(path.child("sideEffects"), sideEffects, sideEffectClasses));
  }
  const timeout = valueAt(webhook, "timeoutSeconds");
  if (timeout !== undefined && (Number(timeout) > maxTimeoutSeconds || Number(timeout) < 1)) {
    const detail = "the timeout value must be between 1 and 30 seconds";
    errors.push(fieldInvalid(path.child("timeoutSeconds"), timeout, detail));
  }
  for (const field of ["namespaceSelector", "objectSelector"])
    errors.push(...labelSelectorErrors(valueAt(webhook, field), path.child(field)));
  errors.push(...choice("reinvocationPolicy", reinvocationPolicies));
  const at = path.child("clientConfig");
  const url = valueAt(webhook, "clientConfig", "url");
  const service = valueAt(webhook, "clientConfig", "service");
  if ((url === undefined) === (service === undefined))
    errors.push(fieldRequired(at, "exactly one of url or service is required"));
  else if (url !== undefined) errors.push(...webhookUrlErrors(String(url), at.child("url")));
  else errors.push(...webhookServiceErrors(service as Members, at.child("service")));
  errors.push(
    ...matchConditionsErrors(listAt(webhook, "matchConditions"), path.child("matchConditions"), false),
  );
  return errors;
}

/** A name that nobody else can have made: a domain of three segments or more. */
function fullNameErrors(name: string, path: FieldPath): FieldError[] {
  if (name === "") return [fieldRequired(path)];
  const errors = dns1123SubdomainErrors(name);
  if (errors.length > 0) return [fieldInvalid(path, name, errors.join(","))];
  return name.split(".").length < 3
    ? [fieldInvalid(path, name, "should be a domain with at least three segments separated by dots")]
    : [];
}

function reviewVersionsErrors(versions: readonly string[], path: FieldPath): FieldError[] {
  if (versions.length === 0) return [fieldRequired(path, `must specify one of ${reviewVersions.join(", ")}`)];
  const errors = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [fieldInvalid(path.index(index), version, "duplicate version")]
      : dns1035LabelErrors(version).map((message) => fieldInvalid(path.index(index), version, message)),
  );
  if (!versions.some((version) => (reviewVersions as readonly string[]).includes(version))) {
    const detail = `must include at least one of ${reviewVersions.join(", ")}`;
    errors.push(fieldInvalid(path, versions, detail));
  }
  return errors;
}

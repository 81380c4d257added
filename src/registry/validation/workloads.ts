/** Kinds that keep pods running (pkg/apis/apps/validation, pkg/apis/core/validation ValidateReplicationController). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { labelSelectorErrors, selectorChooses } from "../strategies/label-selector.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, invalids, nonNegative, numberAt } from "./checks.ts";
import { claimSpecErrors } from "./claims.ts";
import { amountErrors, amountOf, atMostAll } from "./int-or-percent.ts";
import { podTemplateErrors } from "./pod-spec.ts";
import { podWarnings } from "./pod-warnings.ts";

const spec = FieldPath.of("spec");

/** What upstream's texts call the kind: of its selector, and of its pods. */
interface Names {
  readonly selector: string;
  readonly pods: string;
}

/** The selector is there, means something and chooses the template. */
function* selectorErrors(object: KubeObject, known: string, required: boolean): Errors {
  const selector = valueAt(object, "spec", "selector");
  const path = spec.child("selector");
  if (selector === undefined) {
    if (required) yield fieldRequired(path);
    yield noMatch(object);
    return;
  }
  const errors = labelSelectorErrors(selector, path);
  yield* errors;
  const empty = pairsAt(selector, "matchLabels").length + listAt(selector, "matchExpressions").length === 0;
  if (empty) yield fieldInvalid(path, selector, `empty selector is invalid for ${known}`);
  if (errors.length > 0 && required) yield fieldInvalid(path, selector, "invalid label selector");
  if (errors.length === 0 && !empty) yield* matchErrors(object, selector);
}

export function* matchErrors(object: KubeObject, selector: unknown): Errors {
  const labels = Object.fromEntries(pairsAt(object, "spec", "template", "metadata", "labels"));
  if (!selectorChooses(selector, labels)) yield noMatch(object);
}

/** No selector chooses nothing. */
export function noMatch(object: KubeObject): FieldError {
  const at = spec.child("template", "metadata", "labels");
  const shown = valueAt(object, "spec", "template", "metadata", "labels") ?? null;
  return fieldInvalid(at, shown, "`selector` does not match template `labels`");
}

/** The template of pods that run for ever. */
function* templateErrors(object: KubeObject, known: string): Errors {
  const template = membersAt(object, "spec", "template");
  const path = spec.child("template");
  yield* podTemplateErrors(template, path);
  const policy = textAt(template, "spec", "restartPolicy");
  if (policy !== "Always") yield fieldNotSupported(path.child("spec", "restartPolicy"), policy, ["Always"]);
  if (valueAt(template, "spec", "activeDeadlineSeconds") !== undefined) {
    const detail = `activeDeadlineSeconds in ${known} is not Supported`;
    yield fieldForbidden(path.child("spec", "activeDeadlineSeconds"), detail);
  }
}

function* commonErrors(object: KubeObject, { selector, pods }: Names, required = true): Errors {
  yield* selectorErrors(object, selector, required);
  yield* templateErrors(object, pods);
}

export function* deploymentErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  yield* nonNegative(of, spec, "replicas");
  yield* commonErrors(object, { selector: "deployment", pods: "ReplicaSet" });
  const strategy = membersAt(of, "strategy");
  const at = spec.child("strategy");
  const type = textAt(strategy, "type");
  if (type === "Recreate") {
    if (has(strategy, "rollingUpdate")) {
      const detail = "may not be specified when strategy `type` is 'Recreate'";
      yield fieldForbidden(at.child("rollingUpdate"), detail);
    }
  } else if (type === "RollingUpdate") {
    const rolling = membersAt(strategy, "rollingUpdate");
    const where = at.child("rollingUpdate", "maxUnavailable");
    const { maxUnavailable, maxSurge } = rolling;
    yield* amountErrors(maxUnavailable, where);
    yield* amountErrors(maxSurge, at.child("rollingUpdate", "maxSurge"));
    if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0)
      yield fieldInvalid(where, maxUnavailable, "may not be 0 when `maxSurge` is 0");
    yield* atMostAll(maxUnavailable, where);
  } else yield fieldNotSupported(at, strategy, ["Recreate", "RollingUpdate"]);
  yield* nonNegative(of, spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds");
  const deadline = numberAt(of, "progressDeadlineSeconds");
  if (deadline !== undefined && deadline <= (numberAt(of, "minReadySeconds") ?? 0))
    yield fieldInvalid(
      spec.child("progressDeadlineSeconds"),
      deadline,
      "must be greater than minReadySeconds",
    );
}

export function* replicaSetErrors(object: KubeObject): Errors {
  yield* nonNegative(membersAt(object, "spec"), spec, "replicas", "minReadySeconds");
  yield* commonErrors(object, { selector: "deployment", pods: "ReplicaSet" });
}

export function* replicationControllerErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  yield* nonNegative(of, spec, "minReadySeconds");
  const selector = pairsAt(of, "selector");
  if (selector.length === 0) yield fieldRequired(spec.child("selector"));
  yield* nonNegative(of, spec, "replicas");
  if (!has(of, "template")) {
    yield fieldRequired(spec.child("template"));
    return;
  }
  yield* matchErrors(object, { matchLabels: Object.fromEntries(selector) });
  yield* templateErrors(object, "ReplicationController");
}

export function* daemonSetErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  yield* commonErrors(object, { selector: "daemonset", pods: "DaemonSet" }, false);
  yield* nonNegative(of, spec, "minReadySeconds");
  const strategy = membersAt(of, "updateStrategy");
  const at = spec.child("updateStrategy");
  const type = textAt(strategy, "type");
  if (type === "RollingUpdate") {
    const path = at.child("rollingUpdate");
    const { maxUnavailable, maxSurge } = membersAt(strategy, "rollingUpdate");
    const both = [
      [maxUnavailable, path.child("maxUnavailable")],
      [maxSurge, path.child("maxSurge")],
    ] as const;
    for (const [amount, where] of both) yield* amountErrors(amount, where);
    for (const [amount, where] of both) yield* atMostAll(amount, where);
    const some = amountOf(maxUnavailable) !== 0;
    const surge = amountOf(maxSurge) !== 0;
    if (some && surge)
      yield fieldInvalid(path.child("maxSurge"), maxSurge, "may not be set when maxUnavailable is non-zero");
    else if (!some && !surge)
      yield fieldRequired(path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
  } else if (type !== "OnDelete") yield fieldNotSupported(at, strategy, ["RollingUpdate", "OnDelete"]);
  yield* nonNegative(of, spec, "revisionHistoryLimit");
}

/** `isNew`: what cannot be changed any more is left alone. */
export function* statefulSetErrors(object: KubeObject, isNew: boolean): Errors {
  const of = membersAt(object, "spec");
  const management = textAt(of, "podManagementPolicy");
  if (management !== "OrderedReady" && management !== "Parallel")
    yield fieldInvalid(spec.child("podManagementPolicy"), management, "must be 'OrderedReady' or 'Parallel'");
  yield* statefulStrategyErrors(of);
  for (const field of ["whenDeleted", "whenScaled"]) {
    const policy = textAt(of, "persistentVolumeClaimRetentionPolicy", field);
    if (policy !== "" && policy !== "Retain" && policy !== "Delete") {
      const at = spec.child("persistentVolumeClaimRetentionPolicy", field);
      yield fieldNotSupported(at, policy, ["Retain", "Delete"]);
    }
  }
  const templates = isNew ? listAt(of, "volumeClaimTemplates") : [];
  for (const [index, claim] of templates.entries())
    yield* claimSpecErrors(
      membersAt(claim, "spec"),
      spec.child("volumeClaimTemplates").index(index).child("spec"),
    );
  yield* nonNegative(of, spec, "replicas", "minReadySeconds");
  const start = numberAt(of, "ordinals", "start") ?? 0;
  if (start < 0)
    yield fieldInvalid(spec.child("ordinals.start"), start, "must be greater than or equal to 0");
  const service = textAt(of, "serviceName");
  if (isNew && service !== "")
    yield* invalids(spec.child("serviceName"), service, dns1123LabelErrors(service));
  yield* selectorErrors(object, "statefulset", true);
  yield* templateErrors(withOwnNames(object), "StatefulSet");
}

function* statefulStrategyErrors(of: Members): Errors {
  const strategy = membersAt(of, "updateStrategy");
  const type = textAt(strategy, "type");
  const at = spec.child("updateStrategy");
  if (type === "OnDelete") {
    if (has(strategy, "rollingUpdate")) {
      const detail = "only allowed for updateStrategy 'RollingUpdate'";
      yield fieldInvalid(at.child("rollingUpdate"), strategy.rollingUpdate, detail);
    }
  } else if (type === "RollingUpdate") {
    const rolling = membersAt(strategy, "rollingUpdate");
    yield* nonNegative(rolling, at.child("rollingUpdate"), "partition");
  } else yield fieldInvalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'");
}

/** As its pods will be: named by the set, with a volume for each claim that it makes. */
function withOwnNames(object: KubeObject): KubeObject {
  const of = membersAt(object, "spec");
  const { subdomain: _, hostname: __, ...pod } = membersAt(of, "template", "spec");
  const claims = listAt(of, "volumeClaimTemplates").map((claim) => textAt(claim, "metadata", "name"));
  const claimed = new Set(claims);
  const volumes = [
    ...claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ...listAt(pod, "volumes").filter((volume) => !claimed.has(textAt(volume, "name"))),
  ];
  return {
    ...object,
    spec: { ...of, template: { ...membersAt(of, "template"), spec: { ...pod, volumes } } },
  };
}

/** Of a kind with `spec.template`. A change of something else gets no warnings of the template. */
export function templateWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  if (old !== undefined && old.metadata.generation === object.metadata.generation) return [];
  return podWarnings(valueAt(object, "spec", "template"), "spec.template.");
}

export function statefulSetWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const warnings = templateWarnings(object, old);
  if ((numberAt(object.spec, "revisionHistoryLimit") ?? 0) < 0) {
    const text = "a negative value retains all historical revisions; a value >= 0 is recommended";
    warnings.push(`spec.revisionHistoryLimit: ${text}`);
  }
  return warnings;
}

/** A pod's own name. */
export function hostNameWarnings({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const messages = old === undefined ? dns1123LabelErrors(metadata.name ?? "") : [];
  if (messages.length === 0) return [];
  return [
    `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${messages.join(" ")}]`,
  ];
}

/** Names that pods take over. */
export function podNameWarnings({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const messages = old === undefined ? dns1123LabelErrors(metadata.name ?? "") : [];
  if (messages.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${messages.join(" ")}]`,
  ];
}

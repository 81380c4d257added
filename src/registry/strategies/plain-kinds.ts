/**
 * Kinds of workspace type `kubernetes` that are kept as data: the defaults clients see, required parts and immutable
 * selectors. Nothing deeper is validated.
 */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";
import {
  endpointsDefaults,
  nodeDefaults,
  persistentVolumeClaimDefaults,
  persistentVolumeDefaults,
  podTemplateObjectDefaults,
  replicationControllerDefaults,
  serviceDefaults,
} from "./defaults-core.ts";
import {
  csiDriverDefaults,
  endpointSliceDefaults,
  flowSchemaDefaults,
  ingressClassDefaults,
  networkPolicyDefaults,
  priorityClassDefaults,
  priorityLevelDefaults,
  resourceClaimDefaults,
  resourceClaimTemplateDefaults,
  resourceSliceDefaults,
  storageClassDefaults,
} from "./defaults-more.ts";
import { podDefaults, qosClass } from "./defaults-pod.ts";
import {
  cronJobDefaults,
  daemonSetDefaults,
  deploymentDefaults,
  generateJobSelector,
  jobDefaults,
  replicaSetDefaults,
  statefulSetDefaults,
} from "./defaults-workloads.ts";
import { horizontalPodAutoscalerStrategy } from "./horizontal-pod-autoscaler.ts";
import { fixed, immutable } from "./immutable.ts";
import { jobUpdateErrors } from "./job-update.ts";
import { labelSelectorErrors, selectorChooses } from "./label-selector.ts";
import { jsonOf, listAt, membersAt, pairsAt, textAt, valueAt } from "./members.ts";
import {
  normalizeDataSources,
  notePhase,
  sameClusterIPs,
  startPhase,
  templateGeneration,
} from "./prepare-kinds.ts";
import {
  countErrors,
  cronJobErrors,
  cronJobNameErrors,
  ingressErrors,
  jobTemplateErrors,
  persistentVolumeClaimErrors,
  podSpecErrors,
  serviceErrors,
  storageClassErrors,
  templateErrors,
} from "./required-fields.ts";

const spec = FieldPath.of("spec");

type Defaults = (object: KubeObject, nowMs: number) => void;
type Fields = NonNullable<Strategy["selectableFields"]>;

/** A kind that only has defaults, and what else there is to it. */
const plain = (defaults: Defaults, more: Strategy = {}): Strategy => ({
  applyDefaults: defaults,
  ...more,
});

const fieldsOf = (...paths: readonly string[]): Fields =>
  Object.fromEntries(paths.map((path) => [path, (object: KubeObject) => textAt(object, ...path.split("."))]));
const numberOf =
  (...path: readonly string[]) =>
  (object: KubeObject): string =>
    String(valueAt(object, ...path) ?? 0);
const flagOf =
  (...path: readonly string[]) =>
  (object: KubeObject): string =>
    String(valueAt(object, ...path) ?? false);

/** apps/v1: the selector is there, chooses the template, and stays. `known`: what upstream's text calls the kind. */
const workload = (defaults: Defaults, known: string, required: boolean): Strategy =>
  plain(defaults, {
    validate: (object) => [
      ...countErrors(object),
      ...selectorErrors(object, known, required),
      ...templateErrors(object),
    ],
    validateUpdate: (object, old) => immutable(object, old, "spec", "selector"),
  });

function selectorErrors(object: KubeObject, known: string, required: boolean): FieldError[] {
  const selector = valueAt(object, "spec", "selector");
  const path = spec.child("selector");
  if (selector === undefined) return required ? [fieldRequired(path)] : [];
  const errors = labelSelectorErrors(selector, path);
  const empty = pairsAt(selector, "matchLabels").length + listAt(selector, "matchExpressions").length === 0;
  if (empty) errors.push(fieldInvalid(path, selector, `empty selector is invalid for ${known}`));
  const labels = Object.fromEntries(pairsAt(object, "spec", "template", "metadata", "labels"));
  if (errors.length === 0 && !selectorChooses(selector, labels)) {
    const at = spec.child("template", "metadata", "labels");
    const shown = Object.keys(labels).length === 0 ? null : labels;
    errors.push(fieldInvalid(at, shown, "`selector` does not match template `labels`"));
  }
  return errors;
}

const podStrategy: Strategy = plain(podDefaults, {
  prepareForCreate(object: KubeObject) {
    object.status = { phase: "Pending", qosClass: qosClass({ ...membersAt(object, "spec") }) };
  },
  validate: (object) => podSpecErrors(object.spec, spec),
  selectableFields: {
    ...fieldsOf(
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ),
    "spec.host": (object) => textAt(object, "spec", "nodeName"),
    "spec.hostNetwork": flagOf("spec", "hostNetwork"),
    // May be asked for, but upstream's objects have no such value.
    "status.podIPs": () => "",
  },
});

const jobStrategy: Strategy = plain(jobDefaults, {
  orphansByDefault: true,
  policyWarning:
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
  validate: (object) => jobTemplateErrors(object.spec, spec),
  prepareForCreate(object: KubeObject) {
    generateJobSelector(object);
  },
  validateUpdate: jobUpdateErrors,
  selectableFields: { "status.successful": numberOf("status", "succeeded") },
});

const statefulSetMutable: ReadonlySet<string> = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

const statefulSetStrategy: Strategy = {
  ...workload(statefulSetDefaults, "statefulset", true),
  validateUpdate(object, old) {
    const rest = (of: KubeObject) =>
      Object.fromEntries(
        Object.entries(membersAt(of, "spec")).filter(([field]) => !statefulSetMutable.has(field)),
      );
    if (jsonEqual(jsonOf(rest(object)), jsonOf(rest(old)))) return [];
    const detail =
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    return [{ type: "FieldValueForbidden", field: "spec", badValue: "", detail }];
  },
};

function disruptionBudgetErrors(object: KubeObject): FieldError[] {
  const both =
    valueAt(object, "spec", "minAvailable") !== undefined &&
    valueAt(object, "spec", "maxUnavailable") !== undefined;
  return [
    ...(both ? [fieldInvalid(spec, object.spec, "minAvailable and maxUnavailable cannot be both set")] : []),
    ...labelSelectorErrors(valueAt(object, "spec", "selector"), spec.child("selector")),
  ];
}

export const plainKinds: readonly (readonly [string, Strategy])[] = [
  ["/endpoints", plain(endpointsDefaults)],
  [
    "/nodes",
    plain(nodeDefaults, { selectableFields: { "spec.unschedulable": flagOf("spec", "unschedulable") } }),
  ],
  [
    "/persistentvolumeclaims",
    plain(persistentVolumeClaimDefaults, {
      prepareForCreate: normalizeDataSources,
      prepareForUpdate: normalizeDataSources,
      validate: persistentVolumeClaimErrors,
    }),
  ],
  [
    "/persistentvolumes",
    plain(persistentVolumeDefaults, {
      prepareForCreate: startPhase,
      prepareForUpdate: notePhase,
    }),
  ],
  ["/pods", podStrategy],
  ["/podtemplates", plain(podTemplateObjectDefaults)],
  [
    "/replicationcontrollers",
    plain(replicationControllerDefaults, {
      orphansByDefault: true,
      selectableFields: { "status.replicas": numberOf("status", "replicas") },
    }),
  ],
  [
    "/services",
    plain(serviceDefaults, {
      prepareForCreate: (object) => sameClusterIPs(object, undefined),
      prepareForUpdate: sameClusterIPs,
      validate: serviceErrors,
      selectableFields: fieldsOf("spec.clusterIP", "spec.type"),
    }),
  ],
  ["autoscaling/horizontalpodautoscalers", horizontalPodAutoscalerStrategy],
  ["apps/controllerrevisions", fixed(["data"])],
  ["node.k8s.io/runtimeclasses", fixed(["handler"])],
  ["apps/daemonsets", { ...workload(daemonSetDefaults, "daemonset", false), ...templateGeneration }],
  [
    "apps/deployments",
    { ...workload(deploymentDefaults, "deployment", true), generationCounts: "annotations" },
  ],
  ["apps/replicasets", workload(replicaSetDefaults, "deployment", true)],
  ["apps/statefulsets", statefulSetStrategy],
  ["batch/cronjobs", plain(cronJobDefaults, { validate: cronJobErrors, validateCreate: cronJobNameErrors })],
  ["batch/jobs", jobStrategy],
  [
    "discovery.k8s.io/endpointslices",
    plain(endpointSliceDefaults, { ...fixed(["addressType"]), generationCounts: "labels" }),
  ],
  ["flowcontrol.apiserver.k8s.io/flowschemas", plain(flowSchemaDefaults)],
  ["flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", plain(priorityLevelDefaults)],
  ["networking.k8s.io/ingressclasses", plain(ingressClassDefaults, fixed(["spec", "controller"]))],
  ["networking.k8s.io/ingresses", { validate: ingressErrors }],
  ["networking.k8s.io/networkpolicies", plain(networkPolicyDefaults)],
  ["policy/poddisruptionbudgets", { validate: disruptionBudgetErrors }],
  ["resource.k8s.io/resourceclaims", plain(resourceClaimDefaults)],
  ["resource.k8s.io/resourceclaimtemplates", plain(resourceClaimTemplateDefaults)],
  [
    "resource.k8s.io/resourceslices",
    plain(resourceSliceDefaults, { selectableFields: fieldsOf("spec.nodeName", "spec.driver") }),
  ],
  [
    "scheduling.k8s.io/priorityclasses",
    plain(priorityClassDefaults, {
      validateUpdate: (object, old) => [
        ...((object.value ?? 0) === (old.value ?? 0)
          ? []
          : [fieldForbidden("value", "may not be changed in an update.")]),
        ...immutable(object, old, "preemptionPolicy"),
      ],
    }),
  ],
  ["storage.k8s.io/csidrivers", plain(csiDriverDefaults)],
  [
    "storage.k8s.io/storageclasses",
    plain(storageClassDefaults, {
      validate: storageClassErrors,
      ...fixed(["parameters"], ["provisioner"], ["reclaimPolicy"], ["volumeBindingMode"]),
    }),
  ],
];

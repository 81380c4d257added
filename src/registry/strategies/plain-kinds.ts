/**
 * Kinds of workspace type `kubernetes` that are kept as data: the defaults clients see, and the rules of those that
 * users write most (`registry/validation/`).
 */

import { type FieldError, fieldForbidden } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Holdings, Strategy } from "#registry/strategy.ts";
import type { Errors } from "../validation/checks.ts";
import { numberAt } from "../validation/checks.ts";
import {
  claimErrors,
  claimUpdateErrors,
  claimWarnings,
  volumeErrors,
  volumeUpdateErrors,
  volumeWarnings,
} from "../validation/claims.ts";
import {
  ingressClassSpecErrors,
  nodeErrors,
  priorityClassErrors,
  runtimeClassErrors,
  storageClassErrors,
} from "../validation/classes.ts";
import { disruptionBudgetErrors } from "../validation/disruption-budget.ts";
import { endpointSliceErrors, endpointsErrors } from "../validation/endpoints.ts";
import { jobStatusUpdateErrors } from "../validation/job-status.ts";
import { cronJobErrors, cronJobNameErrors, cronJobWarnings, jobErrors } from "../validation/jobs.ts";
import {
  ingressClassErrors,
  ingressErrors,
  ingressStatusErrors,
  ingressWarnings,
  networkPolicyErrors,
} from "../validation/networking.ts";
import { podErrors, podTemplateErrors } from "../validation/pod-spec.ts";
import { podUpdateErrors } from "../validation/pod-update.ts";
import { podWarnings } from "../validation/pod-warnings.ts";
import {
  balancerStatusErrors,
  serviceErrors,
  serviceUpdateErrors,
  serviceWarnings,
} from "../validation/service.ts";
import {
  ipAddressErrors,
  ipAddressNameErrors,
  serviceCidrErrors,
  serviceCidrUpdateErrors,
} from "../validation/service-ranges.ts";
import {
  budgetStatusErrors,
  daemonSetStatusErrors,
  deploymentStatusErrors,
  replicaSetStatusErrors,
  statefulSetStatusErrors,
} from "../validation/statuses.ts";
import {
  daemonSetErrors,
  deploymentErrors,
  hostNameWarnings,
  podNameWarnings,
  replicaSetErrors,
  replicationControllerErrors,
  statefulSetErrors,
  statefulSetWarnings,
  templateWarnings,
} from "../validation/workloads.ts";
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
  endpointSliceDefaults,
  ingressClassDefaults,
  networkPolicyDefaults,
  priorityClassDefaults,
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
import { draftOf } from "./draft.ts";
import { horizontalPodAutoscalerStrategy } from "./horizontal-pod-autoscaler.ts";
import { fixed, immutable } from "./immutable.ts";
import { jobUpdateErrors } from "./job-update.ts";
import { jsonOf, membersAt, textAt, valueAt } from "./members.ts";
import { normalizeDataSources, notePhase, startPhase, templateGeneration } from "./prepare-kinds.ts";
import { prepareNewService, prepareServiceUpdate } from "./prepare-service.ts";

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

type Check = (object: KubeObject) => Errors;

/** Rules of the spec, and of the status where somebody writes that. */
const checked = (spec: Check, status: Check = () => []): Strategy => ({
  validate: (object, { subresource }) => [...(subresource === "status" ? status : spec)(object)],
});

type UpdateCheck = (object: KubeObject, old: KubeObject) => readonly FieldError[];

/** What of the spec stays. */
const updates = (check: UpdateCheck): Strategy => ({
  validateUpdate: (object, old, { subresource }) => (subresource === "status" ? [] : check(object, old)),
});

/** apps/v1: a template of pods, and a selector that stays. */
const workload = (defaults: Defaults, check: Check, status: Check): Strategy =>
  plain(defaults, {
    ...checked(check, status),
    ...updates((object, old) => immutable(object, old, "spec", "selector")),
    warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old)],
  });

const podStrategy: Strategy = plain(podDefaults, {
  prepareForCreate(object: KubeObject) {
    const grace = numberAt(object, "spec", "terminationGracePeriodSeconds") ?? 0;
    if (grace < 0) draftOf(object, "spec").terminationGracePeriodSeconds = 1;
    object.status = { phase: "Pending", qosClass: qosClass({ ...membersAt(object, "spec") }) };
  },
  validateCreate: (object) =>
    valueAt(object, "spec", "ephemeralContainers") === undefined
      ? []
      : [fieldForbidden(spec.child("ephemeralContainers"), "cannot be set on create")],
  ...checked((object) => podErrors(object, spec)),
  ...updates(podUpdateErrors),
  warnings: (object, old) => [...hostNameWarnings(object, old), ...podWarnings(object, "")],
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
  ...checked(jobErrors),
  validateUpdate: (object, old, { subresource }) =>
    subresource === "status" ? [...jobStatusUpdateErrors(object, old)] : jobUpdateErrors(object, old),
  warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old)],
  prepareForCreate(object: KubeObject) {
    generateJobSelector(object);
  },
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

const statefulSetStrategy: Strategy = plain(statefulSetDefaults, {
  validateCreate: (object) => [...statefulSetErrors(object, true)],
  validateUpdate(object, old, { subresource }) {
    if (subresource === "status") return [...statefulSetStatusErrors(object)];
    const errors = [...statefulSetErrors(object, false)];
    const rest = (of: KubeObject) =>
      Object.fromEntries(
        Object.entries(membersAt(of, "spec")).filter(([field]) => !statefulSetMutable.has(field)),
      );
    if (jsonEqual(jsonOf(rest(object)), jsonOf(rest(old)))) return errors;
    const detail =
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    return [...errors, fieldForbidden(spec, detail)];
  },
  warnings: statefulSetWarnings,
});

/** Without addresses and ports, which are given out of somewhere: see {@link serviceStrategyWith}. */
const serviceStrategy: Strategy = plain(serviceDefaults, {
  prepareForCreate: prepareNewService,
  prepareForUpdate: prepareServiceUpdate,
  ...checked(serviceErrors, balancerStatusErrors),
  ...updates(serviceUpdateErrors),
  warnings: serviceWarnings,
  selectableFields: fieldsOf("spec.clusterIP", "spec.type"),
});

export const serviceStrategyWith = (holdings: Holdings): Strategy => ({ ...serviceStrategy, holdings });

export const plainKinds: readonly (readonly [string, Strategy])[] = [
  ["/endpoints", plain(endpointsDefaults, checked(endpointsErrors))],
  [
    "/nodes",
    plain(nodeDefaults, {
      ...checked(nodeErrors),
      selectableFields: { "spec.unschedulable": flagOf("spec", "unschedulable") },
    }),
  ],
  [
    "/persistentvolumeclaims",
    plain(persistentVolumeClaimDefaults, {
      prepareForCreate: (object) => normalizeDataSources(object),
      prepareForUpdate: (object, old) => normalizeDataSources(object, old),
      ...checked(claimErrors),
      ...updates(claimUpdateErrors),
      warnings: claimWarnings,
    }),
  ],
  [
    "/persistentvolumes",
    plain(persistentVolumeDefaults, {
      prepareForCreate: startPhase,
      prepareForUpdate: notePhase,
      ...checked(volumeErrors),
      ...updates(volumeUpdateErrors),
      warnings: volumeWarnings,
    }),
  ],
  ["/pods", podStrategy],
  [
    "/podtemplates",
    plain(podTemplateObjectDefaults, {
      ...checked((object) => podTemplateErrors(membersAt(object, "template"), FieldPath.of("template"))),
      warnings: (object) => podWarnings(object.template, "template."),
    }),
  ],
  [
    "/replicationcontrollers",
    plain(replicationControllerDefaults, {
      orphansByDefault: true,
      ...checked(replicationControllerErrors, replicaSetStatusErrors),
      warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old)],
      selectableFields: { "status.replicas": numberOf("status", "replicas") },
    }),
  ],
  ["/services", serviceStrategy],
  ["autoscaling/horizontalpodautoscalers", horizontalPodAutoscalerStrategy],
  ["apps/controllerrevisions", fixed(["data"])],
  ["node.k8s.io/runtimeclasses", { ...checked(runtimeClassErrors), ...fixed(["handler"]) }],
  [
    "apps/daemonsets",
    {
      ...workload(daemonSetDefaults, daemonSetErrors, daemonSetStatusErrors),
      warnings: templateWarnings,
      ...templateGeneration,
    },
  ],
  [
    "apps/deployments",
    {
      ...workload(deploymentDefaults, deploymentErrors, deploymentStatusErrors),
      generationCounts: "annotations",
    },
  ],
  ["apps/replicasets", workload(replicaSetDefaults, replicaSetErrors, replicaSetStatusErrors)],
  ["apps/statefulsets", statefulSetStrategy],
  [
    "batch/cronjobs",
    plain(cronJobDefaults, {
      ...checked(cronJobErrors),
      validateCreate: cronJobNameErrors,
      warnings: cronJobWarnings,
    }),
  ],
  ["batch/jobs", jobStrategy],
  [
    "discovery.k8s.io/endpointslices",
    plain(endpointSliceDefaults, {
      ...checked(endpointSliceErrors),
      ...fixed(["addressType"]),
      generationCounts: "labels",
    }),
  ],
  [
    "networking.k8s.io/ipaddresses",
    { validateName: ipAddressNameErrors, ...checked(ipAddressErrors), ...fixed(["spec", "parentRef"]) },
  ],
  [
    "networking.k8s.io/servicecidrs",
    { validateCreate: (object) => [...serviceCidrErrors(object)], ...updates(serviceCidrUpdateErrors) },
  ],
  [
    "networking.k8s.io/ingressclasses",
    plain(ingressClassDefaults, { ...checked(ingressClassSpecErrors), ...fixed(["spec", "controller"]) }),
  ],
  [
    "networking.k8s.io/ingresses",
    {
      ...checked(ingressErrors, ingressStatusErrors),
      validateCreate: ingressClassErrors,
      warnings: ingressWarnings,
    },
  ],
  [
    "networking.k8s.io/networkpolicies",
    plain(networkPolicyDefaults, {
      ...checked(networkPolicyErrors),
    }),
  ],
  ["policy/poddisruptionbudgets", checked(disruptionBudgetErrors, budgetStatusErrors)],
  [
    "resource.k8s.io/resourceslices",
    plain(resourceSliceDefaults, { selectableFields: fieldsOf("spec.nodeName", "spec.driver") }),
  ],
  [
    "scheduling.k8s.io/priorityclasses",
    plain(priorityClassDefaults, {
      validateCreate: (object) => [...priorityClassErrors(object)],
      // Upstream's strategy forgets to (pkg/registry/scheduling/priorityclass).
      generationCounts: "nothing",
      validateUpdate: (object, old) => [
        ...((object.value ?? 0) === (old.value ?? 0)
          ? []
          : [fieldForbidden("value", "may not be changed in an update.")]),
        ...immutable(object, old, "preemptionPolicy"),
      ],
    }),
  ],
  [
    "storage.k8s.io/storageclasses",
    plain(storageClassDefaults, {
      ...checked(storageClassErrors),
      ...fixed(["parameters"], ["provisioner"], ["reclaimPolicy"], ["volumeBindingMode"]),
    }),
  ],
];

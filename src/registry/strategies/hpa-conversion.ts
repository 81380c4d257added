/**
 * HorizontalPodAutoscaler between autoscaling/v1 and v2 (k8s.io/kubernetes pkg/apis/autoscaling/v1/conversion.go). What v1 has
 * no fields for stands in annotations; an annotation that cannot be read is left out of account, as upstream does.
 */
import { goJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Draft } from "./draft.ts";
import { behaviorFromGo, behaviorToGo } from "./hpa-behavior.ts";
import { defaultMetric, metricStatusToV1, metricStatusToV2, metricToV1, metricToV2 } from "./hpa-metrics.ts";
import { listAt, type Members, membersAt, textAt, valueAt } from "./members.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";
const metricsKey = `${prefix}metrics`;
const currentMetricsKey = `${prefix}current-metrics`;
const conditionsKey = `${prefix}conditions`;
const behaviorKey = `${prefix}behavior`;
const roundTrip: ReadonlySet<string> = new Set([
  metricsKey,
  currentMetricsKey,
  conditionsKey,
  behaviorKey,
  `${prefix}scale-down-tolerance`,
  `${prefix}scale-up-tolerance`,
]);

type Annotations = Record<string, string>;

/** Without the annotations that only v1 has; undefined when none is left. */
export function withoutRoundTrip(annotations: Annotations | undefined): Annotations | undefined {
  const rest = Object.entries(annotations ?? {}).filter(([key]) => !roundTrip.has(key));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

export function horizontalPodAutoscalerToV1(object: KubeObject): KubeObject {
  const metrics = listAt(object, "spec", "metrics");
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined);
  const current = listAt(object, "status", "currentMetrics");
  const conditions = listAt(object, "status", "conditions");
  const behavior = valueAt(object, "spec", "behavior");
  const annotations = withoutRoundTrip(object.metadata.annotations);
  const kept: Annotations = {
    ...annotations,
    ...(others.length > 0 ? { [metricsKey]: goJson(others.map(metricToV1)) } : {}),
    ...(current.length > 0 ? { [currentMetricsKey]: goJson(current.map(metricStatusToV1)) } : {}),
    ...(behavior !== undefined ? { [behaviorKey]: goJson(behaviorToGo(behavior)) } : {}),
    ...(conditions.length > 0 ? { [conditionsKey]: goJson(conditions) } : {}),
  };
  const target = metrics.map(cpuTarget).find((percent) => percent !== undefined);
  const spec = membersAt(object, "spec");
  const status = membersAt(object, "status");
  return {
    ...withAnnotations(object, kept),
    spec: {
      scaleTargetRef: spec.scaleTargetRef,
      ...some(spec, "minReplicas"),
      maxReplicas: spec.maxReplicas ?? 0,
      ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }),
    },
    status: {
      ...some(status, "observedGeneration"),
      ...some(status, "lastScaleTime"),
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: status.desiredReplicas ?? 0,
      ...cpuStatus(current),
    },
  };
}

/** Whether an object of v1 names metrics beside the processor's in its annotations. */
export const namesOtherMetrics = (object: KubeObject): boolean =>
  (readList(object.metadata.annotations ?? {}, metricsKey, metricToV2) ?? []).length > 0;

export function horizontalPodAutoscalerToV2(object: KubeObject): KubeObject {
  const annotations = object.metadata.annotations ?? {};
  const spec = membersAt(object, "spec");
  const status = membersAt(object, "status");
  const target = valueAt(spec, "targetCPUUtilizationPercentage");
  const metrics = [
    ...(readList(annotations, metricsKey, metricToV2) ?? []),
    ...(target === undefined ? [] : [defaultMetric(Number(target))]),
  ];
  const behavior = read(annotations, behaviorKey, behaviorFromGo);
  const current = readList(annotations, currentMetricsKey, metricStatusToV2) ?? currentFromV1(status);
  const conditions = readList(annotations, conditionsKey, (condition) => condition) ?? [];
  return {
    ...withAnnotations(object, withoutRoundTrip(annotations) ?? {}),
    spec: {
      scaleTargetRef: spec.scaleTargetRef,
      ...some(spec, "minReplicas"),
      maxReplicas: spec.maxReplicas ?? 0,
      metrics: metrics.length === 0 ? [defaultMetric()] : metrics,
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      ...some(status, "observedGeneration"),
      ...some(status, "lastScaleTime"),
      ...((status.currentReplicas ?? 0) === 0 ? {} : { currentReplicas: status.currentReplicas }),
      desiredReplicas: status.desiredReplicas ?? 0,
      currentMetrics: current.length === 0 ? null : current,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  };
}

const some = (of: Members, field: string): Draft => {
  const value = valueAt(of, field);
  return value === undefined ? {} : { [field]: value };
};

function withAnnotations(object: KubeObject, annotations: Annotations): KubeObject {
  const { annotations: _replaced, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  };
}

const isCpu = (metric: Members): boolean =>
  textAt(metric, "type") === "Resource" && textAt(metric, "resource", "name") === "cpu";

/** The utilization that v1 has a field for. */
const cpuTarget = (metric: Members): unknown =>
  isCpu(metric) ? valueAt(metric, "resource", "target", "averageUtilization") : undefined;

function cpuStatus(current: readonly Members[]): Draft {
  const percents = current
    .filter(isCpu)
    .map((metric) => valueAt(metric, "resource", "current", "averageUtilization"))
    .filter((percent) => percent !== undefined);
  return percents.length === 0 ? {} : { currentCPUUtilizationPercentage: percents.at(-1) };
}

function currentFromV1(status: Members): Draft[] {
  const averageUtilization = valueAt(status, "currentCPUUtilizationPercentage");
  if (averageUtilization === undefined) return [];
  return [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization } } }];
}

/** What `make` makes of an annotation's JSON; undefined when there is none, or it is of another shape. */
function read<T>(annotations: Annotations, key: string, make: (value: unknown) => T): T | undefined {
  if (!Object.hasOwn(annotations, key)) return undefined;
  try {
    return make(JSON.parse(annotations[key]!));
  } catch {
    return undefined;
  }
}

const readList = (
  annotations: Annotations,
  key: string,
  make: (item: Members) => Members,
): Members[] | undefined =>
  read(annotations, key, (value) => {
    if (!Array.isArray(value)) throw new TypeError("not a list");
    return value.map((item: unknown) => {
      if (typeof item !== "object" || item === null || Array.isArray(item))
        throw new TypeError("not a struct");
      return make(item as Members);
    });
  });

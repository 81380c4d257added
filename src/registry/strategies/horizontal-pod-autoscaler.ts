/** autoscaling HorizontalPodAutoscaler, stored as v2 (k8s.io/kubernetes pkg/apis/autoscaling/{v1,v2}). */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";
import { autoscalerErrors, autoscalerStatusErrors } from "../validation/autoscaler.ts";
import { draftOf, fill, given, givenList } from "./draft.ts";
import {
  horizontalPodAutoscalerToV1,
  horizontalPodAutoscalerToV2,
  namesOtherMetrics,
  withoutRoundTrip,
} from "./hpa-conversion.ts";
import { averageCpuPercent, defaultMetric } from "./hpa-metrics.ts";
import { textAt } from "./members.ts";

const scaleUp = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const scaleDown = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

export const horizontalPodAutoscalerStrategy: Strategy = {
  applyDefaults: setDefaults,
  defaultsIn(_version, object) {
    const spec = draftOf(object, "spec");
    fill(spec, { minReplicas: 1 });
    // Upstream's conversion would add it; who writes the object owns it.
    if (!namesOtherMetrics(object)) fill(spec, { targetCPUUtilizationPercentage: averageCpuPercent });
  },
  validateCreate: (object) => [...autoscalerErrors(object, true)],
  validateUpdate(object, old, { subresource }) {
    if (subresource === "status") return [...autoscalerStatusErrors(object)];
    const target = (of: KubeObject, field: string): string => textAt(of, "spec", "scaleTargetRef", field);
    // What was let in before stays.
    const changed = ["apiVersion", "kind"].some((field) => target(object, field) !== target(old, field));
    return [...autoscalerErrors(object, changed)];
  },
  convert: (object, toVersion) =>
    toVersion === "v1" ? horizontalPodAutoscalerToV1(object) : horizontalPodAutoscalerToV2(object),
};

function setDefaults(object: KubeObject): void {
  const annotations = withoutRoundTrip(object.metadata.annotations);
  if (annotations === undefined) delete object.metadata.annotations;
  else object.metadata.annotations = annotations;
  const spec = draftOf(object, "spec");
  fill(spec, { minReplicas: 1 });
  if (givenList(spec, "metrics").length === 0) spec.metrics = [defaultMetric()];
  const behavior = given(spec, "behavior");
  if (behavior === undefined) return;
  for (const [field, rules] of [
    ["scaleUp", scaleUp],
    ["scaleDown", scaleDown],
  ] as const) {
    behavior[field] = { ...rules, ...given(behavior, field) };
  }
}

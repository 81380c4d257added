/** Columns of pods and of what makes pods. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { humanDuration } from "#machinery/values/duration.ts";
import { ageOf } from "./age.ts";
import {
  age,
  type Column,
  column,
  columns,
  conditionStatus,
  fewOf,
  flag,
  get,
  integer,
  list,
  name,
  number,
  present,
  shown,
  string,
  text,
  wide,
} from "./define.ts";
import { podColumns } from "./pod.ts";
import { formattedSelector, labelsText, selectorText } from "./selector.ts";
import type { Columns } from "./types.ts";

const template = ["spec", "template"];
const containers = (path: readonly string[]): [Column, Column] => {
  const all = (object: JsonObject, field: string) =>
    list(object, ...path, "spec", "containers")
      .map((container) => text(container, field))
      .join(",");
  return [
    wide("Containers", (object) => all(object, "name")),
    wide("Images", (object) => all(object, "image")),
  ];
};
const plainContainers = (path: readonly string[]): Column[] =>
  containers(path).map(({ definition, cell }) => column(definition.name, cell));
const selector: Column = wide("Selector", (object) => formattedSelector(get(object, "spec", "selector")));
const readyOfDesired: Column = column(
  "Ready",
  (object) => `${number(object, "status", "readyReplicas")}/${number(object, "spec", "replicas")}`,
);

const jobStatus = (job: JsonObject): string => {
  const is = (type: string): boolean => conditionStatus(job, type) === "True";
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (present(job, "metadata", "deletionTimestamp")) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(is) ?? "Running";
};
const jobCompletions = (job: JsonObject): string => {
  const succeeded = number(job, "status", "succeeded");
  if (present(job, "spec", "completions")) return `${succeeded}/${number(job, "spec", "completions")}`;
  const parallelism = number(job, "spec", "parallelism");
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
};
const jobDuration = (job: JsonObject, now: number): string => {
  const start = Date.parse(text(job, "status", "startTime"));
  if (Number.isNaN(start)) return "";
  const end = Date.parse(text(job, "status", "completionTime"));
  return humanDuration((Number.isNaN(end) ? now : end) - start);
};

const controller = (object: JsonObject): string => {
  const owner = list(object, "metadata", "ownerReferences").find((reference) =>
    flag(reference, "controller"),
  );
  if (owner === undefined) return "<none>";
  const apiVersion = text(owner, "apiVersion");
  const group = apiVersion.includes("/") ? `.${apiVersion.slice(0, apiVersion.indexOf("/"))}` : "";
  return `${`${text(owner, "kind")}${group}`.toLowerCase()}/${text(owner, "name")}`;
};

// What a metric's type calls its source, and whether its cell begins with the resource's name.
const metricSources: ReadonlyMap<string, string> = new Map([
  ["External", "external"],
  ["Pods", "pods"],
  ["Object", "object"],
  ["Resource", "resource"],
  ["ContainerResource", "containerResource"],
]);

function metric(spec: JsonValue, status: JsonValue | undefined): string {
  const type = text(spec, "type");
  const source = metricSources.get(type);
  if (source === undefined) return "<unknown type>";
  const target = get(spec, source, "target");
  const current = get(status, source, "current");
  const quantity = (field: string): string =>
    present(current) ? shown(get(current, field)) || "0" : "<unknown>";
  const average = present(target, "averageValue");
  if (type === "Pods") return `${quantity("averageValue")}/${shown(get(target, "averageValue"))}`;
  if (source === "resource" || source === "containerResource") {
    const resource = text(spec, source, "name");
    if (average) return `${resource}: ${quantity("averageValue")}/${shown(get(target, "averageValue"))}`;
    const percent = (value: JsonValue | undefined, none: string) =>
      present(value, "averageUtilization") ? `${number(value, "averageUtilization")}%` : none;
    return `${resource}: ${percent(current, "<unknown>")}/${percent(target, "<auto>")}`;
  }
  if (!average) return `${quantity("value")}/${shown(get(target, "value"))}`;
  const now = present(current, "averageValue") ? shown(get(current, "averageValue")) : "<unknown>";
  return `${now}/${shown(get(target, "averageValue"))} (avg)`;
}

const hpaTargets = (hpa: JsonObject): string => {
  const specs = list(hpa, "spec", "metrics");
  const statuses = list(hpa, "status", "currentMetrics");
  if (specs.length === 0) return "<none>";
  return fewOf(
    specs.map((spec, index) => metric(spec, statuses[index])),
    2,
    ", ",
  );
};

export const workloadColumns: Readonly<Record<string, Columns>> = {
  "/pods": podColumns,
  "/podtemplates": columns(
    name,
    ...plainContainers(["template"]),
    column("Pod Labels", (object) => labelsText(get(object, "template", "metadata", "labels"))),
  ),
  "/replicationcontrollers": columns(
    name,
    integer("Desired", "spec", "replicas"),
    integer("Current", "status", "replicas"),
    integer("Ready", "status", "readyReplicas"),
    age,
    ...containers(template),
    wide("Selector", (object) => labelsText(get(object, "spec", "selector"))),
  ),
  "apps/replicasets": columns(
    name,
    integer("Desired", "spec", "replicas"),
    integer("Current", "status", "replicas"),
    integer("Ready", "status", "readyReplicas"),
    age,
    ...containers(template),
    selector,
  ),
  "apps/deployments": columns(
    name,
    readyOfDesired,
    column("Up-to-date", (object) => number(object, "status", "updatedReplicas")),
    column("Available", (object) => number(object, "status", "availableReplicas")),
    age,
    ...containers(template),
    wide("Selector", (object) => selectorText(get(object, "spec", "selector")) ?? "<invalid>"),
  ),
  "apps/statefulsets": columns(name, readyOfDesired, age, ...containers(template)),
  "apps/daemonsets": columns(
    name,
    integer("Desired", "status", "desiredNumberScheduled"),
    integer("Current", "status", "currentNumberScheduled"),
    integer("Ready", "status", "numberReady"),
    integer("Up-to-date", "status", "updatedNumberScheduled"),
    integer("Available", "status", "numberAvailable"),
    column("Node Selector", (object) => labelsText(get(object, ...template, "spec", "nodeSelector"))),
    age,
    ...containers(template),
    selector,
  ),
  "apps/controllerrevisions": columns(
    name,
    column("Controller", controller),
    column("Revision", (object) => get(object, "revision") ?? 0),
    age,
  ),
  "batch/jobs": columns(
    name,
    column("Status", jobStatus),
    column("Completions", jobCompletions),
    column("Duration", jobDuration),
    age,
    ...containers(template),
    selector,
  ),
  "batch/cronjobs": columns(
    name,
    string("Schedule", "spec", "schedule"),
    column("Timezone", (object) => get(object, "spec", "timeZone") ?? "<none>"),
    column(
      "Suspend",
      (object) =>
        present(object, "spec", "suspend") ? (flag(object, "spec", "suspend") ? "True" : "False") : "<unset>",
      { type: "boolean" },
    ),
    column("Active", (object) => list(object, "status", "active").length, { type: "integer" }),
    column("Last Schedule", (object, now) =>
      present(object, "status", "lastScheduleTime")
        ? ageOf(get(object, "status", "lastScheduleTime"), now)
        : "<none>",
    ),
    age,
    ...containers(["spec", "jobTemplate", "spec", "template"]),
    wide("Selector", (object) => formattedSelector(get(object, "spec", "jobTemplate", "spec", "selector"))),
  ),
  "autoscaling/horizontalpodautoscalers": columns(
    name,
    column("Reference", (object) => {
      const target = get(object, "spec", "scaleTargetRef");
      return `${text(target, "kind")}/${text(target, "name")}`;
    }),
    column("Targets", hpaTargets),
    column("MinPods", (object) => shown(get(object, "spec", "minReplicas")) || "<unset>"),
    column("MaxPods", (object) => number(object, "spec", "maxReplicas")),
    column("Replicas", (object) => number(object, "status", "currentReplicas")),
    age,
  ),
  // Not a resource: every scale subresource shows this.
  "autoscaling/scales": columns(
    name,
    integer("Desired", "spec", "replicas"),
    integer("Available", "status", "replicas"),
    column("Age", age.cell, { type: "date" }),
  ),
  "policy/poddisruptionbudgets": columns(
    name,
    column("Min Available", (object) => shown(get(object, "spec", "minAvailable")) || "N/A"),
    column("Max Unavailable", (object) => shown(get(object, "spec", "maxUnavailable")) || "N/A"),
    integer("Allowed Disruptions", "status", "disruptionsAllowed"),
    age,
  ),
};

/** MetricSpec and MetricStatus between autoscaling/v1 (in annotations) and v2. Members stand in the order of upstream's structs. */
import { writeJson } from "#machinery/json/write.ts";
import type { Draft } from "./draft.ts";
import { jsonOf, type Members, textAt, valueAt } from "./members.ts";
import { compareQuantities } from "./quantities.ts";

type Convert = (from: Members) => Draft;
type Converters = Readonly<
  Record<"object" | "pods" | "resource" | "containerResource" | "external", Convert>
>;

const has = (of: Members, ...path: readonly string[]): boolean => valueAt(of, ...path) !== undefined;

/** `{ [as]: value }`, or nothing when it is absent. */
function take(of: Members, as: string, ...path: readonly string[]): Draft {
  const value = valueAt(of, ...path);
  return value === undefined ? {} : { [as]: checked(value, as) };
}

/** Annotations hold what anybody wrote there: Go's decoder refuses other types. */
function checked(value: unknown, field: string): unknown {
  const fits = field.endsWith("Utilization")
    ? Number.isInteger(value)
    : field.toLowerCase().endsWith("selector")
      ? typeof value === "object" && !Array.isArray(value)
      : typeof value === "string";
  if (!fits) throw new TypeError(`${field} is of the wrong type`);
  return value;
}
/** Quantities that v1 cannot leave out. */
const quantity = (of: Members, as: string, ...path: readonly string[]): Draft => ({
  [as]: checked(valueAt(of, ...path) ?? "0", as),
});
const identifier = (of: Members, selector: string): Draft => ({
  metric: { name: textAt(of, "metricName"), ...take(of, "selector", selector) },
});
const metricName = (of: Members): Draft => ({ metricName: textAt(of, "metric", "name") });

function reference(of: Members, field: string): Draft {
  const apiVersion = textAt(of, field, "apiVersion");
  return {
    kind: textAt(of, field, "kind"),
    name: textAt(of, field, "name"),
    ...(apiVersion === "" ? {} : { apiVersion }),
  };
}

const resourceToV1 =
  (now: "target" | "current", container: boolean): Convert =>
  (from) => {
    const average = `${now}AverageValue`;
    return {
      name: textAt(from, "name"),
      ...take(from, `${now}AverageUtilization`, now, "averageUtilization"),
      ...(now === "target"
        ? take(from, average, now, "averageValue")
        : quantity(from, average, now, "averageValue")),
      ...(container ? { container: textAt(from, "container") } : {}),
    };
  };

const specToV1: Converters = {
  object: (from) => ({
    target: reference(from, "describedObject"),
    ...metricName(from),
    ...quantity(from, "targetValue", "target", "value"),
    ...take(from, "selector", "metric", "selector"),
    ...take(from, "averageValue", "target", "averageValue"),
  }),
  pods: (from) => ({
    ...metricName(from),
    ...quantity(from, "targetAverageValue", "target", "averageValue"),
    ...take(from, "selector", "metric", "selector"),
  }),
  resource: resourceToV1("target", false),
  containerResource: resourceToV1("target", true),
  external: (from) => ({
    ...metricName(from),
    ...take(from, "metricSelector", "metric", "selector"),
    ...take(from, "targetValue", "target", "value"),
    ...take(from, "targetAverageValue", "target", "averageValue"),
  }),
};

const resourceTarget: Convert = (from) => ({
  target: {
    type: has(from, "targetAverageUtilization") ? "Utilization" : "AverageValue",
    ...take(from, "averageValue", "targetAverageValue"),
    ...take(from, "averageUtilization", "targetAverageUtilization"),
  },
});

const specToV2: Converters = {
  object: (from) => {
    const average = has(from, "averageValue");
    // Annotations may hold anything.
    const given = valueAt(from, "targetValue") ?? "0";
    const value = typeof given === "object" ? writeJson(jsonOf(given)) : String(given);
    return {
      describedObject: reference(from, "target"),
      target: {
        type: average ? "AverageValue" : "Value",
        // v1 writes a zero where v2 has nothing.
        ...(average && compareQuantities(value, "0") === 0 ? {} : { value }),
        ...take(from, "averageValue", "averageValue"),
      },
      ...identifier(from, "selector"),
    };
  },
  pods: (from) => ({
    ...identifier(from, "selector"),
    target: { type: "AverageValue", ...quantity(from, "averageValue", "targetAverageValue") },
  }),
  resource: (from) => ({ name: textAt(from, "name"), ...resourceTarget(from) }),
  containerResource: (from) => ({
    name: textAt(from, "name"),
    ...resourceTarget(from),
    container: textAt(from, "container"),
  }),
  external: (from) => ({
    ...identifier(from, "metricSelector"),
    target: {
      type: has(from, "targetValue") ? "Value" : "AverageValue",
      ...take(from, "value", "targetValue"),
      ...take(from, "averageValue", "targetAverageValue"),
    },
  }),
};

const statusToV1: Converters = {
  object: (from) => ({
    target: reference(from, "describedObject"),
    ...metricName(from),
    ...quantity(from, "currentValue", "current", "value"),
    ...take(from, "selector", "metric", "selector"),
    ...take(from, "averageValue", "current", "averageValue"),
  }),
  pods: (from) => ({
    ...metricName(from),
    ...quantity(from, "currentAverageValue", "current", "averageValue"),
    ...take(from, "selector", "metric", "selector"),
  }),
  resource: resourceToV1("current", false),
  containerResource: resourceToV1("current", true),
  external: (from) => ({
    ...metricName(from),
    ...take(from, "metricSelector", "metric", "selector"),
    ...quantity(from, "currentValue", "current", "value"),
    ...take(from, "currentAverageValue", "current", "averageValue"),
  }),
};

const resourceCurrent: Convert = (from) => ({
  current: {
    ...quantity(from, "averageValue", "currentAverageValue"),
    ...take(from, "averageUtilization", "currentAverageUtilization"),
  },
});

const statusToV2: Converters = {
  object: (from) => ({
    ...identifier(from, "selector"),
    current: {
      ...quantity(from, "value", "currentValue"),
      ...take(from, "averageValue", "averageValue"),
    },
    describedObject: reference(from, "target"),
  }),
  pods: (from) => ({
    ...identifier(from, "selector"),
    current: quantity(from, "averageValue", "currentAverageValue"),
  }),
  resource: (from) => ({ name: textAt(from, "name"), ...resourceCurrent(from) }),
  containerResource: (from) => ({
    name: textAt(from, "name"),
    ...resourceCurrent(from),
    container: textAt(from, "container"),
  }),
  external: (from) => ({
    ...identifier(from, "metricSelector"),
    current: {
      ...quantity(from, "value", "currentValue"),
      ...take(from, "averageValue", "currentAverageValue"),
    },
  }),
};

const converter =
  (converters: Converters) =>
  (metric: Members): Draft => ({
    type: textAt(metric, "type"),
    ...Object.fromEntries(
      Object.entries(converters)
        .filter(([field]) => has(metric, field))
        .map(([field, convert]) => [field, convert(metric[field] as Members)]),
    ),
  });

export const averageCpuPercent = 80;

/** The metric of an autoscaler that names none. */
export const defaultMetric = (averageUtilization: number = averageCpuPercent): Draft => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

export const metricToV1: Convert = converter(specToV1);
export const metricToV2: Convert = converter(specToV2);
export const metricStatusToV1: Convert = converter(statusToV1);
export const metricStatusToV2: Convert = converter(statusToV2);

/** Event of both groups (k8s.io/kubernetes pkg/registry/core/event, pkg/apis/core/validation/events.go). */

import { byteLength } from "#base/bytes.ts";
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { Strategy } from "#registry/strategy.ts";
import { numberAt } from "../validation/checks.ts";
import { fromCoreEvent, toCoreEvent } from "./event-conversion.ts";
import { jsonOf, textAt, valueAt } from "./members.ts";

const maxTextBytes = 128;
const maxNoteBytes = 1_024;

const referenceFields = [
  "kind",
  "namespace",
  "name",
  "uid",
  "apiVersion",
  "resourceVersion",
  "fieldPath",
] as const;

/** What a version calls the fields. Errors name core/v1's fields in both, but for the controller. */
interface Names {
  readonly reference: "involvedObject" | "regarding";
  readonly controller: "reportingComponent" | "reportingController";
  readonly message: "message" | "note";
}
const coreNames: Names = {
  reference: "involvedObject",
  controller: "reportingComponent",
  message: "message",
};
const names: Names = { reference: "regarding", controller: "reportingController", message: "note" };

const selectable = ({ reference, controller }: Names): Record<string, (object: KubeObject) => string> => ({
  ...Object.fromEntries(
    referenceFields.map((field) => [
      `${reference}.${field}`,
      (object: KubeObject) => textAt(object, reference, field),
    ]),
  ),
  reason: (object) => textAt(object, "reason"),
  type: (object) => textAt(object, "type"),
  [controller]: (object) => textAt(object, controller),
});

export const coreEventStrategy: Strategy = {
  ignoresPropagation: true,
  validate: (object) => eventErrors(object, coreNames),
  selectableFields: {
    ...selectable(coreNames),
    source: (object) => textAt(object, "source", "component") || textAt(object, "reportingComponent"),
  },
};

/** events.k8s.io/v1 is stricter: new events are of the new form, and nothing but the series changes afterwards. */
export const eventStrategy: Strategy = {
  ignoresPropagation: true,
  storedAs: {
    resource: { group: "", resource: "events" },
    fromStored: fromCoreEvent,
    toStored: toCoreEvent,
  },
  validate: (object) => eventErrors(object, names),
  validateUpdate: (object, old) => [
    ...(jsonEqual(jsonOf(object.series), jsonOf(old.series)) ? [] : seriesErrors(object)),
    ...unchangeable.flatMap(([field, shownAs]) =>
      jsonEqual(jsonOf(object[field]), jsonOf(old[field]))
        ? []
        : [fieldInvalid(shownAs, object[field] ?? null, fieldImmutable)],
    ),
  ],
  validateCreate: (object) => {
    const errors = seriesErrors(object);
    const type = textAt(object, "type");
    if (valueAt(object, "eventTime") === undefined) errors.push(fieldRequired("eventTime"));
    if (type !== "Normal" && type !== "Warning")
      errors.push(fieldInvalid("type", "", `has invalid value: ${type}`));
    for (const [field, shownAs] of deprecated) {
      if (isSet(valueAt(object, field))) errors.push(fieldInvalid(shownAs, "", "needs to be unset"));
    }
    return errors;
  },
  selectableFields: selectable(names),
};

const deprecated = [
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["deprecatedSource", "source"],
] as const;

const unchangeable = [
  ["regarding", "involvedObject"],
  ["reason", "reason"],
  ["note", "message"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["type", "type"],
  ["eventTime", "eventTime"],
  ["action", "action"],
  ["related", "related"],
  ["reportingController", "reportingController"],
  ["reportingInstance", "reportingInstance"],
] as const;

function isSet(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(isSet);
  return value !== undefined && value !== null && value !== 0 && value !== "";
}

function seriesErrors(object: KubeObject): FieldError[] {
  const series = valueAt(object, "series");
  if (series === undefined) return [];
  const errors: FieldError[] = [];
  if ((numberAt(series, "count") ?? 0) < 2)
    errors.push(fieldInvalid("series.count", "", "should be at least 2"));
  if (valueAt(series, "lastObservedTime") === undefined)
    errors.push(fieldRequired("series.lastObservedTime"));
  return errors;
}

function eventErrors(object: KubeObject, { reference, controller, message }: Names): FieldError[] {
  const namespace = object.metadata.namespace ?? "";
  const about = textAt(object, reference, "namespace");
  const errors: FieldError[] = [];
  const mismatch = (): void => {
    errors.push(fieldInvalid("involvedObject.namespace", about, "does not match event.namespace"));
  };
  if (valueAt(object, "eventTime") === undefined) {
    if (about === "" ? namespace !== "default" && namespace !== "" : about !== namespace) mismatch();
  } else {
    if (about === "" && namespace !== "default" && namespace !== "kube-system") mismatch();
    const reporter = textAt(object, controller);
    if (reporter === "") errors.push(fieldRequired(controller));
    errors.push(...qualifiedNameErrors(reporter).map((text) => fieldInvalid(controller, reporter, text)));
    for (const field of ["reportingInstance", "action", "reason"] as const) {
      const text = textAt(object, field);
      if (text === "") errors.push(fieldRequired(field));
      if (byteLength(text) > maxTextBytes)
        errors.push(fieldInvalid(field, "", `can have at most ${maxTextBytes} characters`));
    }
    if (byteLength(textAt(object, message)) > maxNoteBytes)
      errors.push(fieldInvalid("message", "", `can have at most ${maxNoteBytes} characters`));
  }
  errors.push(...dns1123SubdomainErrors(namespace).map((text) => fieldInvalid("namespace", namespace, text)));
  return errors;
}

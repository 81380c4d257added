/** Event of both groups (k8s.io/kubernetes pkg/registry/core/event, pkg/apis/core/validation/events.go). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";

const referenceFields = [
  "kind",
  "namespace",
  "name",
  "uid",
  "apiVersion",
  "resourceVersion",
  "fieldPath",
] as const;

function text(object: KubeObject, ...path: readonly string[]): string {
  let value: unknown = object;
  for (const member of path) value = (value as Record<string, unknown> | undefined)?.[member];
  return typeof value === "string" ? value : "";
}

const selectable = (
  reference: string,
  component: string,
): Record<string, (object: KubeObject) => string> => ({
  ...Object.fromEntries(
    referenceFields.map((field) => [
      `${reference}.${field}`,
      (object: KubeObject) => text(object, reference, field),
    ]),
  ),
  reason: (object) => text(object, "reason"),
  type: (object) => text(object, "type"),
  [component]: (object) =>
    component === "reportingController" ? text(object, component) : text(object, "reportingComponent"),
});

export const coreEventStrategy: Strategy = {
  validate: (object) => namespaceErrors(object, "involvedObject"),
  selectableFields: {
    ...selectable("involvedObject", "reportingComponent"),
    source: (object) => text(object, "source", "component") || text(object, "reportingComponent"),
  },
};

export const eventStrategy: Strategy = {
  validate: (object) => namespaceErrors(object, "regarding"),
  selectableFields: selectable("regarding", "reportingController"),
};

/** An event stands in the namespace of what it is about; about cluster-scoped things, in `default`. */
function namespaceErrors(object: KubeObject, reference: string): FieldError[] {
  const namespace = object.metadata.namespace ?? "";
  const about = text(object, reference, "namespace");
  if (about === "" ? namespace === "default" || namespace === "kube-system" : about === namespace) return [];
  const at = `${reference}.namespace`;
  return [fieldInvalid(at, about, "does not match event.namespace")];
}

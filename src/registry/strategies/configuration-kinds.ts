/** Kinds that drivers and controllers configure themselves by: flow control, volumes' drivers, histories. */
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { isJsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import type { Strategy } from "#registry/strategy.ts";
import { type Errors, numberAt } from "../validation/checks.ts";
import { claimOfDevicesErrors, claimTemplateErrors, deviceClassErrors } from "../validation/devices.ts";
import { flowConditionErrors, flowSchemaErrors, priorityLevelErrors } from "../validation/flow-control.ts";
import {
  csiDriverErrors,
  csiDriverWarnings,
  csiNodeErrors,
  csiNodeUpdateErrors,
  storageCapacityErrors,
  volumeAttachmentErrors,
  volumeAttachmentStatusErrors,
  volumeAttributesClassErrors,
  volumeAttributesClassUpdateErrors,
} from "../validation/storage-kinds.ts";
import {
  csiDriverDefaults,
  flowSchemaDefaults,
  priorityLevelDefaults,
  resourceClaimDefaults,
  resourceClaimTemplateDefaults,
} from "./defaults-more.ts";
import { immutable } from "./immutable.ts";
import { jsonOf, valueAt } from "./members.ts";

type Check = (object: KubeObject) => Errors;

/** Rules of the object, and of its status where only that is written. */
const checked = (main: Check, status: Check = () => []): Strategy => ({
  validate: (object, { subresource }) => [...(subresource === "status" ? status(object) : main(object))],
});

function* revisionErrors(object: KubeObject): Errors {
  const revision = numberAt(object, "revision") ?? 0;
  if (revision < 0) yield fieldInvalid("revision", revision, "must be greater than or equal to 0");
}

function dataErrors(object: KubeObject): FieldError[] {
  const data = valueAt(object, "data");
  if (data === undefined) return [fieldRequired("data", "data is mandatory")];
  return isJsonObject(jsonOf(data)) ? [] : [fieldRequired("data", "data must be a valid JSON object")];
}

/** Stored and shown, never acted upon here: rules as upstream's. */
export const configurationKinds: readonly (readonly [string, Strategy])[] = [
  [
    "apps/controllerrevisions",
    {
      ...checked(revisionErrors),
      validateCreate: dataErrors,
      validateUpdate: (object, old) => immutable(object, old, "data"),
    },
  ],
  [
    "flowcontrol.apiserver.k8s.io/flowschemas",
    { applyDefaults: flowSchemaDefaults, ...checked(flowSchemaErrors, flowConditionErrors) },
  ],
  [
    "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
    { applyDefaults: priorityLevelDefaults, ...checked(priorityLevelErrors, flowConditionErrors) },
  ],
  [
    "resource.k8s.io/resourceclaims",
    {
      applyDefaults: resourceClaimDefaults,
      validateCreate: (object) => [...claimOfDevicesErrors(object)],
      validateUpdate: (object, old, { subresource }) =>
        subresource === "status" ? [] : immutable(object, old, "spec"),
    },
  ],
  [
    "resource.k8s.io/resourceclaimtemplates",
    {
      applyDefaults: resourceClaimTemplateDefaults,
      validateCreate: (object) => [...claimTemplateErrors(object)],
      validateUpdate: (object, old) => immutable(object, old, "spec"),
    },
  ],
  ["resource.k8s.io/deviceclasses", checked(deviceClassErrors)],
  [
    "storage.k8s.io/csidrivers",
    {
      applyDefaults: csiDriverDefaults,
      ...checked(csiDriverErrors),
      warnings: csiDriverWarnings,
      // Counted from nothing: a new one has no generation.
      prepareForUpdate(object, old) {
        if (!jsonEqual(jsonOf(object.spec), jsonOf(old.spec)))
          object.metadata.generation = (old.metadata.generation ?? 0) + 1;
      },
      validateUpdate: (object, old) => [
        // Upstream's name of the field.
        ...(valueAt(object, "spec", "attachRequired") === valueAt(old, "spec", "attachRequired")
          ? []
          : [
              fieldInvalid(
                "spec.attachedRequired",
                valueAt(object, "spec", "attachRequired"),
                fieldImmutable,
              ),
            ]),
        ...immutable(object, old, "spec", "volumeLifecycleModes"),
      ],
    },
  ],
  [
    "storage.k8s.io/csinodes",
    {
      ...checked(csiNodeErrors),
      validateUpdate: (object, old) => [...csiNodeUpdateErrors(object, old)],
    },
  ],
  [
    "storage.k8s.io/csistoragecapacities",
    {
      ...checked(storageCapacityErrors),
      validateUpdate: (object, old) => [
        ...immutable(object, old, "nodeTopology"),
        ...immutable(object, old, "storageClassName"),
      ],
    },
  ],
  [
    "storage.k8s.io/volumeattachments",
    {
      ...checked(volumeAttachmentErrors, volumeAttachmentStatusErrors),
      validateUpdate: (object, old, { subresource }) =>
        subresource === "status" ? [] : immutable(object, old, "spec"),
    },
  ],
  [
    "storage.k8s.io/volumeattributesclasses",
    {
      ...checked(volumeAttributesClassErrors),
      validateUpdate: (object, old) => [...volumeAttributesClassUpdateErrors(object, old)],
    },
  ],
];

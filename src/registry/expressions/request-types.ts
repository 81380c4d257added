/** What expressions of admission see of a request (k8s.io/apiserver pkg/admission/plugin/cel/compile.go). */
import {
  boolType,
  type CelField,
  type CelType,
  dynType,
  intType,
  listType,
  mapType,
  stringType,
  structType,
  timestampType,
} from "#machinery/cel/types.ts";

const optional = (type: CelType): readonly [CelType, boolean] => [type, false];
const required = (type: CelType): readonly [CelType, boolean] => [type, true];

function struct(name: string, fields: Readonly<Record<string, readonly [CelType, boolean]>>): CelType {
  const entries = Object.entries(fields).map(
    ([property, [type, isRequired]]): readonly [string, CelField] => [
      property,
      { type, property, required: isRequired },
    ],
  );
  return structType(name, new Map(entries));
}

const text = required(stringType);
const texts = listType(stringType);
const timeType: CelType = { ...timestampType, json: { format: "date-time" } };
const time = required(timeType);

const kindType = struct("kubernetes.GroupVersionKind", { group: text, version: text, kind: text });
const resourceType = struct("kubernetes.GroupVersionResource", {
  group: text,
  version: text,
  resource: text,
});
const userInfoType = struct("kubernetes.UserInfo", {
  username: optional(stringType),
  uid: optional(stringType),
  groups: optional(texts),
  extra: optional(mapType(stringType, texts)),
});

/** `request`; without the uid, which says nothing, and the objects, which are variables. */
export const requestType = struct("kubernetes.AdmissionRequest", {
  kind: required(kindType),
  resource: required(resourceType),
  subResource: optional(stringType),
  requestKind: required(kindType),
  requestResource: required(resourceType),
  requestSubResource: optional(stringType),
  name: text,
  namespace: optional(stringType),
  operation: text,
  userInfo: required(userInfoType),
  dryRun: optional(boolType),
  options: optional(dynType),
});

const conditionType = struct("kubernetes.NamespaceCondition", {
  status: text,
  type: text,
  lastTransitionTime: time,
  message: text,
  reason: text,
});
const metadataType = struct("kubernetes.NamespaceMetadata", {
  name: text,
  generateName: text,
  namespace: text,
  labels: required(mapType(stringType, stringType)),
  annotations: required(mapType(stringType, stringType)),
  UID: text,
  creationTimestamp: time,
  deletionGracePeriodSeconds: required(intType),
  deletionTimestamp: time,
  generation: required(intType),
  resourceVersion: text,
  finalizers: required(texts),
});

/** `namespaceObject`; without what is nobody's business, such as managed fields. */
export const namespaceType = struct("kubernetes.Namespace", {
  metadata: required(metadataType),
  spec: required(struct("kubernetes.NamespaceSpec", { finalizers: required(texts) })),
  status: required(
    struct("kubernetes.NamespaceStatus", { conditions: required(listType(conditionType)), phase: text }),
  ),
});

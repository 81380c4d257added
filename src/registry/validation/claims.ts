/** PersistentVolumeClaims and PersistentVolumes (pkg/apis/core/validation ValidatePersistentVolumeClaimSpec, ...VolumeSpec). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable } from "#machinery/meta/validation.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { labelSelectorErrors } from "../strategies/label-selector.ts";
import { jsonOf, type Members, membersAt, pairsAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { compareQuantities } from "../strategies/quantities.ts";
import { type Errors, has, invalids, noBacksteps, optionalWord, requiredTexts } from "./checks.ts";
import { nodeSelectorErrors } from "./node-selector.ts";
import { fractionalBytes } from "./pod-warnings.ts";

const spec = FieldPath.of("spec");
const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"] as const;
const volumeModes = ["Block", "Filesystem"] as const;

function* accessModeErrors(of: Members, path: FieldPath): Errors {
  const modes = textsAt(of, "accessModes");
  const known = modes.filter((mode) => (accessModes as readonly string[]).includes(mode));
  const at = path.child("accessModes");
  for (const mode of modes) if (!known.includes(mode)) yield fieldNotSupported(at, mode, accessModes);
  if (known.includes("ReadWriteOncePod") && known.some((mode) => mode !== "ReadWriteOncePod"))
    yield fieldForbidden(at, "may not use ReadWriteOncePod with other access modes");
}

export function* claimSpecErrors(claim: Members, path: FieldPath): Errors {
  if (textsAt(claim, "accessModes").length === 0)
    yield fieldRequired(path.child("accessModes"), "at least 1 access mode is required");
  yield* labelSelectorErrors(valueAt(claim, "selector"), path.child("selector"));
  yield* accessModeErrors(claim, path);
  const storage = new Map(pairsAt(claim, "resources", "requests")).get("storage");
  const at = path.child("resources").key("storage");
  if (storage === undefined) yield fieldRequired(at);
  else if (compareQuantities(storage, "0") <= 0) yield fieldInvalid(at, storage, "must be greater than zero");
  yield* classErrors(claim, path, "storageClassName");
  yield* optionalWord(claim, "volumeMode", path, volumeModes);
  const source = membersAt(claim, "dataSource");
  const ref = membersAt(claim, "dataSourceRef");
  if (has(claim, "dataSource")) yield* sourceErrors(source, path.child("dataSource"));
  if (has(claim, "dataSourceRef")) yield* sourceErrors(ref, path.child("dataSourceRef"));
  if (has(claim, "dataSource") && has(claim, "dataSourceRef")) {
    const where = path.child("dataSource").toString();
    if (textAt(ref, "namespace") !== "")
      yield fieldInvalid(path, where, "may not be specified when dataSourceRef.namespace is specified");
    else if (["apiGroup", "kind", "name"].some((field) => textAt(source, field) !== textAt(ref, field)))
      yield fieldInvalid(path, where, "must match dataSourceRef");
  }
  yield* classErrors(claim, path, "volumeAttributesClassName");
}

function* classErrors(of: Members, path: FieldPath, field: string): Errors {
  const name = textAt(of, field);
  if (name !== "") yield* invalids(path.child(field), name, dns1123SubdomainErrors(name));
}

function* sourceErrors(source: Members, path: FieldPath): Errors {
  yield* requiredTexts(source, path, "name", "kind");
  const group = textAt(source, "apiGroup");
  const kind = textAt(source, "kind");
  if (group === "" && kind !== "PersistentVolumeClaim") {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    yield fieldInvalid(path, kind, detail);
  }
  if (group !== "") yield* invalids(path.child("apiGroup"), group, dns1123SubdomainErrors(group));
  const namespace = textAt(source, "namespace");
  if (namespace !== "") yield* invalids(path.child("namespace"), namespace, dns1123LabelErrors(namespace));
}

export const claimErrors = (object: KubeObject): FieldError[] => [
  ...claimSpecErrors(membersAt(object, "spec"), spec),
];

/** What may change of a claim: its size and class once it is bound, its volume once. */
export function claimUpdateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const bound = textAt(object, "status", "phase") === "Bound";
  const before = membersAt(old, "spec");
  const now = membersAt(object, "spec");
  const rest = (of: Members): unknown => {
    const requests = pairsAt(of, "resources", "requests").filter(([name]) => !bound || name !== "storage");
    return {
      ...of,
      resources: { ...membersAt(of, "resources"), requests: Object.fromEntries(requests) },
      volumeName: textAt(before, "volumeName") === "" ? "" : textAt(of, "volumeName"),
      storageClassName: has(before, "storageClassName") ? valueAt(of, "storageClassName") : null,
      volumeAttributesClassName: bound ? null : valueAt(of, "volumeAttributesClassName"),
    };
  };
  const errors: FieldError[] = [];
  if (!jsonEqual(jsonOf(plain(rest(now))), jsonOf(plain(rest(before))))) {
    const detail =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(fieldForbidden(spec, detail));
  }
  const annotation = ({ metadata }: KubeObject): string => metadata.annotations?.[betaClass] ?? "";
  if (annotation(object) !== annotation(old))
    errors.push(
      fieldInvalid(FieldPath.of("metadata", "annotations", betaClass), annotation(object), fieldImmutable),
    );
  const size = (of: Members): string => new Map(pairsAt(of, "resources", "requests")).get("storage") ?? "0";
  const capacity = new Map(pairsAt(old, "status", "capacity")).get("storage") ?? "0";
  if (compareQuantities(size(now), size(before)) < 0 && compareQuantities(size(now), capacity) <= 0) {
    const detail = "field can not be less than status.capacity";
    errors.push(fieldForbidden(spec.child("resources", "requests", "storage"), detail));
  }
  if (textAt(now, "volumeMode") !== textAt(before, "volumeMode"))
    errors.push(fieldInvalid("volumeMode", valueAt(now, "volumeMode") ?? null, fieldImmutable));
  return errors;
}

/** Without members that are undefined. */
const plain = (value: unknown): unknown =>
  Object.fromEntries(
    Object.entries(value as Members).filter(([, inner]) => inner !== undefined && inner !== null),
  );

const betaClass = "volume.beta.kubernetes.io/storage-class";

export function claimWarnings({ metadata, spec: claim }: KubeObject): string[] {
  const warnings = Object.hasOwn(metadata.annotations ?? {}, betaClass)
    ? [`metadata.annotations[${betaClass}]: deprecated since v1.8; use "storageClassName" attribute instead`]
    : [];
  return [
    ...warnings,
    ...fractionalBytes(claim, spec.child("resources"), ["requests", "limits"], ["storage"]),
  ];
}

const volumeTypes = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;

const lists = {
  hostPath: ["path"],
  local: ["path"],
  nfs: ["server", "path"],
  csi: ["driver", "volumeHandle"],
};

export function* volumeErrors(object: KubeObject): Errors {
  const volume = membersAt(object, "spec");
  if (textsAt(volume, "accessModes").length === 0) yield fieldRequired(spec.child("accessModes"));
  yield* accessModeErrors(volume, spec);
  const capacity = pairsAt(volume, "capacity");
  const at = spec.child("capacity");
  if (capacity.length === 0) yield fieldRequired(at);
  if (capacity.length !== 1 || capacity[0]![0] !== "storage")
    yield fieldNotSupported(at, valueAt(volume, "capacity") ?? null, ["storage"]);
  for (const [name, amount] of capacity) {
    if (compareQuantities(amount, "0") <= 0)
      yield fieldInvalid(at.key(name), amount, "must be greater than zero");
  }
  yield* optionalWord(volume, "persistentVolumeReclaimPolicy", spec, ["Delete", "Recycle", "Retain"]);
  if (has(volume, "nodeAffinity")) {
    const required = spec.child("nodeAffinity", "required");
    if (valueAt(volume, "nodeAffinity", "required") === undefined)
      yield fieldRequired(required, "must specify required node constraints");
    else yield* nodeSelectorErrors(membersAt(volume, "nodeAffinity", "required"), required);
  }
  yield* volumeTypeErrors(volume);
  if (
    /^\/+$/.test(textAt(volume, "hostPath", "path")) &&
    textAt(volume, "persistentVolumeReclaimPolicy") === "Recycle"
  ) {
    const where = spec.child("persistentVolumeReclaimPolicy");
    yield fieldForbidden(where, "may not be 'recycle' for a hostPath mount of '/'");
  }
  yield* classErrors(volume, spec, "storageClassName");
  yield* optionalWord(volume, "volumeMode", spec, volumeModes);
}

function* volumeTypeErrors(volume: Members): Errors {
  const types = volumeTypes.filter((type) => has(volume, type));
  for (const [index, type] of types.entries()) {
    const path = spec.child(type);
    if (index > 0) yield fieldForbidden(path, "may not specify more than 1 volume type");
    else {
      const source = membersAt(volume, type);
      yield* requiredTexts(source, path, ...((lists as Record<string, readonly string[]>)[type] ?? []));
      const target = textAt(source, "path");
      if (type === "nfs" && !target.startsWith("/"))
        yield fieldInvalid(path.child("path"), target, "must be an absolute path");
      if (type === "hostPath" || type === "local") yield* noBacksteps(target, path.child("path"));
    }
    if (type === "local" && !has(volume, "nodeAffinity"))
      yield fieldRequired(spec.child("nodeAffinity"), "Local volume requires node affinity");
  }
  if (types.length === 0) yield fieldRequired(spec, "must specify a volume type");
}

export function volumeUpdateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const source = (of: KubeObject) =>
    jsonOf(volumeTypes.map((type) => [type, valueAt(of, "spec", type) ?? null]));
  const errors: FieldError[] = [];
  if (!jsonEqual(source(object), source(old))) {
    const detail = "spec.persistentvolumesource is immutable after creation";
    errors.push(fieldForbidden(spec.child("persistentvolumesource"), detail));
  }
  if (textAt(object, "spec", "volumeMode") !== textAt(old, "spec", "volumeMode"))
    errors.push(fieldInvalid("volumeMode", valueAt(object, "spec", "volumeMode") ?? null, fieldImmutable));
  return errors;
}

export function volumeWarnings(object: KubeObject): string[] {
  if (textAt(object, "spec", "persistentVolumeReclaimPolicy") !== "Recycle") return [];
  return [
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
  ];
}

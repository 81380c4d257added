/** Volumes of pods, and what mounts them (pkg/apis/core/validation ValidateVolumes, ValidateVolumeMounts, ValidateVolumeDevices). */
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { compareQuantities } from "../strategies/quantities.ts";
import {
  type Errors,
  has,
  invalids,
  noBacksteps,
  nonReservedPath,
  numberAt,
  oneOf,
  optionalWord,
  relativePath,
  requiredTexts,
} from "./checks.ts";
import { claimSpecErrors } from "./claims.ts";
import { fieldRefErrors, fieldsOfVolumes, resourceRefErrors } from "./environment.ts";

type Check = (source: Members, path: FieldPath) => Errors;

const fileMode = "must be a number between 0 and 0777 (octal), both inclusive";
const tenMinutes = 600;
const pullPolicies = ["Always", "IfNotPresent", "Never"] as const;

function* modeErrors(of: Members, field: string, path: FieldPath): Errors {
  const mode = numberAt(of, field);
  if (mode !== undefined && (mode < 0 || mode > 0o777)) yield fieldInvalid(path.child(field), mode, fileMode);
}

function* keyToPathErrors(item: Members, path: FieldPath): Errors {
  yield* requiredTexts(item, path, "key", "path");
  yield* nonReservedPath(textAt(item, "path"), path.child("path"));
  yield* modeErrors(item, "mode", path);
}

/** A volume filled from an object; `name`: the field that names it. */
const fromObject = (name: string): Check =>
  function* (source, path) {
    yield* requiredTexts(source, path, name);
    yield* modeErrors(source, "defaultMode", path);
    for (const [index, item] of listAt(source, "items").entries())
      yield* keyToPathErrors(item, path.child("items").index(index));
  };

const needs =
  (...fields: readonly string[]): Check =>
  (source, path) =>
    requiredTexts(source, path, ...fields);

function* downwardFileErrors(file: Members, path: FieldPath): Errors {
  yield* requiredTexts(file, path, "path");
  yield* nonReservedPath(textAt(file, "path"), path.child("path"));
  if (has(file, "fieldRef")) {
    yield* fieldRefErrors(membersAt(file, "fieldRef"), fieldsOfVolumes, path.child("fieldRef"));
    if (has(file, "resourceFieldRef"))
      yield fieldInvalid(
        path,
        "resource",
        "fieldRef and resourceFieldRef can not be specified simultaneously",
      );
  } else if (has(file, "resourceFieldRef"))
    yield* resourceRefErrors(membersAt(file, "resourceFieldRef"), path.child("resourceFieldRef"), true);
  else yield fieldRequired(path, "one of fieldRef and resourceFieldRef is required");
  yield* modeErrors(file, "mode", path);
}

const projections = [
  "secret",
  "configMap",
  "downwardAPI",
  "serviceAccountToken",
  "clusterTrustBundle",
  "podCertificate",
] as const;

function* projectedErrors(source: Members, path: FieldPath): Errors {
  yield* modeErrors(source, "defaultMode", path);
  const paths = new Set<string>();
  function* once(at: string, shown: string): Errors {
    if (at === "") return;
    if (paths.has(at)) yield fieldInvalid(path, shown, "conflicting duplicate paths");
    paths.add(at);
  }
  for (const [index, each] of listAt(source, "sources").entries()) {
    const at = path.child("sources").index(index);
    for (const field of ["secret", "configMap"]) {
      if (!has(each, field)) continue;
      const inner = membersAt(each, field);
      yield* requiredTexts(inner, at.child(field), "name");
      for (const [place, item] of listAt(inner, "items").entries()) {
        yield* keyToPathErrors(item, at.child(field, "items").index(place));
        yield* once(textAt(item, "path"), textAt(inner, "name"));
      }
    }
    for (const file of listAt(each, "downwardAPI", "items")) {
      yield* downwardFileErrors(file, at.child("downwardAPI"));
      yield* once(textAt(file, "path"), textAt(file, "path"));
    }
    if (has(each, "serviceAccountToken"))
      yield* tokenErrors(membersAt(each, "serviceAccountToken"), at, path);
    const count = projections.filter((field) => has(each, field)).length;
    if (count > 1) yield fieldForbidden(at, "may not specify more than 1 volume type per source");
  }
}

function* tokenErrors(token: Members, at: FieldPath, path: FieldPath): Errors {
  const seconds = numberAt(token, "expirationSeconds") ?? 0;
  const where = at.child("serviceAccountToken", "expirationSeconds");
  if (seconds < tenMinutes)
    yield fieldInvalid(where, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > 2 ** 32)
    yield fieldInvalid(where, seconds, "may not specify a duration larger than 2^32 seconds");
  const file = textAt(token, "path");
  if (file === "") yield fieldRequired(path.child("path"));
  else yield* nonReservedPath(file, path.child("path"));
}

export function* csiDriverNameErrors(name: string, path: FieldPath): Errors {
  if (name === "") yield fieldRequired(path);
  else {
    if (Buffer.byteLength(name) > 63)
      yield { ...fieldForbidden(path, "may not be more than 63 bytes"), type: "FieldValueTooLong" };
    yield* invalids(path, name, dns1123SubdomainErrors(name.toLowerCase()));
  }
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
] as const;

function* hostPathErrors(source: Members, path: FieldPath): Errors {
  const target = textAt(source, "path");
  if (target === "") {
    yield fieldRequired(path.child("path"));
    return;
  }
  yield* noBacksteps(target, path.child("path"));
  yield* optionalWord(source, "type", path, hostPathTypes);
}

function* nfsErrors(source: Members, path: FieldPath): Errors {
  yield* requiredTexts(source, path, "server", "path");
  const target = textAt(source, "path");
  if (!target.startsWith("/")) yield fieldInvalid(path.child("path"), target, "must be an absolute path");
}

function* ephemeralErrors(source: Members, path: FieldPath): Errors {
  const at = path.child("volumeClaimTemplate");
  if (!has(source, "volumeClaimTemplate")) yield fieldRequired(at);
  else yield* claimSpecErrors(membersAt(source, "volumeClaimTemplate", "spec"), at.child("spec"));
}

function* emptyDirErrors(source: Members, path: FieldPath): Errors {
  if (compareQuantities(textAt(source, "sizeLimit") || "0", "0") < 0)
    yield fieldForbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
}

function* monitorErrors(source: Members, path: FieldPath): Errors {
  if (textsAt(source, "monitors").length === 0) yield fieldRequired(path.child("monitors"));
}

/** In upstream's order: of several, the first is looked into and the others are too many. */
const volumeSources: readonly (readonly [string, Check])[] = [
  ["emptyDir", emptyDirErrors],
  ["hostPath", hostPathErrors],
  [
    "gitRepo",
    function* (source, path) {
      yield* requiredTexts(source, path, "repository");
      yield* relativePath(textAt(source, "directory"), path.child("directory"));
    },
  ],
  ["gcePersistentDisk", needs("pdName")],
  ["awsElasticBlockStore", needs("volumeID")],
  ["secret", fromObject("secretName")],
  ["nfs", nfsErrors],
  ["iscsi", needs("targetPortal", "iqn")],
  ["glusterfs", needs("endpoints", "path")],
  ["flocker", () => []],
  ["persistentVolumeClaim", needs("claimName")],
  ["rbd", monitorErrors],
  ["cinder", needs("volumeID")],
  ["cephfs", monitorErrors],
  ["quobyte", needs("registry", "volume")],
  [
    "downwardAPI",
    function* (source, path) {
      yield* modeErrors(source, "defaultMode", path);
      for (const file of listAt(source, "items")) yield* downwardFileErrors(file, path);
    },
  ],
  ["fc", () => []],
  ["flexVolume", needs("driver")],
  ["configMap", fromObject("name")],
  ["azureFile", needs("secretName", "shareName")],
  ["vsphereVolume", needs("volumePath")],
  ["photonPersistentDisk", needs("pdID")],
  ["portworxVolume", needs("volumeID")],
  ["azureDisk", needs("diskName", "diskURI")],
  ["storageos", needs("volumeName")],
  ["projected", projectedErrors],
  ["scaleIO", needs("gateway", "system", "volumeName")],
  ["csi", (source, path) => csiDriverNameErrors(textAt(source, "driver"), path.child("driver"))],
  ["ephemeral", ephemeralErrors],
  [
    "image",
    (source, path) => oneOf(textAt(source, "pullPolicy"), path.child("pullPolicy"), pullPolicies, true),
  ],
];

/** The volumes that are right, by name: what containers may mount. */
export type Volumes = ReadonlyMap<string, Members>;

/** `podName`: of a pod whose name is known; undefined for templates. */
export function checkVolumes(
  spec: Members,
  podName: string | undefined,
  path: FieldPath,
): { volumes: Volumes; errors: FieldError[] } {
  const volumes = new Map<string, Members>();
  const errors: FieldError[] = [];
  const list = listAt(spec, "volumes");
  const made = new Set(
    list.flatMap((volume) => (has(volume, "ephemeral") ? [`${podName}-${textAt(volume, "name")}`] : [])),
  );
  for (const [index, volume] of list.entries()) {
    const found = [...volumeErrors(volume, podName, path.index(index))];
    const name = textAt(volume, "name");
    if (volumes.has(name)) found.push(fieldDuplicate(path.index(index).child("name"), name));
    if (found.length === 0) volumes.set(name, volume);
    errors.push(...found);
    const claim = textAt(volume, "persistentVolumeClaim", "claimName");
    if (podName !== undefined && made.has(claim)) {
      const detail = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(fieldInvalid(path.index(index).child("persistentVolumeClaim", "claimName"), claim, detail));
    }
  }
  return { volumes, errors };
}

function* volumeErrors(volume: Members, podName: string | undefined, path: FieldPath): Errors {
  let count = 0;
  for (const [field, check] of volumeSources) {
    if (!has(volume, field)) continue;
    if (count > 0) yield fieldForbidden(path.child(field), "may not specify more than 1 volume type");
    else yield* check(membersAt(volume, field), path.child(field));
    count += 1;
  }
  if (count === 0) yield fieldRequired(path, "must specify a volume type");
  // Only a pod's own image must be told; a template's may be filled in.
  if (podName !== undefined && has(volume, "image"))
    yield* requiredTexts(membersAt(volume, "image"), path.child("image"), "reference");
  const name = textAt(volume, "name");
  if (name === "") yield fieldRequired(path.child("name"));
  else yield* invalids(path.child("name"), name, dns1123LabelErrors(name));
}

const taken = (list: readonly Members[], path: string) => ({
  names: new Set(list.map((each) => textAt(each, "name"))),
  paths: new Set(list.map((each) => textAt(each, path))),
});

export function* mountErrors(container: Members, volumes: Volumes, path: FieldPath): Errors {
  const { names, paths } = taken(listAt(container, "volumeDevices"), "devicePath");
  const seen = new Set<string>();
  for (const [index, mount] of listAt(container, "volumeMounts").entries()) {
    const lists = path.child("volumeMounts");
    const at = lists.index(index);
    const name = textAt(mount, "name");
    const target = textAt(mount, "mountPath");
    if (name === "") yield fieldRequired(at.child("name"));
    if (!volumes.has(name)) yield fieldNotFound(at.child("name"), name);
    if (target === "") yield fieldRequired(at.child("mountPath"));
    if (seen.has(target)) yield fieldInvalid(at.child("mountPath"), target, "must be unique");
    seen.add(target);
    if (names.has(name))
      yield fieldInvalid(at.child("name"), name, "must not already exist in volumeDevices");
    if (paths.has(target))
      yield fieldInvalid(at.child("mountPath"), target, "must not already exist as a path in volumeDevices");
    const sub = textAt(mount, "subPath");
    const expression = textAt(mount, "subPathExpr");
    if (sub !== "") yield* relativePath(sub, lists.child("subPath"));
    if (expression !== "") {
      if (sub !== "") {
        const detail = "subPathExpr and subPath are mutually exclusive";
        yield fieldInvalid(at.child("subPathExpr"), expression, detail);
      }
      yield* relativePath(expression, lists.child("subPathExpr"));
    }
    yield* propagationErrors(mount, container, lists);
  }
}

function* propagationErrors(mount: Members, container: Members, lists: FieldPath): Errors {
  yield* optionalWord(mount, "mountPropagation", lists, ["Bidirectional", "HostToContainer", "None"]);
  const propagation = textAt(mount, "mountPropagation");
  if (propagation === "Bidirectional" && valueAt(container, "securityContext", "privileged") !== true) {
    const detail = "Bidirectional mount propagation is available only to privileged containers";
    yield fieldForbidden(lists.child("mountPropagation"), detail);
  }
  const recursive = valueAt(mount, "recursiveReadOnly");
  const at = lists.child("recursiveReadOnly");
  if (recursive === "Enabled" || recursive === "IfPossible") {
    if (valueAt(mount, "readOnly") !== true)
      yield fieldForbidden(at, "may only be specified when readOnly is true");
    if (propagation !== "" && propagation !== "None")
      yield fieldForbidden(at, "may only be specified when mountPropagation is None or not specified");
  } else if (recursive !== undefined && recursive !== "Disabled")
    yield fieldNotSupported(at, recursive, ["Disabled", "Enabled", "IfPossible"]);
}

export function* deviceErrors(container: Members, volumes: Volumes, path: FieldPath): Errors {
  const mounts = taken(listAt(container, "volumeMounts"), "mountPath");
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [index, device] of listAt(container, "volumeDevices").entries()) {
    const at = path.child("volumeDevices").index(index);
    const name = textAt(device, "name");
    const target = textAt(device, "devicePath");
    const volume = volumes.get(name);
    if (name === "") yield fieldRequired(at.child("name"));
    if (names.has(name)) yield fieldInvalid(at.child("name"), name, "must be unique");
    if (volume === undefined) yield fieldNotFound(at.child("name"), name);
    else if (!has(volume, "persistentVolumeClaim") && !has(volume, "ephemeral")) {
      const detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      yield fieldInvalid(at.child("name"), name, detail);
    }
    if (target === "") yield fieldRequired(at.child("devicePath"));
    if (paths.has(target)) yield fieldInvalid(at.child("devicePath"), target, "must be unique");
    if (target.split("/").includes(".."))
      yield fieldInvalid(at.child("devicePath"), target, "can not contain backsteps ('..')");
    else paths.add(target);
    if (mounts.names.has(name))
      yield fieldInvalid(at.child("name"), name, "must not already exist in volumeMounts");
    if (mounts.paths.has(target))
      yield fieldInvalid(at.child("devicePath"), target, "must not already exist as a path in volumeMounts");
    if (name !== "") names.add(name);
  }
}

/** Environment variables of containers (pkg/apis/core/validation ValidateEnv, ValidateEnvFrom). */
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { canonicalQuantity } from "#machinery/values/quantity.ts";
import { listAt, type Members, membersAt, textAt, valueAt } from "../strategies/members.ts";
import { compareQuantities } from "../strategies/quantities.ts";
import { configKeyErrors, type Errors, has, invalids, noBacksteps } from "./checks.ts";

const fieldsOfEnvironment = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
] as const;
export const fieldsOfVolumes = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
] as const;
/** Fields that a Pod can tell about itself at all; whether here is another question. */
const knownFields: ReadonlySet<string> = new Set([
  ...fieldsOfEnvironment,
  ...fieldsOfVolumes,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);
const resources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
] as const;
const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;

const names = (name: string): string[] =>
  /^[ -<>-~]+$/.test(name)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

export function* environmentErrors(container: Members, path: FieldPath): Errors {
  for (const [index, variable] of listAt(container, "env").entries()) {
    const at = path.child("env").index(index);
    const name = textAt(variable, "name");
    if (name === "") yield fieldRequired(at.child("name"));
    else yield* invalids(at.child("name"), name, names(name));
    if (has(variable, "valueFrom")) yield* valueFromErrors(variable, at.child("valueFrom"));
  }
  const lists = path.child("envFrom");
  for (const [index, source] of listAt(container, "envFrom").entries()) {
    const prefix = textAt(source, "prefix");
    if (prefix !== "") yield* invalids(lists.index(index).child("prefix"), prefix, names(prefix));
    const given = ["configMapRef", "secretRef"].filter((field) => has(source, field));
    for (const field of given) {
      const name = textAt(source, field, "name");
      const at = lists.index(index).child(field, "name");
      if (name === "") yield fieldRequired(at);
      else yield* invalids(at, name, dns1123SubdomainErrors(name, true));
    }
    if (given.length === 0)
      yield fieldInvalid(lists, "", "must specify one of: `configMapRef` or `secretRef`");
    else if (given.length > 1)
      yield fieldInvalid(lists, "", "may not have more than one field specified at a time");
  }
}

function* valueFromErrors(variable: Members, path: FieldPath): Errors {
  const from = membersAt(variable, "valueFrom");
  if (has(from, "fieldRef"))
    yield* fieldRefErrors(membersAt(from, "fieldRef"), fieldsOfEnvironment, path.child("fieldRef"));
  if (has(from, "resourceFieldRef"))
    yield* resourceRefErrors(membersAt(from, "resourceFieldRef"), path.child("resourceFieldRef"), false);
  for (const field of ["configMapKeyRef", "secretKeyRef"])
    if (has(from, field)) yield* keyRefErrors(membersAt(from, field), path.child(field));
  if (has(from, "fileKeyRef")) yield* fileRefErrors(membersAt(from, "fileKeyRef"), path.child("fileKeyRef"));
  const count = sources.filter((field) => has(from, field)).length;
  if (count === 0) {
    const choice =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    yield fieldInvalid(path, "", choice);
  } else if (textAt(variable, "value") !== "")
    yield fieldInvalid(path, "", "may not be specified when `value` is not empty");
  else if (count > 1) yield fieldInvalid(path, "", "may not have more than one field specified at a time");
}

export function fieldRefErrors(ref: Members, allowed: readonly string[], path: FieldPath): FieldError[] {
  if (textAt(ref, "apiVersion") === "") return [fieldRequired(path.child("apiVersion"))];
  const label = textAt(ref, "fieldPath");
  const at = path.child("fieldPath");
  if (label === "") return [fieldRequired(at)];
  const wrong = (text: string) => [fieldInvalid(at, label, `error converting fieldPath: ${text}`)];
  if (textAt(ref, "apiVersion") !== "v1")
    return wrong(`unsupported pod version: ${textAt(ref, "apiVersion")}`);
  const bracket = label.endsWith("']") ? label.indexOf("['") : -1;
  if (bracket > 0) {
    const base = label.slice(0, bracket);
    const subscript = label.slice(bracket + 2, -2);
    if (base === "metadata.annotations")
      return invalids(path, subscript.toLowerCase(), qualifiedNameErrors(subscript.toLowerCase()));
    if (base === "metadata.labels") return invalids(path, subscript, qualifiedNameErrors(subscript));
    return wrong(`field label does not support subscript: ${label}`);
  }
  const known = label === "spec.host" ? "spec.nodeName" : label;
  if (!knownFields.has(known)) return wrong(`field label not supported: ${label}`);
  return allowed.includes(known) ? [] : [fieldNotSupported(at, known, allowed)];
}

export function* resourceRefErrors(ref: Members, path: FieldPath, inVolume: boolean): Errors {
  const name = textAt(ref, "resource");
  if (inVolume && textAt(ref, "containerName") === "") yield fieldRequired(path.child("containerName"));
  else if (name === "") yield fieldRequired(path.child("resource"));
  else if (!(resources as readonly string[]).includes(name) && !/^(requests|limits)\.hugepages-/.test(name))
    yield fieldNotSupported(path.child("resource"), name, resources);
  const divisor = textAt(ref, "divisor") || "0";
  if (compareQuantities(divisor, "0") === 0) return;
  const shown = String(canonicalQuantity(divisor));
  const processor = name.endsWith(".cpu");
  const allowed = processor ? /^1m?$/ : /^1([kMGTPE]|[KMGTPE]i)?$/;
  if (allowed.test(shown)) return;
  const kind = processor
    ? "cpu"
    : name.endsWith(".memory")
      ? "memory"
      : name.endsWith(".ephemeral-storage")
        ? "local ephemeral storage"
        : "hugepages";
  const values = processor ? "1m and 1" : "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
  yield fieldInvalid(
    path.child("divisor"),
    name,
    `only divisor's values ${values} are supported with the ${kind} resource`,
  );
}

function* keyRefErrors(ref: Members, path: FieldPath): Errors {
  const name = textAt(ref, "name");
  yield* invalids(path.child("name"), name, dns1123SubdomainErrors(name));
  const key = textAt(ref, "key");
  if (key === "") yield fieldRequired(path.child("key"));
  else yield* invalids(path.child("key"), key, configKeyErrors(key));
}

function* fileRefErrors(ref: Members, path: FieldPath): Errors {
  const key = textAt(ref, "key");
  if (key === "") yield fieldRequired(path.child("key"));
  else yield* invalids(path.child("key"), key, names(key));
  const volume = textAt(ref, "volumeName");
  if (volume === "") yield fieldRequired(path.child("volumeName"));
  else yield* invalids(path.child("volumeName"), volume, dns1123LabelErrors(volume));
  const file = String(valueAt(ref, "path") ?? "");
  if (file === "") yield fieldRequired(path.child("path"));
  else yield* noBacksteps(file, path.child("path"));
}

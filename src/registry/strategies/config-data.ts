/** v1 ConfigMap and Secret (k8s.io/kubernetes pkg/apis/core/validation, pkg/registry/core/{configmap,secret}). */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  fieldTooLong,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { getOwn, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy } from "#registry/strategy.ts";
import { configKeyErrors } from "../validation/checks.ts";

type Strings = Readonly<Record<string, string>>;

/** Upstream's MaxSecretSize, for ConfigMaps too. */
const maxDataBytes = 1_024 * 1_024;
const immutableDetail = "field is immutable when `immutable` is set";

export const configMapStrategy: Strategy = {
  validate(object): FieldError[] {
    const data = stringsOf(object, "data");
    const binary = stringsOf(object, "binaryData");
    const errors = [...keyErrors("data", data), ...keyErrors("binaryData", binary)];
    for (const key of Object.keys(data)) {
      if (Object.hasOwn(binary, key)) {
        errors.push(
          fieldInvalid(FieldPath.of("data").key(key), key, "duplicate of key present in binaryData"),
        );
      }
    }
    const bytes = sum(data, (text) => Buffer.byteLength(text)) + sum(binary, decodedLength);
    if (bytes > maxDataBytes) errors.push(fieldTooLong(FieldPath.of(""), maxDataBytes));
    return errors;
  },
  validateUpdate: (object, old) => immutableErrors(object, old, ["data", "binaryData"]),
};

export const secretStrategy: Strategy = {
  // An update without a type is one to Opaque: upstream has filled in the default by then.
  applyDefaults: takeStringData,
  validate: secretErrors,
  validateUpdate: (object, old) => [
    ...(object.type === old.type ? [] : [fieldInvalid("type", object.type, "field is immutable")]),
    ...immutableErrors(object, old, ["data"]),
  ],
  warnings: tlsWarnings,
  selectableFields: { type: (object) => String(object.type ?? "") },
};

/** `stringData` is write-only: it becomes `data` before anybody sees the object. A Secret without a type is Opaque. */
function takeStringData(object: KubeObject): void {
  const given = stringsOf(object, "stringData");
  delete object.stringData;
  if (Object.keys(given).length > 0) {
    const encoded = Object.entries(given).map(([key, text]) => [
      key,
      Buffer.from(text, "utf8").toString("base64"),
    ]);
    const merged = { ...stringsOf(object, "data"), ...Object.fromEntries(encoded) } as Strings;
    object.data = Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  if ((object.type ?? "") === "") object.type = "Opaque";
}

function secretErrors(object: KubeObject): FieldError[] {
  const data = stringsOf(object, "data");
  const errors = keyErrors("data", data);
  if (sum(data, decodedLength) > maxDataBytes) errors.push(fieldTooLong("data", maxDataBytes));
  const at = (key: string): FieldPath => FieldPath.of("data").key(key);
  const has = (key: string): boolean => Object.hasOwn(data, key);
  const required = (...keys: string[]): FieldError[] =>
    keys.filter((key) => !has(key)).map((key) => fieldRequired(at(key)));
  switch (object.type) {
    case "kubernetes.io/service-account-token": {
      const name = "kubernetes.io/service-account.name";
      if ((object.metadata.annotations?.[name] ?? "") === "") {
        errors.push(fieldRequired(FieldPath.of("metadata").child("annotations").key(name)));
      }
      break;
    }
    case "kubernetes.io/dockercfg":
      errors.push(...jsonSecretErrors(data, ".dockercfg"));
      break;
    case "kubernetes.io/dockerconfigjson":
      errors.push(...jsonSecretErrors(data, ".dockerconfigjson"));
      break;
    case "kubernetes.io/basic-auth":
      if (!has("username") && !has("password")) errors.push(...required("username", "password"));
      break;
    case "kubernetes.io/ssh-auth":
      if ((data["ssh-privatekey"] ?? "") === "") errors.push(fieldRequired(at("ssh-privatekey")));
      break;
    case "kubernetes.io/tls":
      errors.push(...required("tls.crt", "tls.key"));
      break;
    default:
  }
  return errors;
}

/** Upstream warns with Go's words when certificate and key do not belong together. */
function tlsWarnings(object: KubeObject): string[] {
  if (object.type !== "kubernetes.io/tls") return [];
  const data = stringsOf(object, "data");
  const decoded = (key: string): Buffer => Buffer.from(Object.hasOwn(data, key) ? data[key]! : "", "base64");
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(decoded("tls.crt"));
  } catch {
    return ["tls: failed to find any PEM data in certificate input"];
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(decoded("tls.key"));
  } catch {
    return ["tls: failed to find any PEM data in key input"];
  }
  return certificate.checkPrivateKey(key) ? [] : ["tls: private key does not match public key"];
}

function jsonSecretErrors(data: Strings, key: string): FieldError[] {
  const at = FieldPath.of("data").key(key);
  const text = getOwn(data as Record<string, JsonValue>, key);
  if (typeof text !== "string") return [fieldRequired(at)];
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64").toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return [];
    return [
      fieldInvalid(
        at,
        "<secret contents redacted>",
        "json: cannot unmarshal into Go value of type map[string]interface {}",
      ),
    ];
  } catch (error) {
    return [fieldInvalid(at, "<secret contents redacted>", (error as Error).message)];
  }
}

/** Keys of ConfigMaps and Secrets (apimachinery validation.IsConfigMapKey). */
function keyErrors(field: string, data: Strings): FieldError[] {
  return Object.keys(data).flatMap((key) => {
    const messages = configKeyErrors(key);
    return messages.map((message) => fieldInvalid(FieldPath.of(field).key(key), key, message));
  });
}

function immutableErrors(object: KubeObject, old: KubeObject, fields: readonly string[]): FieldError[] {
  if (old.immutable !== true) return [];
  const errors = object.immutable === true ? [] : [fieldForbidden("immutable", immutableDetail)];
  for (const field of fields) {
    const same = jsonEqual((object[field] ?? null) as JsonValue, (old[field] ?? null) as JsonValue);
    if (!same) errors.push(fieldForbidden(field, immutableDetail));
  }
  return errors;
}

const stringsOf = (object: KubeObject, field: string): Strings => (object[field] ?? {}) as Strings;
const sum = (data: Strings, size: (text: string) => number): number =>
  Object.values(data).reduce((total, text) => total + size(text), 0);
const decodedLength = (base64: string): number => Buffer.byteLength(base64, "base64");

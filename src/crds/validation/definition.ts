/**
 * What is wrong with a CustomResourceDefinition (apiextensions-apiserver pkg/apis/apiextensions/validation): upstream's texts, paths and
 * order, which are those of the internal version (`spec.validation.openAPIV3Schema` where all versions have one schema).
 */
import { quote } from "#base/quote.ts";
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { getOwn, type JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { fieldImmutable, objectMetaErrors, objectMetaUpdateErrors } from "#machinery/meta/validation.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import type { CompiledType } from "#machinery/schema/decode.ts";
import { isSupportedFormat } from "#machinery/structural/formats/formats.ts";
import { isRequestUri } from "#machinery/structural/formats/uri.ts";
import type { PatternCache } from "#machinery/structural/pattern.ts";
import { type InternalSpec, internalSpec, namesOf, objectOf, textOf, textsOf } from "./internal.ts";
import { namesErrors } from "./names.ts";
import { innerSchemas, type Props } from "./props.ts";
import { createOptions, type SpecOptions, updateOptions } from "./ratchet.ts";
import { specErrors } from "./spec.ts";

export interface DefinitionContext {
  /** meta/v1 ObjectMeta, compiled from the catalogue. */
  readonly objectMeta: CompiledType;
  /** Compiled patterns; the same as for custom schemas. */
  readonly patterns: PatternCache;
}

const approvedAnnotation = "api-approved.kubernetes.io";

/**
 * Everything upstream finds wrong with a definition that is about to be stored: decoded by the catalogue, with its defaults (names,
 * conversion, `status.storedVersions`). With `old` it is an update, and what was wrong before is let pass where upstream does.
 */
export function customResourceDefinitionErrors(
  definition: KubeObject,
  old: KubeObject | undefined,
  context: DefinitionContext,
): FieldError[] {
  const spec = internalSpec(partOf(definition, "spec"));
  const status = partOf(definition, "status");
  const errors: FieldError[] = [];
  if (old === undefined) {
    const required = `${spec.names.plural}.${spec.group}`;
    const validateName = (name: string, prefix: boolean): readonly string[] => {
      const messages = dns1123SubdomainErrors(name, prefix);
      return name === required ? messages : [...messages, 'must be spec.names.plural+"."+spec.group'];
    };
    errors.push(...objectMetaErrors(definition, { namespaced: false, validateName }));
    errors.push(...specErrors(spec, createOptions, context));
  } else {
    const before = internalSpec(partOf(old, "spec"));
    const options = updateOptions(spec, before, isEstablished(old), context);
    errors.push(...objectMetaUpdateErrors(definition, old));
    errors.push(...specErrors(spec, options, context), ...immutableErrors(spec, before, options));
  }
  errors.push(
    ...acceptedNamesErrors(status),
    ...storedVersionsErrors(textsOf(status, "storedVersions"), spec),
  );
  errors.push(...approvalErrors(definition, old, spec.group));
  const keptOpen = old !== undefined && getOwn(partOf(old, "spec"), "preserveUnknownFields") === true;
  if (spec.preserveUnknownFields && !keptOpen) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.push(fieldInvalid("spec.preserveUnknownFields", true, detail));
  }
  return errors;
}

/** What is wrong with a write to the status subresource. */
export const customResourceDefinitionStatusErrors = (
  definition: KubeObject,
  old: KubeObject,
): FieldError[] => [
  ...objectMetaUpdateErrors(definition, old),
  ...acceptedNamesErrors(partOf(definition, "status")),
];

const acceptedNamesErrors = (status: JsonObject): FieldError[] =>
  namesErrors(namesOf(objectOf(status, "acceptedNames") ?? {}), "status.acceptedNames");

const partOf = (definition: KubeObject, key: string): JsonObject =>
  objectOf(definition as unknown as JsonObject, key) ?? {};

const isEstablished = (definition: KubeObject): boolean => {
  const conditions = getOwn(partOf(definition, "status"), "conditions");
  const list = Array.isArray(conditions) ? (conditions as JsonObject[]) : [];
  return list.some((one) => textOf(one, "type") === "Established" && textOf(one, "status") === "True");
};

function immutableErrors(spec: InternalSpec, old: InternalSpec, options: SpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  const check = (path: string, value: string, before: string): void => {
    if (value !== before) errors.push(fieldInvalid(`spec.${path}`, value, fieldImmutable));
  };
  if (options.requiresImmutableNames) {
    check("scope", spec.scope, old.scope);
    check("names.kind", spec.names.kind, old.names.kind);
  }
  check("group", spec.group, old.group);
  check("names.plural", spec.names.plural, old.names.plural);
  return errors;
}

function storedVersionsErrors(stored: readonly string[], spec: InternalSpec): FieldError[] {
  const path = "status.storedVersions";
  if (stored.length === 0) return [fieldInvalid(path, null, "must have at least one stored version")];
  const errors: FieldError[] = [];
  const missing = new Map(stored.map((version, i) => [version, i]));
  for (const { name, storage } of spec.versions) {
    if (storage && !missing.has(name)) {
      errors.push(fieldInvalid(path, stored, `must have the storage version ${name}`));
    }
    missing.delete(name);
  }
  for (const [version, i] of missing) {
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.push(fieldInvalid(`${path}[${i}]`, version, detail));
  }
  return errors;
}

/** Groups that belong to Kubernetes' community need its approval (KEP 1111). */
export const isProtectedGroup = (group: string): boolean =>
  ["k8s.io", "kubernetes.io"].some((owned) => group === owned || group.endsWith(`.${owned}`));

export interface Approval {
  readonly state: "missing" | "bypassed" | "approved" | "invalid";
  /** Upstream's text. */
  readonly reason: string;
}

/** What the annotation `api-approved.kubernetes.io` says. */
export function approvalOf(definition: KubeObject): Approval {
  const annotations = definition.metadata.annotations ?? {};
  const text = Object.hasOwn(annotations, approvedAnnotation) ? annotations[approvedAnnotation]! : "";
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  const must = `protected groups must have approval annotation ${quote(approvedAnnotation)}`;
  if (text === "") return { state: "missing", reason: `${must}, ${see}` };
  if (text.startsWith("unapproved")) return { state: "bypassed", reason: `not approved: ${quote(text)}` };
  if (isRequestUri(text) && /^[A-Za-z][A-Za-z0-9+\-.]*:\/\/(?:[^/?]*@)?[^/?]/.test(text)) {
    return { state: "approved", reason: `approved in ${text}` };
  }
  return {
    state: "invalid",
    reason: `${must} with either a URL or a reason starting with "unapproved", ${see}`,
  };
}

function approvalErrors(definition: KubeObject, old: KubeObject | undefined, group: string): FieldError[] {
  if (!isProtectedGroup(group)) return [];
  const { state, reason } = approvalOf(definition);
  if (old !== undefined && approvalOf(old).state === state) return [];
  if (state === "approved" || state === "bypassed") return [];
  const path = `metadata.annotations[${approvedAnnotation}]`;
  if (state === "missing") return [fieldRequired(path, reason)];
  return [fieldInvalid(path, definition.metadata.annotations?.[approvedAnnotation], reason)];
}

/** Warnings about formats that are ignored; on updates only those that are new. */
export function unrecognizedFormatWarnings(definition: KubeObject, old: KubeObject | undefined): string[] {
  const before = new Set(old === undefined ? [] : unrecognizedFormats(old));
  return unrecognizedFormats(definition)
    .filter((format) => !before.has(format))
    .map((format) => `unrecognized format ${quote(format)}`);
}

function unrecognizedFormats(definition: KubeObject): string[] {
  const spec = internalSpec(partOf(definition, "spec"));
  const formats: string[] = [];
  const visit = (props: Props): void => {
    const { format, type = "" } = props;
    if (format !== undefined && !isSupportedFormat(format, type)) formats.push(format);
    innerSchemas(props).forEach(visit);
  };
  for (const { schema } of [spec, ...spec.versions]) if (schema?.props !== undefined) visit(schema.props);
  return formats;
}

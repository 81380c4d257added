/** Validation of ObjectMeta with upstream's texts (apimachinery pkg/api/validation/objectmeta.go, meta/v1/validation). */
import { byteLength, compareBytes } from "#base/bytes.ts";
import { quote } from "#base/quote.ts";
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  fieldTooLong,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { isRawNumber } from "#machinery/json/value.ts";
import type { KubeObject, OwnerReference } from "#machinery/meta/object.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { annotationKeyErrors, labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";

/** Most bytes of all annotation keys and values together. */
export const maxAnnotationBytes = 256 * 1_024;
export const fieldImmutable = "field is immutable";
/** Finalizers of the garbage collector; they exclude each other. */
export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

export interface MetaRules {
  readonly namespaced: boolean;
  /** What is wrong with a name, or with a prefix of one. Default: DNS-1123 subdomain. */
  readonly validateName?: ((name: string, prefix: boolean) => readonly string[]) | undefined;
}

const metadata = FieldPath.of("metadata");
const at = (field: string): FieldPath => metadata.child(field);

/** For creation, after the name was generated. */
export function objectMetaErrors({ metadata: meta }: KubeObject, rules: MetaRules): FieldError[] {
  const { name = "", generateName = "", namespace = "", generation = 0 } = meta;
  const check = rules.validateName ?? dns1123SubdomainErrors;
  const errors: FieldError[] = [];
  if (generateName !== "") errors.push(...each(at("generateName"), generateName, check(generateName, true)));
  if (name === "") errors.push(fieldRequired(at("name"), "name or generateName is required"));
  else errors.push(...each(at("name"), name, check(name, false)));
  if (rules.namespaced) {
    if (namespace === "") errors.push(fieldRequired(at("namespace")));
    else errors.push(...each(at("namespace"), namespace, dns1123LabelErrors(namespace)));
  } else if (namespace !== "") errors.push(fieldForbidden(at("namespace"), "not allowed on this type"));
  if (isRawNumber(generation) ? generation.rawJSON.startsWith("-") : generation < 0)
    errors.push(fieldInvalid(at("generation"), generation, "must be greater than or equal to 0"));
  errors.push(...commonErrors(meta), ...finalizersErrors(meta.finalizers ?? [], at("finalizers")));
  return errors;
}

/**
 * For updates: `next` replaces `old`. Whether a resourceVersion is demanded is the registry's decision. As upstream, names of
 * finalizers are checked at creation only, so that an object with an odd one can still be changed.
 */
export function objectMetaUpdateErrors(
  { metadata: next }: KubeObject,
  { metadata: old }: KubeObject,
  _rules?: MetaRules,
): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    errors.push(...newFinalizersErrors(next.finalizers ?? [], old.finalizers ?? []));
  }
  if ((next.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldInvalid(at("generation"), next.generation ?? 0, "must not be decremented"));
  }
  for (const field of ["name", "namespace", "uid"] as const) {
    const value = next[field] ?? "";
    if (value !== (old[field] ?? "")) errors.push(fieldInvalid(at(field), value, fieldImmutable));
  }
  for (const field of ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    const value = next[field] ?? null;
    if (value !== (old[field] ?? null)) errors.push(fieldInvalid(at(field), value, fieldImmutable));
  }
  errors.push(...commonErrors(next));
  return errors;
}

function commonErrors(meta: KubeObject["metadata"]): FieldError[] {
  return [
    ...labelsErrors(meta.labels ?? {}, at("labels")),
    ...annotationsErrors(meta.annotations ?? {}, at("annotations")),
    ...ownerReferencesErrors(meta.ownerReferences ?? [], at("ownerReferences")),
  ];
}

export function labelsErrors(labels: Readonly<Record<string, string>>, path: FieldPath): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...each(path, key, qualifiedNameErrors(key)),
    ...each(path, value, labelValueErrors(value)),
  ]);
}

export function annotationsErrors(
  annotations: Readonly<Record<string, string>>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    errors.push(...each(path, key, annotationKeyErrors(key)));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxAnnotationBytes) errors.push(fieldTooLong(path, maxAnnotationBytes));
  return errors;
}

/** Names are qualified names, and the two finalizers of the garbage collector exclude each other. */
function finalizersErrors(finalizers: readonly string[], path: FieldPath): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => each(path, finalizer, qualifiedNameErrors(finalizer)));
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    const detail = `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`;
    errors.push(fieldInvalid(path, finalizers, detail));
  }
  return errors;
}

function newFinalizersErrors(next: readonly string[], old: readonly string[]): FieldError[] {
  const added = [...new Set(next)].filter((finalizer) => !old.includes(finalizer)).sort(compareBytes);
  if (added.length === 0) return [];
  const list = `[]string{${added.map(quote).join(", ")}}`;
  return [
    fieldForbidden(
      at("finalizers"),
      `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
    ),
  ];
}

function ownerReferencesErrors(owners: readonly OwnerReference[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const owner of owners) {
    errors.push(...ownerReferenceErrors(owner, path));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === "") controller = name;
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(fieldInvalid(path, owners, detail));
    }
  }
  return errors;
}

/** What Go makes of an apiVersion: of one that is malformed, nothing (schema.FromAPIVersionAndKind). */
function ownerVersion(apiVersion: string): { group: string; version: string } {
  const parts = apiVersion.split("/");
  if (parts.length > 2) return { group: "", version: "" };
  return { group: parts.length === 2 ? parts[0]! : "", version: parts.at(-1)! };
}

function ownerReferenceErrors(owner: OwnerReference, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { group, version } = ownerVersion(owner.apiVersion ?? "");
  if (version === "")
    errors.push(fieldInvalid(path.child("apiVersion"), owner.apiVersion ?? "", "version must not be empty"));
  for (const field of ["kind", "name", "uid"] as const) {
    if ((owner[field] ?? "") === "")
      errors.push(fieldInvalid(path.child(field), owner[field] ?? "", "must not be empty"));
  }
  if (group === "" && version === "v1" && owner.kind === "Event") {
    errors.push(fieldInvalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  return errors;
}

const each = (path: FieldPath, value: string, messages: readonly string[]): FieldError[] =>
  messages.map((message) => fieldInvalid(path, value, message));

/** The spec of a definition (apiextensions/validation: validateCustomResourceDefinitionSpec and what it calls). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { parseSchema } from "#machinery/structural/parse.ts";
import { conversionErrors } from "./conversion.ts";
import { defaultsErrors } from "./defaults.ts";
import type { DefinitionContext } from "./definition.ts";
import { goVersion } from "./go-value.ts";
import type { InternalSchema, InternalSpec, InternalVersion } from "./internal.ts";
import {
  columnsErrors,
  deprecationWarningErrors,
  namesErrors,
  selectableFieldsErrors,
  subresourcesErrors,
} from "./names.ts";
import { type Props, schemaHas } from "./props.ts";
import { type SpecOptions, schemasOf } from "./ratchet.ts";
import { rootFieldErrors } from "./root-fields.ts";
import { costError, maxSchemaCost, RuleScope } from "./rule-scope.ts";
import { schemaErrors } from "./schema.ts";
import { structuralErrors, unsupportedFeature } from "./structural.ts";

export function specErrors(spec: InternalSpec, given: SpecOptions, context: DefinitionContext): FieldError[] {
  const errors: FieldError[] = [...groupErrors(spec.group)];
  const invalid = (path: string, value: unknown, detail: string): void => {
    errors.push(fieldInvalid(`spec.${path}`, value, detail));
  };
  if (spec.scope === "") errors.push(fieldRequired("spec.scope"));
  else if (spec.scope !== "Cluster" && spec.scope !== "Namespaced") {
    errors.push(fieldNotSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]));
  }
  errors.push(...missingSchemaErrors(spec, given));
  const schemas = schemasOf(spec);
  const hasDefaults = schemas.some(({ props }) => schemaHas(props, (inner) => inner.default !== undefined));
  if (hasDefaults && spec.preserveUnknownFields) {
    invalid("preserveUnknownFields", true, "must be false in order to use defaults in the schema");
  }
  const requiresStructural =
    given.requiresStructural ||
    !spec.preserveUnknownFields ||
    hasDefaults ||
    schemas.some(({ props }) => schemaHas(props, hasExtensions));
  const options = { ...given, requiresStructural };

  const statusOf = statusByVersion(spec);
  spec.versions.forEach((version, i) => {
    const messages = dns1035LabelErrors(version.name);
    if (messages.length > 0) invalid(`versions[${i}].name`, version.name, messages.join(","));
    errors.push(...versionErrors(version, statusOf(version), `spec.versions[${i}]`, options, context));
  });
  const names = new Set(spec.versions.map(({ name }) => name));
  if (names.size < spec.versions.length) {
    invalid("versions", spec.versions.map(goVersion), "must contain unique version names");
  }
  if (spec.versions.filter(({ storage }) => storage).length !== 1) {
    const shown = spec.versions.length === 0 ? null : spec.versions.map(goVersion);
    invalid("versions", shown, "must have exactly one version marked as storage version");
  }
  if (spec.version !== "") {
    const messages = dns1035LabelErrors(spec.version);
    if (messages.length > 0) invalid("version", spec.version, messages.join(","));
  }
  for (const key of ["plural", "singular", "kind", "listKind"] as const) {
    if (spec.names[key] === "") errors.push(fieldRequired(`spec.names.${key}`));
  }
  errors.push(...namesErrors(spec.names, "spec.names"));
  const hasStatus = [spec, ...spec.versions].some(({ subresources }) => subresources?.status === true);
  errors.push(...validationErrors(spec.schema, hasStatus, spec.version, "spec.validation", options, context));
  errors.push(...subresourcesErrors(spec.subresources, "spec.subresources"));
  errors.push(...columnsErrors(spec.columns, "spec.additionalPrinterColumns"));
  errors.push(...commonSelectableErrors(spec, options));
  if (spec.conversion !== undefined && spec.conversion.strategy !== "None" && spec.preserveUnknownFields) {
    const detail = "must be None if spec.preserveUnknownFields is true";
    invalid("conversion.strategy", spec.conversion.strategy, detail);
  }
  errors.push(...conversionErrors(spec.conversion, "spec.conversion", options));
  return errors;
}

function groupErrors(group: string): FieldError[] {
  if (group === "") return [fieldRequired("spec.group")];
  const messages = dns1123SubdomainErrors(group);
  if (messages.length > 0) return [fieldInvalid("spec.group", group, messages.join(","))];
  if (group.includes(".")) return [];
  return [fieldInvalid("spec.group", group, "should be a domain with at least one dot")];
}

function missingSchemaErrors(spec: InternalSpec, { requiresSchema }: SpecOptions): FieldError[] {
  if (spec.schema?.props !== undefined) return [];
  const errors: FieldError[] = [];
  spec.versions.forEach((version, i) => {
    if (version.schema?.props !== undefined) return;
    const at = `spec.versions[${i}].schema.openAPIV3Schema`;
    if (requiresSchema) errors.push(fieldRequired(at));
    else if (!spec.preserveUnknownFields && version.served) {
      errors.push(fieldRequired(at, "because otherwise all fields are pruned"));
    }
  });
  return errors;
}

const hasExtensions = (props: Props): boolean =>
  props.embeddedResource === true ||
  props.preserveUnknownFields !== undefined ||
  props.intOrString === true ||
  props.listMapKeys !== undefined ||
  props.listType !== undefined ||
  props.validations !== undefined;

/** Whether a version has the status subresource; of versions with one name, the first counts. */
function statusByVersion(spec: InternalSpec): (version: InternalVersion) => boolean {
  const hasOwnSubresources = spec.versions.some(({ subresources }) => subresources !== undefined);
  if (!hasOwnSubresources) return () => spec.subresources?.status === true;
  const found = new Map<string, boolean>();
  for (const { name, subresources } of spec.versions)
    if (!found.has(name)) found.set(name, subresources?.status === true);
  return ({ name }) => found.get(name) === true;
}

function versionErrors(
  version: InternalVersion,
  hasStatus: boolean,
  path: string,
  options: SpecOptions,
  context: DefinitionContext,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const detail of deprecationWarningErrors(version.deprecated, version.deprecationWarning)) {
    errors.push(fieldInvalid(`${path}.deprecationWarning`, version.deprecationWarning, detail));
  }
  errors.push(
    ...validationErrors(version.schema, hasStatus, version.name, `${path}.schema`, options, context),
  );
  errors.push(...subresourcesErrors(version.subresources, `${path}.subresources`));
  errors.push(...columnsErrors(version.columns, `${path}.additionalPrinterColumns`));
  if (version.selectableFields === undefined) return errors;
  const props = version.schema?.props;
  if (props === undefined) {
    const detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
    return [...errors, fieldInvalid(`${path}.selectableFields`, "", detail)];
  }
  const unsupported = unsupportedFeature(props);
  if (unsupported !== undefined) {
    return [...errors, fieldInvalid(`${path}.schema.openAPIV3Schema`, "", unsupported)];
  }
  const tooMany = options.tooManySelectable.has(version.name);
  errors.push(
    ...selectableFieldsErrors(version.selectableFields, props, `${path}.selectableFields`, tooMany),
  );
  return errors;
}

function commonSelectableErrors(spec: InternalSpec, options: SpecOptions): FieldError[] {
  if (spec.selectableFields === undefined) return [];
  const path = "spec.selectableFields";
  const props = spec.schema?.props;
  if (props === undefined)
    return [fieldInvalid(path, "", "may only be set when validations.schema is included")];
  const unsupported = unsupportedFeature(props);
  if (unsupported !== undefined) return [fieldInvalid("spec.schema.openAPIV3Schema", "", unsupported)];
  return selectableFieldsErrors(spec.selectableFields, props, path, options.tooManySelectable.has(""));
}

/** One schema, of a version or of all. `path` of what holds it. */
function validationErrors(
  schema: InternalSchema | undefined,
  hasStatus: boolean,
  version: string,
  path: string,
  options: SpecOptions,
  context: DefinitionContext,
): FieldError[] {
  const props = schema?.props;
  if (props === undefined) return [];
  const errors: FieldError[] = [];
  const at = `${path}.openAPIV3Schema`;
  if (hasStatus) errors.push(...rootFieldErrors(props, at));
  if (props.nullable === true) {
    errors.push(fieldForbidden(`${at}.nullable`, "nullable cannot be true at the root"));
  }
  let scope: RuleScope | undefined;
  let unsupported: string | undefined;
  if (options.requiresStructural) {
    unsupported = unsupportedFeature(props);
    const found =
      unsupported === undefined ? structuralOrDefaultsErrors(schema!, props, at, options, context) : [];
    errors.push(...found);
    // Rules are looked at only in schemas that are right in form.
    if (unsupported === undefined && found.length === 0) scope = RuleScope.root(props);
  }
  const costsWereAccepted = options.unchangedVersions.has(version);
  errors.push(...schemaErrors(props, at, { ...options, costsWereAccepted }, scope));
  if (errors.length === 0 && unsupported !== undefined) errors.push(fieldInvalid(at, "", unsupported));
  if (scope !== undefined && scope.costs.total > maxSchemaCost) {
    const detail =
      "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    for (const expensive of scope.costs.mostExpensive) errors.push(fieldForbidden(expensive, detail));
    const name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    errors.push(fieldForbidden(at, costError(name, scope.costs.total, maxSchemaCost)));
  }
  return errors;
}

function structuralOrDefaultsErrors(
  { json }: InternalSchema,
  props: Props,
  path: string,
  options: SpecOptions,
  { objectMeta, patterns }: DefinitionContext,
): FieldError[] {
  const errors = structuralErrors(props, path, patterns);
  if (errors.length > 0) return errors;
  const requiresPruned = options.requiresPrunedDefaults;
  if (!schemaHas(props, (inner) => inner.default !== undefined)) return [];
  return defaultsErrors(parseSchema(json, "default"), path, { objectMeta, patterns, requiresPruned });
}

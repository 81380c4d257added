/** Strategy of a version of a custom kind (apiextensions-apiserver pkg/registry/customresource/strategy.go, validator.go). */
import { get } from "#api/columns/define.ts";
import type { ScaleDescription } from "#api/scale.ts";
import { quote } from "#base/quote.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { foregroundFinalizer, orphanFinalizer } from "#machinery/meta/validation.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { type JsonPath, parseJsonPath } from "#machinery/values/json-path.ts";
import { dropRepeatedOwners } from "#registry/strategies/common.ts";
import type { Strategy, StrategyContext } from "#registry/strategy.ts";
import { printed } from "./columns.ts";
import type { DefinitionVersion } from "./definition.ts";

const maxInt32 = 2 ** 31 - 1;

/** Hands out the schema of a version. */
interface Schemas {
  schema(version: string): CompiledCustomSchema;
}

export class CustomStrategy implements Strategy {
  readonly #version: DefinitionVersion;
  readonly #schemas: Schemas;

  constructor(version: DefinitionVersion, schemas: Schemas) {
    this.#version = version;
    this.#schemas = schemas;
  }

  get tracksGeneration(): boolean {
    return true;
  }

  get requiresResourceVersion(): boolean {
    return true;
  }

  get selectableFields(): SelectableFields {
    return selectableFieldsOf(this.#version);
  }

  prepareForCreate(object: KubeObject, context: StrategyContext): void {
    dropRepeatedOwners(object, context.requester);
  }

  prepareForUpdate(object: KubeObject, old: KubeObject, context: StrategyContext): void {
    if (context.subresource === "status") keepMetadata(object, old);
    else dropRepeatedOwners(object, context.requester);
  }

  validateCreate(object: KubeObject, _context: StrategyContext, found: readonly FieldError[]): FieldError[] {
    const compiled = this.#compiled;
    const json = object as unknown as JsonObject;
    const errors = [...compiled.validate(json), ...scaleErrors(object, this.#version.scale, true)];
    return [...errors, ...compiled.validateRules(json, undefined, [...found, ...errors])];
  }

  validateUpdate(
    object: KubeObject,
    old: KubeObject,
    { subresource, requester }: StrategyContext,
    found: readonly FieldError[],
  ): FieldError[] {
    const compiled = this.#compiled;
    const [json, before] = [object as unknown as JsonObject, old as unknown as JsonObject];
    const onlyStatus = subresource === "status";
    const errors = [
      ...(onlyStatus ? compiled.validateStatus(json, before) : compiled.validate(json, before)),
      ...scaleErrors(object, this.#version.scale, !onlyStatus),
    ];
    const warn = (text: string): void => requester.warn?.(text);
    return [...errors, ...compiled.validateRules(json, before, [...found, ...errors], warn)];
  }

  warnings(object: KubeObject, old: KubeObject | undefined): string[] {
    return finalizerWarnings(object, old);
  }

  get #compiled(): CompiledCustomSchema {
    return this.#schemas.schema(this.#version.name);
  }
}

/** The status subresource changes nothing of the metadata but what tells who wrote what. */
function keepMetadata(object: KubeObject, old: KubeObject): void {
  const { managedFields } = object.metadata;
  const { managedFields: _old, ...kept } = old.metadata;
  object.metadata = { ...kept, ...(managedFields === undefined ? {} : { managedFields }) };
}

type SelectableFields = NonNullable<Strategy["selectableFields"]>;

const fieldsOfVersions = new WeakMap<DefinitionVersion, SelectableFields>();

function selectableFieldsOf(version: DefinitionVersion): SelectableFields {
  let fields = fieldsOfVersions.get(version);
  if (fields === undefined) {
    fields = selectableFields(version.selectableFields);
    fieldsOfVersions.set(version, fields);
  }
  return fields;
}

function selectableFields(paths: readonly string[]): SelectableFields {
  const fields: Record<string, (object: KubeObject) => string> = Object.create(null);
  for (const text of paths) {
    const path: JsonPath | undefined = parseJsonPath(text);
    const read = (object: KubeObject): string => {
      const value = path?.find(object as unknown as JsonValue)?.[0];
      return value === undefined || value === null ? "" : printed(value);
    };
    setOwn(fields as unknown as JsonObject, text.replace(/^\./, ""), read as unknown as JsonValue);
  }
  return fields;
}

/** What a Scale is made of must be such that a Scale can be made of it. */
function scaleErrors(object: KubeObject, scale: ScaleDescription | undefined, spec: boolean): FieldError[] {
  if (scale === undefined) return [];
  const root = object as unknown as JsonValue;
  const errors: FieldError[] = [];
  const number = (path: readonly string[], bounded: boolean): void => {
    const where = `.${path.join(".")}`;
    const value = get(root, ...path);
    if (value === undefined) return;
    const replicas = isRawNumber(value) ? Number(value.rawJSON) : value;
    if (typeof replicas !== "number" || !Number.isInteger(replicas))
      errors.push(
        fieldInvalid(
          where,
          0,
          `${where} accessor error: ${goValue(value)} is of the type ${goType(value)}, expected int64`,
        ),
      );
    else if (replicas < 0) errors.push(fieldInvalid(where, replicas, "should be a non-negative integer"));
    else if (bounded && replicas > maxInt32)
      errors.push(fieldInvalid(where, replicas, `should be less than or equal to ${maxInt32}`));
  };
  if (spec) number(scale.specReplicasPath, true);
  number(scale.statusReplicasPath, true);
  if (scale.labelSelectorPath !== undefined) {
    const where = `.${scale.labelSelectorPath.join(".")}`;
    const value = get(root, ...scale.labelSelectorPath);
    if (value !== undefined && typeof value !== "string")
      errors.push(
        fieldInvalid(
          where,
          "",
          `${where} accessor error: ${goValue(value)} is of the type ${goType(value)}, expected string`,
        ),
      );
  }
  return errors;
}

const goValue = (value: JsonValue): string => (value === null ? "<nil>" : printed(value));

function goType(value: JsonValue): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (isRawNumber(value)) return "int64";
  switch (typeof value) {
    case "object":
      return "map[string]interface {}";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int64" : "float64";
    default:
      return "string";
  }
}

const standardFinalizers: readonly string[] = [orphanFinalizer, foregroundFinalizer, "kubernetes"];

function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const before = old?.metadata.finalizers ?? [];
  const added = new Set((object.metadata.finalizers ?? []).filter((name) => !before.includes(name)));
  return [...added].sort().flatMap((name) => {
    const where = `metadata.finalizers: ${quote(name)}: `;
    const warnings = qualifiedNameErrors(name).map((text) => where + text);
    if (!name.includes("/") && !standardFinalizers.includes(name)) {
      const path = name.includes(".") ? " including a path (/)" : "";
      warnings.push(
        `${where}prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
      );
    }
    return warnings;
  });
}

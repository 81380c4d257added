/** Expressions that choose devices (k8s.io/dynamic-resource-allocation/cel). They are compiled; nothing evaluates them here, or asks what that would cost. */
import { createCelEnvironment } from "#machinery/cel/cel.ts";
import { CelCompileError } from "#machinery/cel/errors.ts";
import { quantityType } from "#machinery/cel/libraries/quantity.ts";
import { boolType, type CelType, dynType, mapType, stringType, structType } from "#machinery/cel/types.ts";
import { type FieldError, fieldInternalError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { typeText } from "./compile.ts";

/** What an attribute holds is not known before there is a device. */
const unknownType: CelType = { ...dynType, name: "google.protobuf.Any" };
const byDomain = (value: CelType): CelType => mapType(stringType, mapType(stringType, value));
/** A macro that only these expressions have upstream; its inside is not looked at. */
const binding = /\bcel\s*\.\s*bind\b/;
const field = (property: string, type: CelType) => [property, { type, property, required: true }] as const;
const deviceType = structType(
  "kubernetes.DRADevice",
  new Map([
    field("allowMultipleAllocations", boolType),
    field("driver", stringType),
    field("attributes", byDomain(unknownType)),
    field("capacity", byDomain(quantityType)),
  ]),
);
const environment = createCelEnvironment({ variables: new Map([["device", deviceType]]) });

export function deviceSelectorErrors(source: string, path: FieldPath): FieldError[] {
  const invalid = (why: string): FieldError[] => [fieldInvalid(path, source, why)];
  const wrongType = (type: CelType): FieldError[] =>
    type.kind === "bool" || type.name === unknownType.name
      ? []
      : invalid(`must evaluate to bool or the unknown type, not ${typeText(type)}`);
  if (binding.test(source)) return [];
  try {
    return wrongType(environment.compile(source).type);
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    if (error.type === undefined) return invalid(`compilation failed: ${error.message}`);
    const errors = wrongType(error.type);
    if (errors.length > 0) return errors;
    return [fieldInternalError(path, `program instantiation failed: ${error.message}`)];
  }
}

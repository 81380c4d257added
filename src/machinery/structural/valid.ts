/**
 * Whether a value satisfies a schema: the fast question, asked of every object. What exactly is wrong says `diagnose.ts`, which is asked
 * only when this answers no. Both follow kube-openapi pkg/validation/validate, with its oddities.
 */
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { inEnum } from "./enum.ts";
import { formatCheck } from "./formats/formats.ts";
import { hasDuplicates } from "./list-types.ts";
import { type Checks, flags, type SchemaNode } from "./node.ts";
import { goNumber, isJsonInteger, isNumber, numberErrors, numberKind } from "./numbers.ts";
import type { PatternCache } from "./pattern.ts";

export function isValid(value: JsonValue, schema: SchemaNode, patterns: PatternCache): boolean {
  if (!schema.has(flags.checksBelow)) return true;
  const { checks } = schema;
  if (value === null) {
    const typed = schema.type !== "" || schema.has(flags.eitherType);
    if (typed && !schema.has(flags.nullable) && schema.type !== "null") return false;
    return checks?.enum === undefined;
  }
  if (!typeIsRight(value, schema)) return false;
  if (checks !== undefined) {
    if (!ownChecks(value, schema, checks, patterns)) return false;
    if (
      checks.allOf !== undefined ||
      checks.anyOf !== undefined ||
      checks.oneOf !== undefined ||
      checks.not !== undefined
    ) {
      if (!combined(value, checks, patterns)) return false;
    }
  }
  if (typeof value !== "object") return true;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined || !items.has(flags.checksBelow)) return true;
    for (const item of value) if (!isValid(item, items, patterns)) return false;
    return true;
  }
  return isRawNumber(value) || fieldsAreValid(value, schema, patterns);
}

function fieldsAreValid(value: JsonObject, schema: SchemaNode, patterns: PatternCache): boolean {
  const { additional } = schema;
  const { names, nodes } = schema;
  if (names.length === 0 && additional === undefined) return true;
  if (schema.hasPlainNames && (additional === undefined || additional === true)) {
    for (let i = 0; i < names.length; i++) {
      const inner = value[names[i]!];
      if (inner !== undefined && !isValid(inner, nodes[i]!, patterns)) return false;
    }
    return true;
  }
  for (const key in value) {
    const property = schema.property(key);
    if (property !== undefined) {
      if (!isValid(value[key]!, property, patterns)) return false;
    } else if (additional === false) return false;
    else if (typeof additional === "object" && !isValid(value[key]!, additional, patterns)) return false;
  }
  return true;
}

/** The type validator: what has a format need not have the type. */
function typeIsRight(value: JsonValue, schema: SchemaNode): boolean {
  const { type } = schema;
  switch (typeof value) {
    case "string":
      if (type === "string" || schema.has(flags.eitherType)) return true;
      break;
    case "boolean":
      if (type === "boolean" && schema.checks?.format === undefined) return true;
      break;
    case "number":
      if (Number.isSafeInteger(value)) {
        if (type === "number" || type === "integer" || schema.has(flags.eitherType)) return true;
      } else if (type === "number" && !schema.has(flags.eitherType)) return true;
      // The check of the type has a tolerance, the one of the range does not.
      else if (type === "integer" && !schema.has(flags.eitherType) && !Number.isInteger(value)) return false;
      break;
    default:
      if (type === "object" && isJsonObject(value)) return true;
      if (type === "array" && Array.isArray(value)) return true;
  }
  return typeProblem(value, schema) === undefined;
}

export interface TypeProblem {
  /** `integer`, or the format. */
  readonly expected: string;
  readonly found: string;
}

/** What upstream's type validator says of a value that is not null. */
export function typeProblem(value: JsonValue, schema: SchemaNode): TypeProblem | undefined {
  const types = typesOf(schema);
  const format = schema.checks?.format ?? "";
  if (types.length === 0 && format === "") return undefined;
  const [found, foundFormat] = kindOf(value);
  const integer = types.includes("integer");
  const number = types.includes("number");
  const wholeFloat = found === "number" && integer && isJsonInteger(Number(value));
  const widened = found === "integer" && number;
  const matches = types.includes(found) || wholeFloat || widened;
  const textual = typeof value === "string" || Array.isArray(value);
  if (!textual && format !== "" && !matches && foundFormat !== format) {
    return { expected: format, found: foundFormat };
  }
  if (!number && !integer && format !== "" && textual) return undefined;
  return matches ? undefined : { expected: types.join(","), found };
}

export function typesOf(schema: SchemaNode): readonly string[] {
  if (schema.has(flags.eitherType)) return eitherTypes;
  return schema.type === "" ? noTypes : [schema.type];
}

const eitherTypes: readonly string[] = ["integer", "string"];
const noTypes: readonly string[] = [];

function kindOf(value: JsonValue): readonly [type: string, format: string] {
  if (typeof value === "string") return ["string", ""];
  if (typeof value === "boolean") return ["boolean", ""];
  if (Array.isArray(value)) return ["array", ""];
  if (value !== null && isNumber(value)) {
    return typeof goNumber(value) === "bigint" ? ["integer", "int64"] : ["number", "float64"];
  }
  return ["object", ""];
}

/** Length in runes. */
export function runeLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next >= 0xdc00 && next <= 0xdfff) {
      length--;
      i++;
    }
  }
  return length;
}

function ownChecks(value: JsonValue, schema: SchemaNode, checks: Checks, patterns: PatternCache): boolean {
  if (checks.enum !== undefined && !inEnum(value, checks.enum)) return false;
  if (typeof value === "string") {
    const { maxLength, minLength, pattern, format } = checks;
    if (maxLength !== undefined && value.length > maxLength && runeLength(value) > maxLength) return false;
    if (minLength !== undefined && (value.length < minLength || runeLength(value) < minLength)) return false;
    if (pattern !== undefined) {
      const compiled = patterns.get(pattern);
      if (compiled instanceof Error || !compiled.test(value)) return false;
    }
    return format === undefined || formatCheck(format)?.(value) !== false;
  }
  if (typeof value === "boolean") return true;
  if (Array.isArray(value)) {
    const { minItems, maxItems } = checks;
    if (minItems !== undefined && value.length < minItems) return false;
    if (maxItems !== undefined && value.length > maxItems) return false;
    return checks.uniqueItems !== true || !hasDuplicates(value);
  }
  if (value !== null && isNumber(value)) {
    if (simpleNumber(value, checks)) return true;
    const kind = numberKind(schema.type, checks.format, schema.has(flags.eitherType));
    return numberErrors(goNumber(value), checks, kind, "").length === 0;
  }
  return objectChecks(value as JsonObject, checks);
}

/** Right without looking closer: a small integer within whole bounds that the type does not have to be known for. */
function simpleNumber(value: number | object, checks: Checks): boolean {
  if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > 0x7fffffff) return false;
  const { maximum, minimum } = checks;
  if (checks.multipleOf !== undefined || checks.exclusiveMaximum || checks.exclusiveMinimum) return false;
  if (
    maximum !== undefined &&
    (value > maximum || !Number.isInteger(maximum) || Math.abs(maximum) > 0x7fffffff)
  )
    return false;
  return (
    minimum === undefined ||
    (value >= minimum && Number.isInteger(minimum) && Math.abs(minimum) <= 0x7fffffff)
  );
}

function objectChecks(value: JsonObject, checks: Checks): boolean {
  const { required, minProperties, maxProperties } = checks;
  if (required !== undefined) {
    for (const name of required) if (!Object.hasOwn(value, name)) return false;
  }
  if (minProperties === undefined && maxProperties === undefined) return true;
  const count = Object.keys(value).length;
  return (
    !(minProperties !== undefined && count < minProperties) &&
    !(maxProperties !== undefined && count > maxProperties)
  );
}

function combined(value: JsonValue, checks: Checks, patterns: PatternCache): boolean {
  const valid = (schema: SchemaNode): boolean => isValid(value, schema, patterns);
  if (checks.anyOf !== undefined && !checks.anyOf.some(valid)) return false;
  if (checks.oneOf !== undefined) {
    let count = 0;
    for (const schema of checks.oneOf) if (valid(schema) && ++count > 1) return false;
    if (count !== 1) return false;
  }
  if (checks.allOf !== undefined && !checks.allOf.every(valid)) return false;
  return checks.not === undefined || !valid(checks.not);
}

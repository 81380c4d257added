/** JSONSchemaProps as upstream holds them: known fields only, none with its zero value (apiextensions types_jsonschema.go). */
import { compareBytes } from "#base/bytes.ts";
import { getOwn, isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";

/** Where a schema was read from. */
export const sourceOf: unique symbol = Symbol("source");

export interface Props {
  readonly [sourceOf]: JsonObject;
  readonly id?: string;
  readonly $schema?: string;
  /** A pointer upstream: also there when empty. */
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly nullable?: true;
  readonly format?: string;
  readonly title?: string;
  readonly default?: JsonValue;
  readonly maximum?: number;
  readonly exclusiveMaximum?: true;
  readonly minimum?: number;
  readonly exclusiveMinimum?: true;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: true;
  readonly multipleOf?: number;
  readonly enum?: readonly JsonValue[];
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly items?: PropsOrArray;
  readonly allOf?: readonly Props[];
  readonly oneOf?: readonly Props[];
  readonly anyOf?: readonly Props[];
  readonly not?: Props;
  readonly properties?: ReadonlyMap<string, Props>;
  readonly additionalProperties?: PropsOrBool;
  readonly patternProperties?: ReadonlyMap<string, Props>;
  readonly dependencies?: ReadonlyMap<string, PropsOrStrings>;
  readonly additionalItems?: PropsOrBool;
  readonly definitions?: ReadonlyMap<string, Props>;
  readonly externalDocs?: { readonly description: string; readonly url: string };
  readonly example?: JsonValue;
  readonly preserveUnknownFields?: boolean;
  readonly embeddedResource?: true;
  readonly intOrString?: true;
  readonly listMapKeys?: readonly string[];
  readonly listType?: string;
  readonly mapType?: string;
  readonly validations?: readonly RuleProps[];
}

export interface PropsOrArray {
  readonly schema?: Props;
  readonly schemas?: readonly Props[];
}
export interface PropsOrBool {
  readonly allows: boolean;
  readonly schema?: Props;
}
export interface PropsOrStrings {
  readonly schema?: Props;
  readonly property?: readonly string[];
}

export interface RuleProps {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression: string;
  readonly reason?: string;
  readonly fieldPath: string;
  readonly optionalOldSelf?: boolean;
}

type Writable = { -readonly [K in keyof Props]: Props[K] };

const texts = ["id", "$schema", "description", "type", "format", "title", "pattern"] as const;
const numbers = [
  "maximum",
  "minimum",
  "maxLength",
  "minLength",
  "maxItems",
  "minItems",
  "multipleOf",
  "maxProperties",
  "minProperties",
] as const;
const switches = [
  ["nullable", "nullable"],
  ["exclusiveMaximum", "exclusiveMaximum"],
  ["exclusiveMinimum", "exclusiveMinimum"],
  ["uniqueItems", "uniqueItems"],
  ["x-kubernetes-embedded-resource", "embeddedResource"],
  ["x-kubernetes-int-or-string", "intOrString"],
] as const;
const lists = ["allOf", "oneOf", "anyOf"] as const;
const maps = ["properties", "patternProperties", "definitions"] as const;

/** Reads a schema that the catalogue has decoded. Values of the wrong type count as absent. */
export function readProps(json: JsonObject): Props {
  const props: Writable = { [sourceOf]: json };
  const own = (key: string): JsonValue | undefined => getOwn(json, key);
  for (const key of texts) {
    const value = own(key);
    if (typeof value === "string" && value !== "") props[key] = value;
  }
  for (const key of numbers) {
    const value = own(key);
    if (typeof value === "number") props[key] = value;
    else if (isRawNumber(value)) props[key] = Number(value.rawJSON);
  }
  for (const [key, name] of switches) if (own(key) === true) props[name] = true;
  for (const key of lists) {
    const value = own(key);
    if (Array.isArray(value) && value.length > 0) props[key] = value.map(readAny);
  }
  for (const key of maps) {
    const value = own(key);
    if (isJsonObject(value) && Object.keys(value).length > 0) props[key] = readMap(value, readAny);
  }
  const ref = own("$ref");
  if (typeof ref === "string") props.$ref = ref;
  for (const key of ["default", "example"] as const) {
    const value = own(key);
    if (value !== undefined && value !== null) props[key] = value;
  }
  const values = own("enum");
  if (Array.isArray(values) && values.length > 0) props.enum = values;
  const required = stringsOf(own("required"));
  if (required !== undefined) props.required = required;
  const not = own("not");
  if (isJsonObject(not)) props.not = readProps(not);
  readNested(own, props);
  readExtensions(own, props);
  return props;
}

type Own = (key: string) => JsonValue | undefined;

function readNested(own: Own, props: Writable): void {
  const items = own("items");
  if (isJsonObject(items)) props.items = { schema: readProps(items) };
  else if (Array.isArray(items)) props.items = { schemas: items.map(readAny) };
  for (const key of ["additionalProperties", "additionalItems"] as const) {
    const value = own(key);
    if (isJsonObject(value)) props[key] = { allows: true, schema: readProps(value) };
    else if (typeof value === "boolean") props[key] = { allows: value };
  }
  const dependencies = own("dependencies");
  if (isJsonObject(dependencies)) {
    props.dependencies = readMap(dependencies, (value) => {
      if (isJsonObject(value)) return { schema: readProps(value) };
      const property = stringsOf(value);
      return property === undefined ? {} : { property };
    });
  }
  const docs = own("externalDocs");
  if (isJsonObject(docs)) {
    props.externalDocs = {
      description: textOf(getOwn(docs, "description")),
      url: textOf(getOwn(docs, "url")),
    };
  }
}

function readExtensions(own: Own, props: Writable): void {
  const preserve = own("x-kubernetes-preserve-unknown-fields");
  if (typeof preserve === "boolean") props.preserveUnknownFields = preserve;
  const keys = stringsOf(own("x-kubernetes-list-map-keys"));
  if (keys !== undefined) props.listMapKeys = keys;
  const listType = own("x-kubernetes-list-type");
  if (typeof listType === "string") props.listType = listType;
  const mapType = own("x-kubernetes-map-type");
  if (typeof mapType === "string") props.mapType = mapType;
  const rules = own("x-kubernetes-validations");
  if (Array.isArray(rules) && rules.length > 0) props.validations = rules.map(readRule);
}

function readRule(value: JsonValue): RuleProps {
  const json = isJsonObject(value) ? value : {};
  const reason = getOwn(json, "reason");
  const optionalOldSelf = getOwn(json, "optionalOldSelf");
  return {
    rule: textOf(getOwn(json, "rule")),
    message: textOf(getOwn(json, "message")),
    messageExpression: textOf(getOwn(json, "messageExpression")),
    ...(typeof reason === "string" ? { reason } : {}),
    fieldPath: textOf(getOwn(json, "fieldPath")),
    ...(typeof optionalOldSelf === "boolean" ? { optionalOldSelf } : {}),
  };
}

const readAny = (value: JsonValue): Props => readProps(isJsonObject(value) ? value : {});

/** In the order of bytes: upstream's maps have none, and messages should not depend on chance. */
function readMap<T>(json: JsonObject, read: (value: JsonValue) => T): ReadonlyMap<string, T> {
  return new Map(
    Object.keys(json)
      .sort(compareBytes)
      .map((key) => [key, read(json[key]!)]),
  );
}

const textOf = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

function stringsOf(value: JsonValue | undefined): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.filter((item) => typeof item === "string");
}

/** The schemas directly inside a schema, in upstream's order of looking (SchemaHas). */
export function innerSchemas(props: Props): Props[] {
  const inner: Props[] = [];
  const add = (...some: readonly (Props | undefined)[]): void => {
    for (const one of some) if (one !== undefined) inner.push(one);
  };
  add(props.items?.schema, ...(props.items?.schemas ?? []));
  add(...(props.allOf ?? []), ...(props.anyOf ?? []), ...(props.oneOf ?? []), props.not);
  add(...(props.properties?.values() ?? []), props.additionalProperties?.schema);
  add(...(props.patternProperties?.values() ?? []), props.additionalItems?.schema);
  add(...(props.definitions?.values() ?? []));
  for (const dependency of props.dependencies?.values() ?? []) add(dependency.schema);
  return inner;
}

/** Whether a schema or any inside it is such. */
export const schemaHas = (props: Props | undefined, is: (props: Props) => boolean): boolean =>
  props !== undefined && (is(props) || innerSchemas(props).some((inner) => schemaHas(inner, is)));

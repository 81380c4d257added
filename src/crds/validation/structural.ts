/** Whether a schema is structural (apiextensions-apiserver pkg/apiserver/schema: convert.go, validation.go, complete.go). */
import { compareBytes } from "#base/bytes.ts";
import {
  type FieldError,
  fieldErrorText,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { PatternCache } from "#machinery/structural/pattern.ts";
import type { Props } from "./props.ts";

/** Why a schema cannot be read as a structural one at all: it uses what Kubernetes does not support. Undefined when it can. */
export function unsupportedFeature(props: Props): string | undefined {
  return (
    ownUnsupported(props) ??
    firstOf([props.not, ...(props.allOf ?? []), ...(props.anyOf ?? []), ...(props.oneOf ?? [])]) ??
    (props.preserveUnknownFields === false
      ? "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
      : undefined) ??
    ((props.items?.schemas?.length ?? 0) > 0
      ? "OpenAPIV3Schema 'items' must be a schema, but is an array"
      : undefined) ??
    firstOf([props.items?.schema, ...(props.properties?.values() ?? []), props.additionalProperties?.schema])
  );
}

function firstOf(all: readonly (Props | undefined)[]): string | undefined {
  for (const props of all) {
    const found = props === undefined ? undefined : unsupportedFeature(props);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ownUnsupported(props: Props): string | undefined {
  const has: readonly (readonly [string, boolean])[] = [
    ["id", props.id !== undefined],
    ["schema", props.$schema !== undefined],
    ["$ref", props.$ref !== undefined && props.$ref !== ""],
    ["patternProperties", props.patternProperties !== undefined],
    ["dependencies", (props.dependencies?.size ?? 0) > 0],
    ["additionalItems", props.additionalItems !== undefined],
    ["definitions", props.definitions !== undefined],
  ];
  const found = has.find(([, there]) => there);
  return found === undefined ? undefined : `OpenAPIV3Schema '${found[0]}' is not supported`;
}

type Level = "root" | "item" | "field";

/** What keeps a schema from being structural, sorted by text. `path` of the schema. */
export function structuralErrors(props: Props, path: string, patterns: PatternCache): FieldError[] {
  const check = new StructuralCheck(patterns);
  check.node(props, "root", path);
  check.complete(props, props, path, path);
  const texts = new Map(check.errors.map((error) => [error, fieldErrorText(error)]));
  return check.errors.sort((a, b) => compareBytes(texts.get(a)!, texts.get(b)!));
}

class StructuralCheck {
  readonly errors: FieldError[] = [];
  readonly #patterns: PatternCache;

  constructor(patterns: PatternCache) {
    this.#patterns = patterns;
  }

  node(props: Props, level: Level, path: string): void {
    const { items, additionalProperties, properties, type = "" } = props;
    const preserves = props.preserveUnknownFields === true;
    if (type === "array" && items?.schema === undefined) this.#required(`${path}.items`, "must be specified");
    if (items?.schema !== undefined) this.node(items.schema, "item", `${path}.items`);
    for (const [name, property] of properties ?? [])
      this.node(property, "field", `${path}.properties[${name}]`);
    if (additionalProperties !== undefined) {
      const at = `${path}.additionalProperties`;
      if (level === "root") this.#forbidden(at, "must not be used at the root");
      if (additionalProperties.schema !== undefined) this.node(additionalProperties.schema, "field", at);
    }
    this.#intOrString(props, preserves, path);
    const skipsFirst = props.allOf !== undefined && isIntOrString(props.allOf[0]!.anyOf);
    this.#values(props, isIntOrString(props.anyOf), skipsFirst, path);
    this.#type(props, level, preserves, path);
    if (level === "root" || props.embeddedResource === true) this.#typeMeta(props, path);
    const metadata = properties?.get("metadata");
    if (metadata !== undefined) {
      this.#metadata(metadata, level, props.embeddedResource === true, `${path}.properties[metadata]`);
    }
    if (props.embeddedResource === true && !preserves && properties === undefined) {
      this.#required(
        `${path}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      );
    }
  }

  #intOrString(props: Props, preserves: boolean, path: string): void {
    if (props.intOrString !== true) return;
    const detail = "must be false if x-kubernetes-int-or-string is true";
    for (const [key, there] of [
      ["preserve-unknown-fields", preserves],
      ["embedded-resource", props.embeddedResource === true],
    ] as const) {
      if (there) this.errors.push(fieldInvalid(`${path}.x-kubernetes-${key}`, true, detail));
    }
  }

  #type(props: Props, level: Level, preserves: boolean, path: string): void {
    const { type = "" } = props;
    const at = `${path}.type`;
    if (props.embeddedResource === true && type !== "object") {
      const detail = "must be object if x-kubernetes-embedded-resource is true";
      if (type === "") this.#required(at, detail);
      else this.errors.push(fieldInvalid(at, type, detail));
    } else if (type === "" && props.intOrString !== true && !preserves) {
      const where = {
        root: "at the root",
        item: "for specified array items",
        field: "for specified object fields",
      };
      this.#required(at, `must not be empty ${where[level]}`);
    }
    if (props.embeddedResource === true && props.additionalProperties !== undefined) {
      const detail = "must not be used if x-kubernetes-embedded-resource is set";
      this.#forbidden(`${path}.additionalProperties`, detail);
    }
    if (level === "root" && type !== "" && type !== "object") {
      this.errors.push(fieldInvalid(at, type, "must be object at the root"));
    }
  }

  #typeMeta({ properties }: Props, path: string): void {
    for (const name of ["kind", "apiVersion"]) {
      const property = properties?.get(name);
      if (property === undefined || property.type === "string") continue;
      this.errors.push(
        fieldInvalid(`${path}.properties[${name}].type`, property.type ?? "", "must be string"),
      );
    }
  }

  /** The root's metadata may restrict the name and generateName, and nothing else. */
  #metadata(metadata: Props, level: Level, embedded: boolean, path: string): void {
    if ((level === "root" || embedded) && metadata.type !== "object") {
      this.errors.push(fieldInvalid(`${path}.type`, metadata.type ?? "", "must be object"));
    }
    if (level !== "root") return;
    const { type: _type, default: _default, properties, ...rest } = metadata;
    const names = [...(properties?.keys() ?? [])];
    if (Object.keys(rest).length === 0 && names.every((name) => name === "name" || name === "generateName"))
      return;
    const detail =
      "must not specify anything other than name and generateName, but metadata is implicitly specified";
    this.#forbidden(path, detail);
  }

  #values(props: Props, skipsAnyOf: boolean, skipsFirstAllOf: boolean, path: string): void {
    if (!skipsAnyOf) {
      for (const [i, inner] of (props.anyOf ?? []).entries())
        this.#nested(inner, false, `${path}.anyOf[${i}]`);
    }
    for (const [i, inner] of (props.allOf ?? []).entries()) {
      this.#nested(inner, skipsFirstAllOf && i === 0, `${path}.allOf[${i}]`);
    }
    for (const [i, inner] of (props.oneOf ?? []).entries()) this.#nested(inner, false, `${path}.oneOf[${i}]`);
    if (props.not !== undefined) this.#nested(props.not, false, `${path}.not`);
    if (props.pattern === undefined) return;
    const compiled = this.#patterns.get(props.pattern);
    if (!(compiled instanceof Error)) return;
    const detail = `must be a valid regular expression, but isn't: ${compiled.message}`;
    this.errors.push(fieldInvalid(`${path}.pattern`, props.pattern, detail));
  }

  #nested(props: Props, skipsAnyOf: boolean, path: string): void {
    this.#values(props, skipsAnyOf, false, path);
    if (props.items?.schema !== undefined) this.#nested(props.items.schema, false, `${path}.items`);
    for (const [name, property] of props.properties ?? []) {
      this.#nested(property, false, `${path}.properties[${name}]`);
    }
    const structural = (key: string, there: boolean, what: string): void => {
      if (there) this.#forbidden(`${path}.${key}`, `must be ${what} to be structural`);
    };
    structural("type", props.type !== undefined, "empty");
    const { additionalProperties } = props;
    const additional = additionalProperties?.schema !== undefined || additionalProperties?.allows === true;
    structural("additionalProperties", additional, "undefined");
    structural("default", props.default !== undefined, "undefined");
    structural("title", props.title !== undefined, "empty");
    structural("description", props.description !== undefined, "empty");
    structural("nullable", props.nullable === true, "false");
    structural("x-kubernetes-preserve-unknown-fields", props.preserveUnknownFields === true, "false");
    structural("x-kubernetes-embedded-resource", props.embeddedResource === true, "false");
    structural("x-kubernetes-int-or-string", props.intOrString === true, "false");
    structural("x-kubernetes-list-map-keys", props.listMapKeys !== undefined, "empty");
    structural("x-kubernetes-list-type", props.listType !== undefined, "undefined");
    structural("x-kubernetes-map-type", props.mapType !== undefined, "undefined");
    structural("x-kubernetes-validations", props.validations !== undefined, "empty");
    if (props.properties?.has("metadata") === true) {
      this.#forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context");
    }
  }

  /** What value validations mention must be specified outside of them too. */
  complete(values: Props, schema: Props, path: string, valuesPath: string): void {
    const each = (list: readonly Props[], key: string): void => {
      for (const [i, inner] of list.entries()) {
        this.#completeNested(inner, schema, path, `${valuesPath}.${key}[${i}]`);
      }
    };
    if (values.not !== undefined) this.#completeNested(values.not, schema, path, `${valuesPath}.not`);
    each(values.allOf ?? [], "allOf");
    each(values.anyOf ?? [], "anyOf");
    each(values.oneOf ?? [], "oneOf");
  }

  #completeNested(values: Props, schema: Props | undefined, path: string, valuesPath: string): void {
    if (schema === undefined) {
      this.#required(path, `because it is defined in ${valuesPath}`);
      return;
    }
    this.complete(values, schema, path, valuesPath);
    if (values.items?.schema !== undefined) {
      this.#completeNested(values.items.schema, schema.items?.schema, `${path}.items`, `${valuesPath}.items`);
    }
    for (const [name, property] of values.properties ?? []) {
      const at = `.properties[${name}]`;
      this.#completeNested(property, schema.properties?.get(name), path + at, valuesPath + at);
    }
  }

  #required(path: string, detail: string): void {
    this.errors.push(fieldRequired(path, detail));
  }

  #forbidden(path: string, detail: string): void {
    this.errors.push(fieldForbidden(path, detail));
  }
}

/** `anyOf: [{type: integer}, {type: string}]`, which `x-kubernetes-int-or-string` may be written with. */
function isIntOrString(anyOf: readonly Props[] | undefined): boolean {
  return (
    anyOf?.length === 2 &&
    anyOf.every((props, i) => props.type === ["integer", "string"][i] && Object.keys(props).length === 1)
  );
}

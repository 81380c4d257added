/** The schema of a definition, node by node (apiextensions/validation: ValidateCustomResourceDefinitionOpenAPISchema). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { keyedListErrors, listErrors } from "./list-rules.ts";
import type { Props } from "./props.ts";
import type { RuleScope } from "./rule-scope.ts";
import { ruleErrors, ruleTextErrors } from "./schema-rules.ts";

export interface SchemaOptions {
  readonly requiresValidTypes: boolean;
  readonly requiresAtomicSets: boolean;
  readonly requiresListMapKeys: boolean;
  readonly costsWereAccepted: boolean;
}

const types = ["array", "boolean", "integer", "number", "object", "string"];
const metaFields = new Set(["metadata", "kind", "apiVersion"]);

/** What is known of the place of a node. */
interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  readonly insideMeta: boolean;
  /** Why no default may stand here. */
  readonly noDefaults: string | undefined;
  readonly uncorrelatable: string | undefined;
  /** Undefined where rules are not compiled. */
  readonly scope: RuleScope | undefined;
}

/** Errors of the schema, and those of its rules, which are told behind them. */
export function schemaErrors(
  props: Props,
  path: string,
  options: SchemaOptions,
  scope: RuleScope | undefined,
): FieldError[] {
  const check = new SchemaCheck(options);
  const place = {
    path,
    isRoot: true,
    insideMeta: false,
    noDefaults: undefined,
    uncorrelatable: undefined,
    scope,
  };
  check.node(props, place);
  return [...check.errors, ...check.ruleErrors];
}

class SchemaCheck {
  readonly errors: FieldError[] = [];
  readonly ruleErrors: FieldError[] = [];
  readonly #options: SchemaOptions;

  constructor(options: SchemaOptions) {
    this.#options = options;
  }

  node(props: Props, place: Place): void {
    const { path, scope } = place;
    const before = this.errors.length;
    this.#unsupported(props, place);
    if (props.uniqueItems === true) {
      const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
      this.#forbidden(`${path}.uniqueItems`, detail);
    }
    this.#additional(props, place);
    this.#properties(props, place);
    this.#combinations(props, place);
    this.#items(props, place);
    for (const [name, dependency] of props.dependencies ?? []) {
      if (dependency.schema !== undefined)
        this.#inner(dependency.schema, place, `${path}.dependencies[${name}]`);
    }
    if (props.preserveUnknownFields === false) {
      const at = `${path}.x-kubernetes-preserve-unknown-fields`;
      this.errors.push(fieldInvalid(at, false, "must be true or undefined"));
    }
    this.#mapType(props, path);
    this.errors.push(...listErrors(props, path, this.#options.requiresAtomicSets));
    if (this.#options.requiresListMapKeys) this.errors.push(...keyedListErrors(props, path));
    if (props.validations === undefined) return;
    this.errors.push(...ruleTextErrors(props, path));
    // Rules are looked at only where the schema is right, here and below: else their errors would be puzzling.
    if (this.errors.length > before || scope === undefined) return;
    const { uncorrelatable } = place;
    const { costsWereAccepted } = this.#options;
    this.ruleErrors.push(
      ...ruleErrors(props, scope, path, { costsWereAccepted, uncorrelatable, isRoot: place.isRoot }),
    );
  }

  #inner(props: Props, place: Place, path: string, scope?: RuleScope): void {
    this.node(props, { ...place, path, isRoot: false, scope });
  }

  #additional({ additionalProperties: additional, properties }: Props, place: Place): void {
    if (additional === undefined) return;
    const path = `${place.path}.additionalProperties`;
    if (properties !== undefined && (!additional.allows || additional.schema !== undefined)) {
      this.#forbidden(path, "additionalProperties and properties are mutual exclusive");
    }
    if (additional.schema === undefined) return;
    const inside = place.insideMeta
      ? { ...place, noDefaults: "inside additionalProperties applying to object metadata" }
      : place;
    this.#inner(additional.schema, inside, path, place.scope?.child(additional.schema));
  }

  #properties(props: Props, place: Place): void {
    const correlates =
      props.mapType === undefined || props.mapType === "granular" || props.mapType === "atomic";
    for (const [name, property] of props.properties ?? []) {
      const path = `${place.path}.properties[${name}]`;
      const isMeta = (place.isRoot || props.embeddedResource === true) && metaFields.has(name);
      const inside: Place = {
        ...place,
        uncorrelatable: place.uncorrelatable ?? (correlates ? undefined : place.path),
        insideMeta: place.insideMeta || isMeta,
        noDefaults: isMeta && place.isRoot ? `in top-level ${name}` : place.noDefaults,
      };
      this.#inner(property, inside, path, place.scope?.child(property));
    }
  }

  #combinations(props: Props, place: Place): void {
    if (props.not !== undefined) this.#inner(props.not, place, `${place.path}.not`);
    for (const key of ["allOf", "oneOf", "anyOf"] as const) {
      for (const [i, inner] of (props[key] ?? []).entries()) {
        this.#inner(inner, place, `${place.path}.${key}[${i}]`);
      }
    }
    for (const [name, inner] of props.definitions ?? []) {
      this.#inner(inner, place, `${place.path}.definitions[${name}]`);
    }
  }

  #items({ items, listType }: Props, place: Place): void {
    if (items === undefined) return;
    const path = `${place.path}.items`;
    const uncorrelatable = place.uncorrelatable ?? (listType === "map" ? undefined : place.path);
    const inside = { ...place, uncorrelatable };
    if (items.schema !== undefined) this.#inner(items.schema, inside, path, place.scope?.child(items.schema));
    for (const [i, inner] of (items.schemas ?? []).entries()) {
      this.#inner(inner, inside, `${path}[${i}]`, place.scope?.child(inner));
    }
  }

  #unsupported(props: Props, { path, noDefaults, insideMeta }: Place): void {
    const { type } = props;
    if (this.#options.requiresValidTypes && type !== undefined && !types.includes(type)) {
      this.errors.push(fieldNotSupported(`${path}.type`, type, types));
    }
    if (props.default !== undefined && noDefaults !== undefined) {
      this.#forbidden(`${path}.default`, `must not be set ${noDefaults}`);
    }
    const unsupported: readonly (readonly [string, boolean])[] = [
      ["id", props.id !== undefined],
      ["additionalItems", props.additionalItems !== undefined],
      ["patternProperties", props.patternProperties !== undefined],
      ["definitions", props.definitions !== undefined],
      ["dependencies", props.dependencies !== undefined],
      ["$ref", props.$ref !== undefined],
    ];
    for (const [name, there] of unsupported) {
      if (there) this.#forbidden(`${path}.${name}`, `${name} is not supported`);
    }
    if (type === "null") {
      this.#forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative");
    }
    if ((props.items?.schemas?.length ?? 0) > 0) {
      this.#forbidden(`${path}.items`, "items must be a schema object and not an array");
    }
    if (insideMeta && props.embeddedResource === true) {
      this.#forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta");
    }
  }

  #mapType({ mapType, type = "" }: Props, path: string): void {
    if (mapType === undefined) return;
    if (type !== "object") {
      const detail = "must be object if x-kubernetes-map-type is specified";
      this.errors.push(
        type === "" ? fieldRequired(`${path}.type`, detail) : fieldInvalid(`${path}.type`, type, detail),
      );
    }
    if (mapType !== "atomic" && mapType !== "granular") {
      this.errors.push(fieldNotSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
    }
  }

  #forbidden(path: string, detail: string): void {
    this.errors.push(fieldForbidden(path, detail));
  }
}

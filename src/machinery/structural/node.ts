/** A structural schema in memory: small nodes, identical subtrees shared, nothing kept that only documents. */
import type { JsonValue } from "#machinery/json/value.ts";
import { find, indexOf, type NameIndex } from "./name-index.ts";

/** `object`, `array`, `string`, `integer`, `number` or `boolean`, or what an old definition says; empty where the schema names no type. */
export type SchemaType = string;

/** Value validations of one node; absent ones are undefined. Numbers are as the schema says them. */
export interface Checks {
  format?: string;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minimum?: number;
  exclusiveMinimum?: boolean;
  multipleOf?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  maxProperties?: number;
  minProperties?: number;
  required?: readonly string[];
  enum?: readonly JsonValue[];
  allOf?: readonly SchemaNode[];
  anyOf?: readonly SchemaNode[];
  oneOf?: readonly SchemaNode[];
  not?: SchemaNode;
}

/** One entry of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** Facts about a node and what is below it, so that walks skip what cannot concern them. */
export const flags = {
  nullable: 1,
  /** `x-kubernetes-preserve-unknown-fields` */
  preserve: 2,
  /** `x-kubernetes-embedded-resource` */
  embedded: 4,
  /** `x-kubernetes-int-or-string` */
  intOrString: 8,
  /** `x-kubernetes-map-type: atomic` */
  atomicMap: 16,
  /** Some node below has a default. */
  defaultsBelow: 32,
  /** This node or one below is an embedded resource. */
  embeddedBelow: 64,
  /** This node or one below is a list of type set or map. */
  listTypesBelow: 128,
  /** This node or one below has rules. */
  rulesBelow: 256,
  /** This node or one below says something that a value may break. */
  checksBelow: 512,
  /** Integers and strings are both of the right type, whatever `type` says. */
  eitherType: 1024,
  /** Expressions can see such values (upstream: SchemaDeclType answers a type). */
  exposed: 2048,
  /** `format: int-or-string`: nothing to validate, but readers of the published schema take it for {@link intOrString}. */
  intOrStringFormat: 4096,
} as const;

export class SchemaNode {
  readonly type: SchemaType;
  readonly flags: number;
  readonly default: JsonValue | undefined;
  readonly checks: Checks | undefined;
  /** What most nodes have nothing of, which share one empty thing. */
  readonly #inside: Inside;

  constructor({
    type,
    flags,
    names,
    nodes,
    items,
    additional,
    default: value,
    checks,
    list,
    rules,
  }: NodeParts) {
    this.type = type;
    this.flags = flags;
    this.default = value;
    this.checks = checks;
    const isScalar = names.length === 0 && items === undefined && additional === undefined;
    this.#inside =
      isScalar && list === undefined && rules === undefined
        ? nothingInside
        : {
            names,
            nodes,
            items,
            additional,
            list,
            rules,
            hasPlainNames: !names.some((name) => name in Object.prototype),
            index: undefined,
          };
  }

  /** Names of the properties, and their schemas at the same positions. */
  get names(): readonly string[] {
    return this.#inside.names;
  }

  get nodes(): readonly SchemaNode[] {
    return this.#inside.nodes;
  }

  get items(): SchemaNode | undefined {
    return this.#inside.items;
  }

  /** `additionalProperties`: a schema, or a boolean. */
  get additional(): SchemaNode | boolean | undefined {
    return this.#inside.additional;
  }

  get list(): ListType | undefined {
    return this.#inside.list;
  }

  get rules(): readonly Rule[] | undefined {
    return this.#inside.rules;
  }

  /** No property is called as something that every object inherits, so plain access finds own fields only. */
  get hasPlainNames(): boolean {
    return this.#inside.hasPlainNames;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** The schema of a named property. */
  property(name: string): SchemaNode | undefined {
    const at = this.position(name, 0);
    return at === undefined ? undefined : this.#inside.nodes[at];
  }

  /**
   * Where a named property is among {@link names}. `guess` is a position to look at first: who goes through an object often finds
   * properties in the order of the schema.
   */
  position(name: string, guess: number): number | undefined {
    const inside = this.#inside;
    const { names } = inside;
    if (names[guess] === name) return guess;
    if (names.length <= scannedProperties) {
      for (let i = 0; i < names.length; i++) if (names[i] === name) return i;
      return undefined;
    }
    inside.index ??= indexOf(names);
    return find(inside.index, names, name);
  }

  /** The schema of a key: of the property of that name, or of additional properties. */
  child(name: string): SchemaNode | undefined {
    const { additional } = this;
    return this.property(name) ?? (typeof additional === "object" ? additional : undefined);
  }
}

interface Inside {
  readonly names: readonly string[];
  readonly nodes: readonly SchemaNode[];
  readonly items: SchemaNode | undefined;
  readonly additional: SchemaNode | boolean | undefined;
  readonly list: ListType | undefined;
  readonly rules: readonly Rule[] | undefined;
  readonly hasPlainNames: boolean;
  index: NameIndex | undefined;
}

const nothingInside: Inside = {
  names: [],
  nodes: [],
  items: undefined,
  additional: undefined,
  list: undefined,
  rules: undefined,
  hasPlainNames: true,
  index: undefined,
};

/** Up to so many properties are looked for one by one: comparing interned strings is cheaper than hashing, and costs no memory. */
const scannedProperties = 10;

export interface ListType {
  readonly type: "atomic" | "set" | "map";
  readonly keys: readonly string[];
}

export interface NodeParts {
  readonly type: SchemaType;
  readonly flags: number;
  readonly names: readonly string[];
  readonly nodes: readonly SchemaNode[];
  readonly items: SchemaNode | undefined;
  readonly additional: SchemaNode | boolean | undefined;
  readonly default: JsonValue | undefined;
  readonly checks: Checks | undefined;
  readonly list: ListType | undefined;
  readonly rules: readonly Rule[] | undefined;
}
